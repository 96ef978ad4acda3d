// Reduction of sequences of frames to one vector per utterance.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "corpus/feature_folder.h"
#include "hardy/config.h"

namespace hardy {

/// Rules of the reduction.
struct SequenceRules {
  bool has_deviation = false;  ///< mean and standard deviation instead of the mean
  BadFeatures bad = BadFeatures::kRefuse;

  /// Reads DataConfig::reduce and ::not_finite.
  static SequenceRules from(const DataConfig& config);

  /// Width of the vector of a sequence of frames of `width` values.
  [[nodiscard]] std::int64_t vector_width(std::int64_t width) const {
    return has_deviation ? 2 * width : width;
  }

  /// "sequences reduced to their mean over frames"
  [[nodiscard]] std::string text() const;
};

/// Refuses DataConfig::reduce = "mean-std" for features in files of single utterances, which are
/// always averaged. Throws ConfigError.
void require_mean(const DataConfig& config);

/// The first unusable value of a sequence.
struct UnusableValue {
  std::int64_t frame = 0;
  std::int64_t column = 0;
  float value = 0;
};

/// Result of reduce_sequence.
struct SequenceOutcome {
  bool is_present = false;           ///< whether a vector was written
  std::int64_t skipped = 0;          ///< number of frames left out
  std::optional<UnusableValue> bad;  ///< the first one, also if frames are skipped
};

/// Reduces a sequence to its mean over frames, or to mean and population standard deviation
/// concatenated. Shapes: frames [T, width] row-major -> out [rules.vector_width(width)]. T = 0
/// gives no vector. Sums are in double precision. Pure.
SequenceOutcome reduce_sequence(std::span<const float> frames, std::int64_t width,
                                const SequenceRules& rules, float* out);

/// The frames without padding: leading and trailing frames that are all zero are removed. Shapes:
/// frames [T, width].
std::span<const float> strip_padding(std::span<const float> frames, std::int64_t width);

}  // namespace hardy
