// The hardness report as text and JSON.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json_number.h"
#include "experiments/hardness_validity.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

Json reason(const std::string& missing) { return missing.empty() ? Json() : Json(missing); }

std::string shortened(const std::string& text) {
  constexpr std::size_t kMost = 70;
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

std::string case_text(const Case& one) {
  std::string text = fmt::format("  {} [{}] place {:.2f}", one.id, one.label, one.hardness);
  if (!std::isnan(one.difficulty)) text += fmt::format(", true difficulty {:.2f}", one.difficulty);
  if (!std::isnan(one.loss)) text += fmt::format(", held-out loss {:.2f}", one.loss);
  text += one.transcript.empty() ? "\n" : fmt::format(": {}\n", shortened(one.transcript));
  for (const auto& support : one.supports) {
    text += fmt::format("      {} [{}] at {:.2f} {}\n", support.id, support.label, support.distance,
                        shortened(support.transcript));
  }
  return text;
}

Json case_json(const Case& one) {
  Json supports = Json::array();
  for (const auto& support : one.supports) {
    supports.push_back({{"id", support.id},
                        {"label", support.label},
                        {"transcript", support.transcript},
                        {"distance", json_number(support.distance)}});
  }
  return {{"id", one.id},
          {"label", one.label},
          {"transcript", one.transcript},
          {"hardness_place", json_number(one.hardness)},
          {"true_difficulty", json_number(one.difficulty)},
          {"held_out_loss", json_number(one.loss)},
          {"supports", supports}};
}

/// A block: a row per estimate, a column per pattern.
std::string validity_block(const HardnessReport& report, const std::string& target) {
  std::vector<std::string> estimates;
  std::vector<std::string> patterns;
  std::string missing;
  std::map<std::pair<std::string, std::string>, const Validity*> cells;
  std::int64_t utterances = 0;
  for (const auto& validity : report.validity) {
    if (validity.target != target) continue;
    const auto add = [](std::vector<std::string>& list, const std::string& name) {
      if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
    };
    add(estimates, validity.estimate);
    add(patterns, validity.pattern);
    cells[{validity.estimate, validity.pattern}] = &validity;
    utterances = std::max(utterances, validity.utterances);
    if (utterances == 0) missing = validity.missing;
  }
  if (utterances == 0) return fmt::format("\nAgainst {}: not computable: {}\n", target, missing);
  std::string text =
      fmt::format("\nAgainst {} (Spearman, {} utterances)\n{:<38}", target, utterances, "");
  for (const auto& pattern : patterns) text += fmt::format("{:>8}", pattern);
  text += fmt::format("{:>8}\n", "mean");
  for (const auto& estimate : estimates) {
    text += fmt::format("{:<38}", estimate);
    double sum = 0;
    int count = 0;
    for (const auto& pattern : patterns) {
      const double value = cells.at({estimate, pattern})->correlation;
      text += std::isnan(value) ? fmt::format("{:>8}", "-") : fmt::format("{:>8.2f}", value);
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
    text += count == 0 ? fmt::format("{:>8}\n", "-") : fmt::format("{:>8.2f}\n", sum / count);
  }
  return text;
}

}  // namespace

std::string hardness_text(const HardnessReport& report) {
  std::string text = fmt::format(
      "{}{}: is estimated hardness real? 1 = it orders utterances "
      "exactly, 0 = not at all, below 0 = the wrong way round\n",
      report.data_name, report.is_synthetic ? " (synthetic)" : "");
  for (const char* target : {"true difficulty", "held-out loss", "held-out error"}) {
    text += validity_block(report, target);
  }
  text += "\nStability of the score over seeds (Spearman)\n";
  for (const auto& stability : report.stability) {
    text += stability.missing.empty()
                ? fmt::format("  {:<8}{:>6.2f}  ({} pairs)\n", stability.pattern,
                              stability.correlation, stability.pairs)
                : fmt::format("  {:<8}not computable: {}\n", stability.pattern, stability.missing);
  }
  text += "\nHardest utterances and their supports\n";
  for (const auto& one : report.hardest) text += case_text(one);
  text += "\nEasiest utterances and their supports\n";
  for (const auto& one : report.easiest) text += case_text(one);
  return text;
}

std::string hardness_json(const HardnessReport& report) {
  Json validity = Json::array();
  for (const auto& one : report.validity) {
    validity.push_back({{"estimate", one.estimate},
                        {"target", one.target},
                        {"pattern", one.pattern},
                        {"utterances", one.utterances},
                        {"spearman", json_number(one.correlation)},
                        {"not_computable_because", reason(one.missing)}});
  }
  Json stability = Json::array();
  for (const auto& one : report.stability) {
    stability.push_back({{"pattern", one.pattern},
                         {"spearman", json_number(one.correlation)},
                         {"pairs", one.pairs},
                         {"not_computable_because", reason(one.missing)}});
  }
  Json hardest = Json::array();
  Json easiest = Json::array();
  for (const auto& one : report.hardest) hardest.push_back(case_json(one));
  for (const auto& one : report.easiest) easiest.push_back(case_json(one));
  const Json json = {
      {"format", 1},          {"data", report.data_name}, {"is_synthetic", report.is_synthetic},
      {"validity", validity}, {"stability", stability},   {"hardest", hardest},
      {"easiest", easiest}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hardy
