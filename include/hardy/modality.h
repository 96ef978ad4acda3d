/// @file
/// Modalities, patterns of available modalities, and test conditions: the same available modalities
/// for every utterance, or a protocol of missing data that draws them utterance by utterance
/// (docs/missing_data.md).
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hardy {

/// Largest number of modalities of a corpus.
inline constexpr int kMaxModalities = 16;

/// A set of modalities: bit m set = modality m (in the corpus's order) is available. A value type.
class Pattern {
 public:
  constexpr Pattern() = default;

  /// From bits in the order of the corpus's modalities.
  constexpr explicit Pattern(std::uint32_t bits) : bits_(bits) {}

  /// All of `modalities` modalities. Range 0..kMaxModalities.
  static constexpr Pattern complete(int modalities) { return Pattern((1U << modalities) - 1U); }

  /// One modality alone. Range 0..kMaxModalities-1.
  static constexpr Pattern only(int modality) { return Pattern(1U << modality); }

  /// Whether a modality is available. Range 0..kMaxModalities-1.
  [[nodiscard]] constexpr bool has(int modality) const { return ((bits_ >> modality) & 1U) != 0; }

  /// Number of available modalities.
  [[nodiscard]] constexpr int count() const { return std::popcount(bits_); }

  /// True when no modality is available.
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

  /// The set as stored in models and caches.
  [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }

  /// Equal sets.
  friend constexpr bool operator==(Pattern, Pattern) = default;

  /// Intersection.
  friend constexpr Pattern operator&(Pattern x, Pattern y) { return Pattern(x.bits_ & y.bits_); }

 private:
  std::uint32_t bits_ = 0;
};

/// All 2^M - 1 non-empty patterns: fewer modalities first, then in corpus order
/// ({a},{t},{v},{a,t}..).
std::vector<Pattern> all_patterns(int modalities);

/// The proper patterns (the paper's six for M = 3), in the order of all_patterns.
std::vector<Pattern> proper_patterns(int modalities);

/// The shortest unique prefix of each name ("acoustic","textual" -> "a","t"), used in tables.
std::vector<std::string> short_names(const std::vector<std::string>& modality_names);

/// "acoustic,textual": the label of a pattern, independent of the other modalities.
std::string pattern_label(Pattern pattern, const std::vector<std::string>& modality_names);

/// Reads "a,t", "acoustic,textual" or "at" (short names of one letter). Names match exactly or by
/// unique prefix. Throws ConfigError naming the known modalities.
Pattern parse_pattern(std::string_view text, const std::vector<std::string>& modality_names);

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
