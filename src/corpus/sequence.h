// Sequences of frames -> one vector per utterance.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "corpus/feature_folder.h"
#include "hardy/config.h"

namespace hardy {

/// How sequences become vectors.
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

/// Refuses DataConfig::reduce = "mean-std" where features are files of single utterances, of which
/// the mean is always taken. Throws ConfigError.
void require_mean(const DataConfig& config);

/// The first value of a sequence that cannot be used.
struct UnusableValue {
  std::int64_t frame = 0;
  std::int64_t column = 0;
  float value = 0;
};

/// What reduce_sequence did.
struct SequenceOutcome {
  bool is_present = false;           ///< a vector was written
  std::int64_t skipped = 0;          ///< frames left out
  std::optional<UnusableValue> bad;  ///< the first one, also where frames are skipped
};

/// Reduces a sequence to its mean over frames, or to mean and population standard deviation one
/// after the other. Shapes: frames [T, width] row-major -> out [rules.vector_width(width)].
/// T = 0 gives no vector. Sums are kept in double precision. Pure.
SequenceOutcome reduce_sequence(std::span<const float> frames, std::int64_t width,
                                const SequenceRules& rules, float* out);

/// The frames that are not padding: without the frames at both ends that are zero throughout.
/// Shapes: frames [T, width].
std::span<const float> strip_padding(std::span<const float> frames, std::int64_t width);

}  // namespace hardy
