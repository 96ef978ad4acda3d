/// @file
/// Patterns of available modalities (the paper's "conditions") over any number of modalities.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
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

}  // namespace hardy
