#include "analysis/calibrate_fit.h"

#include <cmath>
#include <cstdint>
#include <optional>

#include "metrics/calibration.h"

namespace hardy {
namespace {

/// Calibrates one pattern; utterances without a target do not count. Nothing where there is too
/// little validation data (fit_calibration).
std::optional<Calibration> calibrate(const Evaluation& evaluation, const Corpus& corpus) {
  // How sure one may be of several labels is not measured.
  if (corpus.target_count() > 0) return std::nullopt;
  const bool is_class = corpus.label_kind == LabelKind::kClass;
  const std::size_t outputs = is_class ? corpus.class_names.size() : 1;
  Calibration calibration;
  calibration.pattern = evaluation.condition.pattern;
  std::vector<std::int64_t> truth;
  std::vector<float> probabilities;
  std::vector<std::int64_t> dialogues;
  double squares = 0;
  for (std::size_t i = 0; i < evaluation.utterances.size(); ++i) {
    const auto u = static_cast<std::size_t>(evaluation.utterances[i]);
    if (!corpus.values.empty() && corpus.values[u] == 0) continue;
    if (!corpus.is_scored(evaluation.utterances[i], evaluation.condition.pattern)) continue;
    const auto first = evaluation.outputs.begin() + static_cast<std::ptrdiff_t>(i * outputs);
    const float label = corpus.utterances[u].label;
    truth.push_back(is_class ? static_cast<std::int64_t>(label) : 0);
    dialogues.push_back(corpus.utterances[u].dialogue);
    probabilities.insert(probabilities.end(), first, first + static_cast<std::ptrdiff_t>(outputs));
    squares += std::pow(static_cast<double>(*first) - static_cast<double>(label), 2);
  }
  calibration.utterances = static_cast<std::int64_t>(truth.size());
  if (truth.empty()) return std::nullopt;
  if (!is_class) {
    calibration.expected_error = std::sqrt(squares / static_cast<double>(truth.size()));
    return calibration;
  }
  const auto classes = static_cast<std::int64_t>(outputs);
  const CalibrationFit fit = fit_calibration(truth, probabilities, classes, dialogues);
  if (!fit.is_calibrated) return std::nullopt;
  calibration.temperature = fit.temperature;
  calibration.expected_error = fit.expected_error;
  return calibration;
}

}  // namespace

std::vector<Calibration> calibrations_of(const std::vector<Evaluation>& validation,
                                         const Corpus& corpus) {
  std::vector<Calibration> calibrations;
  for (const auto& evaluation : validation) {
    if (!evaluation.condition.is_pattern()) continue;
    if (const auto calibration = calibrate(evaluation, corpus)) {
      calibrations.push_back(*calibration);
    }
  }
  return calibrations;
}

}  // namespace hardy
