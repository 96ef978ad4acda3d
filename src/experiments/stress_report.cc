// The table and the JSON of `hardy stress`.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json_number.h"
#include "base/wording.h"
#include "experiments/stress.h"
#include "metrics/registry.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kHeadingWidth = 12;

/// Severities of the table: as many as 80 columns hold, the first and the last among them.
std::vector<double> shown_severities(const StressPlan& plan) {
  const std::size_t most = plan.set_aside_rate > 0 ? 3 : 8;
  const auto& all = plan.severities;
  if (all.size() <= most) return all;
  std::vector<double> shown;
  for (std::size_t i = 0; i < most; ++i) shown.push_back(all[i * (all.size() - 1) / (most - 1)]);
  return shown;
}

std::string score_text(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.4f}", value);
}

std::string share_text(double share) {
  return std::isnan(share) ? "-" : fmt::format("{:.1f} %", 100 * share);
}

const StressCell* find_cell(const StressResult& result, int modality, Damage damage,
                            double severity) {
  for (const auto& cell : result.cells) {
    if (cell.modality == modality && cell.damage == damage && cell.severity == severity) {
      return &cell;
    }
  }
  return nullptr;
}

/// The rows of one modality.
std::string block_text(const StressResult& result, const StressModality& modality,
                       const StressPlan& plan, const std::string& name) {
  const auto severities = shown_severities(plan);
  const bool sets_aside = plan.set_aside_rate > 0;
  const bool is_long = name.size() >= kHeadingWidth;
  const std::string head = is_long ? name + "\n" + std::string(kHeadingWidth, ' ')
                                   : fmt::format("{:<{}}", name, kHeadingWidth);
  std::string heads;
  for (const double severity : severities)
    heads += fmt::format("{:>8}", fmt::format("{}", severity));
  std::string text = head + heads;
  if (sets_aside) text += "  |" + heads + fmt::format("{:>12}", "suspected");
  text +=
      fmt::format("\n{:<12}{:>{}}", "missing", score_text(modality.missing), 8 * severities.size());
  if (sets_aside) {
    text += fmt::format("  |{:>{}}{:>12}", "", 8 * severities.size(),
                        share_text(modality.false_alarms));
  }
  text += "\n";
  for (const auto damage : plan.damages) {
    std::string plain;
    std::string kept;
    double suspected = std::numeric_limits<double>::quiet_NaN();
    for (const double severity : severities) {
      const auto* cell = find_cell(result, modality.modality, damage, severity);
      plain += fmt::format("{:>8}", score_text(cell->score.plain));
      kept += fmt::format("{:>8}", score_text(cell->score.set_aside));
      suspected = cell->suspected;
    }
    text += fmt::format("{:<12}{}", damage_name(damage), plain);
    if (sets_aside) text += "  |" + kept + fmt::format("{:>12}", share_text(suspected));
    text += "\n";
  }
  return text;
}

}  // namespace

std::string stress_text(const StressResult& result, const StressPlan& plan, const Corpus& corpus) {
  std::string text =
      fmt::format("{} of {} on {} of {}\nundamaged   {}", metric_title(result.metric),
                  counted(result.models, "model"), counted(result.utterances, "utterance"),
                  corpus.name, score_text(result.clean.plain));
  if (plan.set_aside_rate > 0) {
    text += fmt::format("; with suspected modalities set aside {} (rate {})",
                        score_text(result.clean.set_aside), plan.set_aside_rate);
  }
  text += "\n";
  for (const auto& modality : result.modalities) {
    const auto& name = corpus.modalities[static_cast<std::size_t>(modality.modality)].name;
    text += "\n" + block_text(result, modality, plan, name);
  }
  text += "\nColumns: severity. '-': the damage does not apply to this corpus.\n";
  const auto shown = shown_severities(plan).size();
  if (shown < plan.severities.size()) {
    text +=
        fmt::format("Shown: {} of {} severities; --json has all.\n", shown, plan.severities.size());
  }
  if (plan.set_aside_rate > 0) {
    text +=
        "Right of the bar: with suspected modalities set aside. suspected: of utterances\n"
        "with the highest severity; in the row `missing`, of undamaged ones.\n";
  }
  return text;
}

std::string stress_json(const StressResult& result, const StressPlan& plan, const Corpus& corpus) {
  const auto name_of = [&](int m) { return corpus.modalities[static_cast<std::size_t>(m)].name; };
  Json json = {{"format", 1},
               {"data", corpus.name},
               {"models", result.models},
               {"utterances", result.utterances},
               {"metric", result.metric},
               {"seed", plan.seed},
               {"set_aside_rate", plan.set_aside_rate},
               {"undamaged",
                {{"value", json_number(result.clean.plain)},
                 {"set_aside", json_number(result.clean.set_aside)}}}};
  Json modalities = Json::array();
  for (const auto& modality : result.modalities) {
    Json cells = Json::array();
    for (const auto& cell : result.cells) {
      if (cell.modality != modality.modality) continue;
      cells.push_back({{"damage", damage_name(cell.damage)},
                       {"severity", cell.severity},
                       {"utterances", cell.touched},
                       {"value", json_number(cell.score.plain)},
                       {"set_aside", json_number(cell.score.set_aside)},
                       {"suspected", json_number(cell.suspected)}});
    }
    modalities.push_back({{"modality", name_of(modality.modality)},
                          {"missing", json_number(modality.missing)},
                          {"false_alarms", json_number(modality.false_alarms)},
                          {"damaged", std::move(cells)}});
  }
  json["modalities"] = std::move(modalities);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hardy
