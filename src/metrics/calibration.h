// Calibration of probabilities: expected calibration error and temperature scaling (Guo et al.
// 2017).
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

/// Fewer labelled validation utterances, or fewer dialogues, give no calibration.
inline constexpr std::int64_t kFewestCalibrated = 100;
inline constexpr std::int64_t kFewestCalibratedDialogues = 5;

/// A temperature, shrunk towards 1 as far as the validation data suggest.
struct CalibrationFit {
  double temperature = 1;     ///< > 0; 1 if there is too little validation data
  double expected_error = 0;  ///< calibration error on dialogues whose temperature they did not fit
  bool is_calibrated = false;
};

/// Fits on validation utterances, cross-validated over dialogues. With T_0 = fit_temperature, the
/// result is T_0^w, w in {0, 1/4, 1/2, 3/4, 1}: dialogues are divided into up to ten parts, each
/// part is scored (cross-entropy) with temperatures fitted on the others, and w is the smallest
/// whose score is within one standard error of the best; the error is that of the difference over
/// parts. `expected_error` is measured on the same held-out parts. With too few utterances or
/// dialogues (kFewest...) the temperature is 1 and nothing is calibrated. Shapes: truth and
/// dialogues [N], probabilities [N,C]. Throws as fit_temperature.
CalibrationFit fit_calibration(std::span<const std::int64_t> truth,
                               std::span<const float> probabilities, std::int64_t classes,
                               std::span<const std::int64_t> dialogues);

}  // namespace hardy
