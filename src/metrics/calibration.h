// How far probabilities can be believed, and the one number that corrects them: temperature scaling
// (Guo et al. 2017).
#pragma once

#include <cstdint>
#include <span>

namespace hardy {

/// The T in [0.05, 20] for which softmax(logits / T) has the smallest mean cross-entropy on these
/// utterances; needs only probabilities, because their logarithms are logits. The cross-entropy is
/// convex in 1/T, so the answer is unique unless the outputs do not vary: then 1.
/// Shapes: truth [N] in [0,C), probabilities [N,C]. Throws ShapeError when sizes disagree or N = 0,
/// DataError for a label out of range.
double fit_temperature(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                       std::int64_t classes);

/// Expected calibration error in [0,1]: over 15 equal bins of the largest softmax(logits / T), the
/// mean of |accuracy - confidence|, weighted by the utterances of a bin. Shapes, throws: as above.
double calibration_error(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                         std::int64_t classes, double temperature);

}  // namespace hardy
