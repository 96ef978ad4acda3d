// Generated prediction tables for tests of statistics.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "analysis/prediction_table.h"

namespace hardy::test {

/// Size of a generated table.
struct MadeSize {
  int folds = 1;
  int dialogues = 20;  ///< of each fold
  int utterances = 5;  ///< of each dialogue
  std::vector<std::int64_t> seeds = {1};
  std::vector<std::string> conditions = {"a"};
  std::string track = "unified";
};

/// Position of one prediction.
struct MadePlace {
  int fold = 0;
  int dialogue = 0;
  int utterance = 0;
  std::int64_t seed = 0;
  std::string condition;
};

using IsHit = std::function<bool(const MadePlace&)>;

/// Modalities acoustic and textual, classes calm and angry in turn; `is_hit` selects the correct
/// predictions.
inline PredictionTable made_table(const MadeSize& size, const IsHit& is_hit) {
  PredictionTableBuilder builder({TaskKind::kClass, {"calm", "angry"}}, {"acoustic", "textual"});
  for (const auto& condition : size.conditions) {
    for (int fold = 0; fold < size.folds; ++fold) {
      for (const std::int64_t seed : size.seeds) {
        builder.start(size.track, parse_condition(condition, {"acoustic", "textual"}), fold, seed);
        for (int d = 0; d < size.dialogues; ++d) {
          for (int u = 0; u < size.utterances; ++u) {
            const int truth = (d + u) % 2;
            const bool hit = is_hit({fold, d, u, seed, condition});
            builder.add({.dialogue = fmt::format("f{}d{:03}", fold, d),
                         .utterance = fmt::format("f{}d{:03}u{}", fold, d, u),
                         .speaker = "",
                         .truth = static_cast<double>(truth),
                         .predicted = static_cast<double>(hit ? truth : 1 - truth)});
          }
        }
      }
    }
  }
  return builder.finish();
}

/// The number of this condition (its label of any version) and metric.
template <typename Number>
Number number_in(const std::vector<Number>& numbers, const std::string& condition,
                 const std::string& metric) {
  for (const auto& number : numbers) {
    const bool is_of = number.condition == current_label(condition, {"acoustic", "textual"});
    if (is_of && number.metric == metric) return number;
  }
  throw std::runtime_error("no number " + condition + " " + metric);
}

}  // namespace hardy::test
