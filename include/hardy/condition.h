// Under what a model is tested: the same modalities for every utterance, or a protocol of missing
// data that draws them utterance by utterance (include/hardy/missing.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardy/modality.h"

namespace hardy {

/// A value type.
struct Condition {
  Condition() = default;

  /// Every pattern is a condition.
  Condition(Pattern which) : pattern(which) {}  // NOLINT(google-explicit-constructor)

  /// Masks of a protocol, e.g. "rate=0.3"; what is available differs between utterances.
  Condition(int modalities, std::string masks)
      : pattern(Pattern::complete(modalities)), missing(std::move(masks)) {}

  [[nodiscard]] bool is_pattern() const { return missing.empty(); }

  friend bool operator==(const Condition&, const Condition&) = default;

  Pattern pattern;      ///< the complete one for masks
  std::string missing;  ///< "" = `pattern` for every utterance
};

/// The label of the mean over the proper patterns in tables and files.
inline constexpr const char* kAverageLabel = "average";

/// "acoustic,textual" or "rate=0.3": the same in every file, whatever other modalities there are.
std::string condition_label(const Condition& condition,
                            const std::vector<std::string>& modality_names);

/// "a,t": the label of a pattern with short_names. Another modality may change it, so that it is
/// for narrow tables with a key only.
std::string short_pattern_label(Pattern pattern, const std::vector<std::string>& modality_names);

/// Reads a label, also one with short names of an earlier version ("a,t"). Throws ConfigError.
Condition parse_condition(std::string_view text, const std::vector<std::string>& modality_names);

/// A label of any version as condition_label writes it; labels that are no conditions ("average")
/// stay as they are.
std::string current_label(const std::string& label, const std::vector<std::string>& modality_names);

/// Whether the first comes before the second in tables: patterns as all_patterns, then masks by
/// protocol and rate.
bool comes_before(const Condition& first, const Condition& second);

/// A mean over conditions that results report like a condition of its own.
struct ConditionMean {
  std::string label;                                    ///< "average", "rate=area"
  std::vector<std::pair<std::size_t, double>> weights;  ///< condition, share; shares add up to 1
};

/// "average" over the proper patterns where there are at least two; for each protocol with at least
/// two rates "<protocol>=area", the area under the curve against the rate divided by the range of
/// rates (trapezium rule).
std::vector<ConditionMean> condition_means(const std::vector<Condition>& conditions,
                                           int modalities);

}  // namespace hardy
