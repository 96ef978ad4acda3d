#include "metrics/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr double kColdest = 0.05;
constexpr double kHottest = 20;
constexpr double kSmallest = 1e-30;  // a float32 softmax may underflow to 0
constexpr std::size_t kParts = 10;
constexpr double kCautious = 1;  // standard errors by which a sharper temperature must be better

void check_sizes(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                 std::int64_t classes) {
  const bool fits = classes >= 1 && !truth.empty() &&
                    probabilities.size() == truth.size() * static_cast<std::size_t>(classes);
  if (!fits) {
    throw ShapeError(fmt::format("calibration: {} labels, {} probabilities, {} classes",
                                 truth.size(), probabilities.size(), classes));
  }
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0 || truth[i] >= classes) {
      throw DataError(
          fmt::format("calibration: label {} of row {} is not in 0..{}", truth[i], i, classes - 1));
    }
  }
}

/// softmax(log(p) * sharpness) of one row.
std::vector<double> sharpened(std::span<const float> row, double sharpness) {
  std::vector<double> shares;
  double largest = 0;
  for (const float p : row) largest = std::max(largest, static_cast<double>(p));
  double sum = 0;
  for (const float p : row) {
    const double ratio = std::max(static_cast<double>(p), kSmallest) / std::max(largest, kSmallest);
    shares.push_back(std::pow(ratio, sharpness));
    sum += shares.back();
  }
  for (double& share : shares) share /= sum;
  return shares;
}

/// Derivatives of the summed cross-entropy with respect to 1/T.
struct Slope {
  double first = 0;   ///< increases with 1/T
  double second = 0;  ///< >= 0
};

/// Cross-entropy as a function of 1/T. Logarithms are taken once: a collecting run does little
/// else.
class TemperatureFit {
 public:
  TemperatureFit(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                 std::size_t classes)
      : truth_(truth), classes_(classes) {
    logits_.reserve(probabilities.size());
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const auto row = probabilities.subspan(i * classes, classes);
      const double largest = logarithm(*std::max_element(row.begin(), row.end()));
      for (const float p : row) logits_.push_back(logarithm(p) - largest);
    }
  }

  [[nodiscard]] Slope at(double sharpness) const {
    Slope total;
    const double* row = logits_.data();
    for (const auto label : truth_) {
      double sum = 0;
      double mean = 0;
      double square = 0;
      for (std::size_t c = 0; c < classes_; ++c) {
        const double share = std::exp(sharpness * row[c]);
        sum += share;
        mean += share * row[c];
        square += share * row[c] * row[c];
      }
      mean /= sum;
      total.first += mean - row[label];
      total.second += std::max(0.0, square / sum - mean * mean);
      row += classes_;
    }
    return total;
  }

 private:
  static double logarithm(float p) { return std::log(std::max(static_cast<double>(p), kSmallest)); }

  std::span<const std::int64_t> truth_;
  std::size_t classes_;
  std::vector<double> logits_;  ///< [N, C] minus the largest of the row
};

/// Some rows of a problem, copied.
struct Rows {
  std::vector<std::int64_t> truth;
  std::vector<float> probabilities;

  void add(std::int64_t label, std::span<const float> row) {
    truth.push_back(label);
    probabilities.insert(probabilities.end(), row.begin(), row.end());
  }
};

/// Summed cross-entropy of softmax(logits / T).
double cross_entropy(const Rows& rows, std::size_t classes, double temperature) {
  double total = 0;
  for (std::size_t i = 0; i < rows.truth.size(); ++i) {
    const auto row = std::span(rows.probabilities).subspan(i * classes, classes);
    const auto shares = sharpened(row, 1 / temperature);
    total -= std::log(std::max(shares[static_cast<std::size_t>(rows.truth[i])], kSmallest));
  }
  return total;
}

/// A part of the cross-validation: its rows, and the temperature fitted on the others.
struct HeldOutPart {
  Rows rows;
  double temperature = 1;
};

constexpr std::array<double, 5> kWeights = {0, 0.25, 0.5, 0.75, 1};

/// Mean cross-entropy of a part under every weight.
std::array<double, kWeights.size()> scores_of(const HeldOutPart& part, std::size_t classes) {
  std::array<double, kWeights.size()> scores{};
  for (std::size_t k = 0; k < kWeights.size(); ++k) {
    scores[k] = cross_entropy(part.rows, classes, std::pow(part.temperature, kWeights[k])) /
                static_cast<double>(part.rows.truth.size());
  }
  return scores;
}

/// The smallest weight whose mean cross-entropy is within one standard error of the best. The error
/// is that of the difference, part by part: parts differ far more in how hard they are.
double choose_weight(const std::vector<HeldOutPart>& parts, std::size_t classes) {
  std::vector<std::array<double, kWeights.size()>> scores;
  std::array<double, kWeights.size()> totals{};
  for (const auto& part : parts) {
    scores.push_back(scores_of(part, classes));
    for (std::size_t k = 0; k < kWeights.size(); ++k) totals[k] += scores.back()[k];
  }
  const auto best =
      static_cast<std::size_t>(std::min_element(totals.begin(), totals.end()) - totals.begin());
  const auto count = static_cast<double>(parts.size());
  for (std::size_t k = 0; k < best; ++k) {
    const double mean = (totals[k] - totals[best]) / count;
    double squares = 0;
    for (const auto& score : scores) squares += std::pow(score[k] - score[best] - mean, 2);
    const double error = std::sqrt(squares / count / std::max(1.0, count - 1));
    if (mean <= kCautious * error) return kWeights[k];
  }
  return kWeights[best];
}

}  // namespace

double fit_temperature(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                       std::int64_t classes) {
  check_sizes(truth, probabilities, classes);
  const TemperatureFit fit(truth, probabilities, static_cast<std::size_t>(classes));
  double low = 1 / kHottest;
  double high = 1 / kColdest;
  const double at_low = fit.at(low).first;
  const double at_high = fit.at(high).first;
  if (std::abs(at_high - at_low) < 1e-9) return 1;
  if (at_low >= 0) return kHottest;
  if (at_high <= 0) return kColdest;
  // Newton's steps, and a bisection of the logarithm where one would leave the bracket.
  constexpr int kMostSteps = 200;
  constexpr double kPrecision = 1e-14;
  double sharpness = 1;
  for (int step = 0; step < kMostSteps; ++step) {
    const Slope slope = fit.at(sharpness);
    (slope.first < 0 ? low : high) = sharpness;
    double next = sharpness - slope.first / slope.second;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    const bool is_settled = std::abs(next - sharpness) <= kPrecision * sharpness;
    sharpness = next;
    if (is_settled) break;
  }
  return 1 / sharpness;
}

double calibration_error(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                         std::int64_t classes, double temperature) {
  check_sizes(truth, probabilities, classes);
  const auto width = static_cast<std::size_t>(classes);
  std::array<double, kConfidenceBins> gap{};  // sum of confidence minus hits
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = probabilities.subspan(i * width, width);
    const auto shares = sharpened(row, 1 / temperature);
    const auto label = static_cast<std::size_t>(argmax(row));
    gap[confidence_bin(shares[label])] +=
        shares[label] - (static_cast<std::size_t>(truth[i]) == label ? 1.0 : 0.0);
  }
  double total = 0;
  for (const double difference : gap) total += std::abs(difference);
  return total / static_cast<double>(truth.size());
}

CalibrationFit fit_calibration(std::span<const std::int64_t> truth,
                               std::span<const float> probabilities, std::int64_t classes,
                               std::span<const std::int64_t> dialogues) {
  check_sizes(truth, probabilities, classes);
  if (dialogues.size() != truth.size()) {
    throw ShapeError(
        fmt::format("calibration: {} dialogues for {} labels", dialogues.size(), truth.size()));
  }
  const auto width = static_cast<std::size_t>(classes);
  std::map<std::int64_t, std::size_t> place;  // index of a dialogue, in order of appearance
  for (const auto dialogue : dialogues) place.try_emplace(dialogue, place.size());
  CalibrationFit fit;
  const auto count = static_cast<std::int64_t>(truth.size());
  const auto groups = static_cast<std::int64_t>(place.size());
  if (count < kFewestCalibrated || groups < kFewestCalibratedDialogues) {
    fit.expected_error = calibration_error(truth, probabilities, classes, 1);
    return fit;
  }
  std::vector<HeldOutPart> parts(std::min(kParts, place.size()));
  std::vector<Rows> others(parts.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::size_t own = place.at(dialogues[i]) % parts.size();
    for (std::size_t k = 0; k < parts.size(); ++k) {
      (k == own ? parts[k].rows : others[k]).add(truth[i], probabilities.subspan(i * width, width));
    }
  }
  for (std::size_t k = 0; k < parts.size(); ++k) {
    parts[k].temperature = fit_temperature(others[k].truth, others[k].probabilities, classes);
  }
  const double weight = choose_weight(parts, width);
  fit.temperature = std::pow(fit_temperature(truth, probabilities, classes), weight);
  fit.is_calibrated = true;
  Rows held_out;  // calibrated with temperatures that were not fitted on their dialogue
  for (const auto& part : parts) {
    for (std::size_t i = 0; i < part.rows.truth.size(); ++i) {
      const auto row = std::span(part.rows.probabilities).subspan(i * width, width);
      const auto shares = sharpened(row, 1 / std::pow(part.temperature, weight));
      const std::vector<float> values(shares.begin(), shares.end());
      held_out.add(part.rows.truth[i], values);
    }
  }
  fit.expected_error = calibration_error(held_out.truth, held_out.probabilities, classes, 1);
  return fit;
}

}  // namespace hardy
