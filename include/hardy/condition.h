/// @file
/// Test conditions: the same available modalities for every utterance, or a protocol of missing
/// data that draws them utterance by utterance (hardy/missing.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardy/modality.h"

namespace hardy {

/// One condition: a pattern or the masks of a protocol. A value type.
struct Condition {
  Condition() = default;

  /// The condition that makes exactly the modalities of `which` available; implicit on purpose.
  Condition(Pattern which) : pattern(which) {}  // NOLINT(google-explicit-constructor)

  /// Masks of a protocol, e.g. "rate=0.3"; the available modalities differ between utterances.
  Condition(int modalities, std::string masks)
      : pattern(Pattern::complete(modalities)), missing(std::move(masks)) {}

  /// False for masks.
  [[nodiscard]] bool is_pattern() const { return missing.empty(); }

  /// Same pattern and same masks.
  friend bool operator==(const Condition&, const Condition&) = default;

  Pattern pattern;      ///< the complete one for masks
  std::string missing;  ///< "" = `pattern` for every utterance
};

/// The label of the mean over the proper patterns in tables and files.
inline constexpr const char* kAverageLabel = "average";

/// "acoustic,textual" or "rate=0.3": independent of the other modalities of the corpus, so that
/// labels of different files can be compared.
std::string condition_label(const Condition& condition,
                            const std::vector<std::string>& modality_names);

/// "a,t": the label of a pattern with short_names. It depends on the other modalities of the
/// corpus: for narrow tables with a key only.
std::string short_pattern_label(Pattern pattern, const std::vector<std::string>& modality_names);

/// Reads a label, also one with the short names of an earlier version ("a,t"). Throws ConfigError
/// for an unknown modality or protocol.
Condition parse_condition(std::string_view text, const std::vector<std::string>& modality_names);

/// Rewrites a label of any version as condition_label writes it; a label that is no condition
/// ("average") is returned unchanged.
std::string current_label(const std::string& label, const std::vector<std::string>& modality_names);

/// The order of tables: patterns as all_patterns, then masks by protocol and rate. True when
/// `first` precedes `second`.
bool comes_before(const Condition& first, const Condition& second);

/// A mean over conditions, reported like a condition.
struct ConditionMean {
  std::string label;                                    ///< "average", "rate=area"
  std::vector<std::pair<std::size_t, double>> weights;  ///< condition index, share; sum 1
};

/// The means that results report: "average" over the proper patterns where there are at least two;
/// for each protocol with at least two rates `PROTOCOL=area`, the area under the curve against the
/// rate divided by the range of rates (trapezium rule).
std::vector<ConditionMean> condition_means(const std::vector<Condition>& conditions,
                                           int modalities);

}  // namespace hardy
