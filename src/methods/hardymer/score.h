// The unified hardness score (paper Eq. 10): pure functions of numbers.
#pragma once

#include <span>
#include <vector>

#include "methods/hardymer/settings.h"

namespace hardy {

/// (x - min) / (max - min); all 0 when the values do not vary. Shapes: [n] -> [n] in [0, 1].
std::vector<float> min_max(std::span<const float> values);

/// Eq. 10 on scaled values. Shapes: [n], [n] -> [n]. Requires: components is not "none".
std::vector<float> combine_scaled(std::span<const float> direct, std::span<const float> indirect,
                                  const HardnessConfig& config);

/// H_i = 1 / (1 + exp(-beta (alpha1 D~_i + alpha2 I~_i - centre))), D~ and I~ min-max scaled over
/// the given utterances, a fold's training part.
///
/// `indirect_sign = "consistency"` replaces I~ by 1 - I~ (weak consistency is hard); `centre =
/// "middle"` subtracts half of the active weights, so that H spans the unit interval; `components`
/// drops a term ("direct", "indirect"), and "none" gives every utterance 1 (all K supports).
/// Shapes: direct [n], indirect [n] -> [n] in (0, 1]. Throws ShapeError when sizes differ,
/// DataError when a value is not finite.
std::vector<float> unified_score(std::span<const float> direct, std::span<const float> indirect,
                                 const HardnessConfig& config);

}  // namespace hardy
