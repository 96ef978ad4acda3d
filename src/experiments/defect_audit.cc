#include "experiments/defect_audit.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/compare_runs.h"
#include "analysis/comparison_json.h"
#include "base/json_number.h"
#include "base/wording.h"
#include "formats/csv.h"
#include "hardy/errors.h"
#include "methods/hardymer_published/defects.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLevel = 0.95;
constexpr const char* kStrict = "strict";
constexpr const char* kTuned = "tuned input";
constexpr const char* kSlots = "slots";
constexpr const char* kTunedSlots = "tuned input, slots";
constexpr const char* kPublished = "published";
constexpr const char* kTunedSetting = "hardymer.recogniser.input=tuned";
constexpr const char* kSlotsSetting = "hardymer.retrieval.supports=slots";

/// The settings without the defect that a defect is compared with.
const char* counterpart_of(const std::string& number) {
  if (number == "H2") return kTuned;
  if (number == "H11" || number == "H12" || number == "H16") return kSlots;
  return number == "H1b" ? "H1" : kStrict;
}

std::vector<std::string> settings_of(const std::string& label) {
  if (label == kTuned) return {kTunedSetting};
  if (label == kSlots) return {kSlotsSetting};
  if (label == kTunedSlots) return {kTunedSetting, kSlotsSetting};
  if (label == "H1") return {"hardymer_published.h1_test_epoch=true"};
  return {};
}

/// Adds a variant unless its settings are in the study already.
void add_variant(Study& study, Variant variant) {
  const auto text = config_toml(variant_config(study, variant));
  for (const auto& other : study.variants) {
    if (config_toml(variant_config(study, other)) == text) return;
  }
  study.variants.push_back(std::move(variant));
}

/// The label of the variant with the settings of `label`: its own, or that of a variant with equal
/// settings.
std::string label_in(const Study& study, const std::string& label) {
  const auto text = config_toml(variant_config(study, {label, settings_of(label)}));
  for (const auto& other : study.variants) {
    if (other.label == label) return label;
  }
  for (const auto& other : study.variants) {
    if (config_toml(variant_config(study, other)) == text) return other.label;
  }
  return label;
}

/// The resampled numbers of a run that questions refer to, by track.
std::vector<Resampled> numbers_of(const FinishedRun& run, const std::string& metric,
                                  const BootstrapOptions& options) {
  const auto all = resample(run.predictions, options);
  const auto has_average = std::any_of(all.begin(), all.end(), [](const Resampled& number) {
    return number.condition == "average";
  });
  std::vector<Resampled> chosen;
  for (const auto& number : all) {
    if (number.metric != metric || (has_average && number.condition != "average")) continue;
    const auto is_same = [&](const Resampled& other) { return other.track == number.track; };
    if (std::none_of(chosen.begin(), chosen.end(), is_same)) chosen.push_back(number);
  }
  return chosen;
}

bool is_equal(const PredictionTable& first, const PredictionTable& second) {
  if (first.cells.size() != second.cells.size()) return false;
  for (std::size_t i = 0; i < first.cells.size(); ++i) {
    if (first.cells[i].tallies != second.cells[i].tallies) return false;
  }
  return true;
}

std::string signed_points(const std::string& metric, double value) {
  if (std::isnan(value)) return "-";
  return is_share(metric) ? fmt::format("{:+.2f}", 100 * value) : fmt::format("{:+.4f}", value);
}

std::string interval_text(const Comparison& c) {
  if (!c.interval.is_computable()) return "-";
  return fmt::format("{} to {}", signed_points(c.metric, c.interval.low),
                     signed_points(c.metric, c.interval.high));
}

}  // namespace

Study defect_audit(const Config& base) {
  if (!active_defects(base).empty() || has_published_switch(base)) {
    throw ConfigError(
        "audit defects turns the defects on itself, one at a time: start from --protocol strict");
  }
  Study study;
  study.kind = kDefectAudit;
  study.title = "What each published defect is worth";
  study.base = base;
  for (const char* label : {kStrict, kTuned, kSlots, kTunedSlots}) {
    add_variant(study, {label, settings_of(label)});
  }
  for (const auto& defect : known_defects()) {
    auto settings = settings_of(counterpart_of(defect.number));
    settings.push_back(defect.key + "=" + defect.value);
    study.variants.push_back({defect.number, std::move(settings)});
  }
  study.variants.push_back({kPublished, protocol_assignments(kPublished)});
  validate_study(study);
  return study;
}

std::vector<DefectQuestion> defect_questions(const Study& study) {
  std::vector<DefectQuestion> questions;
  for (const auto& defect : known_defects()) {
    questions.push_back(
        {defect.number, label_in(study, counterpart_of(defect.number)), defect.summary});
  }
  const auto same_settings = label_in(study, kTunedSlots);
  questions.push_back({kPublished, same_settings, "every defect at once"});
  if (same_settings != kStrict) {
    questions.push_back({kPublished, kStrict, "every defect, and tuned input and slots"});
  }
  return questions;
}

std::vector<DefectWorth> defect_worths(const std::filesystem::path& folder,
                                       const StudyResult& result) {
  const BootstrapOptions options = {.resamples = 10000, .level = kLevel, .seed = 1};
  std::vector<std::filesystem::path> folders;
  for (const auto& variant : result.variants) folders.push_back(folder / variant.folder);
  const auto runs = read_finished_runs(folders);
  const auto metric = first_metric(result);
  std::vector<std::vector<Resampled>> numbers;
  for (const auto& run : runs) numbers.push_back(numbers_of(run, metric, options));
  const auto place_of = [&](const std::string& label) {
    for (std::size_t v = 0; v < result.variants.size(); ++v) {
      if (result.variants[v].variant.label == label) return v;
    }
    throw ConfigError(fmt::format(
        "the study has no variant '{}', so its defects cannot be judged; make it anew with `hardy "
        "audit defects`",
        label));
  };
  std::vector<DefectWorth> worths;
  std::vector<Pair> pairs;
  for (const auto& question : defect_questions(result.study)) {
    const auto one = place_of(question.variant);
    const auto other = place_of(question.counterpart);
    for (const auto& first : numbers[one]) {
      for (const auto& second : numbers[other]) {
        if (first.track != second.track || first.condition != second.condition) continue;
        worths.push_back({question,
                          first.track,
                          first.condition,
                          is_equal(runs[one].predictions, runs[other].predictions),
                          {}});
        pairs.push_back({question.variant, question.counterpart,
                         fmt::format("{}, {{{}}}, {}", first.track, first.condition, metric), first,
                         second});
      }
    }
  }
  const auto comparisons = compare(pairs, options);
  for (std::size_t i = 0; i < worths.size(); ++i) worths[i].comparison = comparisons[i];
  return worths;
}

std::string worth_verdict(const DefectWorth& worth) {
  const Comparison& c = worth.comparison;
  if (worth.changes_nothing) return "changes no prediction here";
  if (!c.interval.is_computable()) return "not computable because " + c.interval.missing;
  const bool is_better = (c.difference > 0) == is_higher_better(c.metric);
  if (!c.is_beyond_chance) {
    if (c.p > 1 - kLevel) return "no difference beyond chance";
    return fmt::format("{} alone, but not beyond chance among {} comparisons",
                       is_better ? "better" : "worse", c.comparisons);
  }
  return is_better ? "makes the reported number better" : "makes the reported number worse";
}

std::string defect_audit_text(const StudyResult& result, const std::vector<DefectWorth>& worths) {
  const Results& first = result.variants.front().test;
  std::string text =
      fmt::format("{}{}: what each published defect is worth, test, {}, {}\n", first.data_name,
                  first.is_synthetic ? " (synthetic)" : "", counted(first.folds.size(), "fold"),
                  counted(first.seeds.size(), "seed"));
  std::string heading;
  for (const auto& worth : worths) {
    const Comparison& c = worth.comparison;
    const auto now = fmt::format("\n{}, {}, {}\n", worth.track, c.metric, worth.condition);
    if (now != heading) {
      text += now + fmt::format("  {:<10}{:<20}{:>8}{:>8}{:>9}  {:>18}{:>8}{:>11}  {}\n", "defect",
                                "against", "with", "without", "points", "95 %", "p", "corrected",
                                "verdict");
      heading = now;
    }
    text += fmt::format("  {:<10}{:<20}{:>8.4f}{:>8.4f}{:>9}  {:>18}{:>8}{:>11}  {}: {}\n",
                        worth.question.variant, worth.question.counterpart, c.first, c.second,
                        signed_points(c.metric, c.difference), interval_text(c),
                        std::isnan(c.p) ? "-" : fmt::format("{:.4f}", c.p),
                        std::isnan(c.corrected_p) ? "-" : fmt::format("{:.4f}", c.corrected_p),
                        worth.question.summary, worth_verdict(worth));
  }
  return text +
         "\nA positive number: the defect flatters (for mae: a negative one). p-values are "
         "corrected for all rows (Holm).\n" +
         seeds_notice(first.seeds.size()) + "What each defect does: docs/audit.md\n";
}

std::string defect_audit_csv(const std::vector<DefectWorth>& worths) {
  const auto text_of = [](double value) {
    return std::isnan(value) ? std::string() : fmt::format("{}", value);
  };
  std::string text =
      "defect,against,track,condition,metric,with,without,difference,low,high,p,corrected_p,"
      "verdict,summary\n";
  for (const auto& worth : worths) {
    const Comparison& c = worth.comparison;
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                        csv_field(worth.question.variant), csv_field(worth.question.counterpart),
                        worth.track, csv_field(worth.condition), c.metric, text_of(c.first),
                        text_of(c.second), text_of(c.difference), text_of(c.interval.low),
                        text_of(c.interval.high), text_of(c.p), text_of(c.corrected_p),
                        csv_field(worth_verdict(worth)), csv_field(worth.question.summary));
  }
  return text;
}

std::string defect_audit_json(const StudyResult& result, const std::vector<DefectWorth>& worths) {
  Json rows = Json::array();
  for (const auto& worth : worths) {
    const Comparison& c = worth.comparison;
    Json row = {{"defect", worth.question.variant},  {"against", worth.question.counterpart},
                {"summary", worth.question.summary}, {"track", worth.track},
                {"condition", worth.condition},      {"metric", c.metric},
                {"with", json_number(c.first)},      {"without", json_number(c.second)}};
    row.update(difference_json(c));
    row["verdict"] = worth_verdict(worth);
    rows.push_back(std::move(row));
  }
  const Results& first = result.variants.front().test;
  const Json json = {{"format", 1},
                     {"audit", "defects"},
                     {"data", first.data_name},
                     {"is_synthetic", first.is_synthetic},
                     {"data_checksum", result.data_checksum},
                     {"folds", first.folds},
                     {"seeds", first.seeds},
                     {"level", kLevel},
                     {"rows", rows}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hardy
