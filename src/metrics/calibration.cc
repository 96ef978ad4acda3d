#include "metrics/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr double kColdest = 0.05;
constexpr double kHottest = 20;
constexpr double kSmallest = 1e-30;  // a float32 softmax may underflow to 0

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

/// Derivative of the summed cross-entropy with respect to 1/T; rises with it.
double slope(std::span<const std::int64_t> truth, std::span<const float> probabilities,
             std::size_t classes, double sharpness) {
  double total = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = probabilities.subspan(i * classes, classes);
    const auto shares = sharpened(row, sharpness);
    for (std::size_t c = 0; c < classes; ++c) {
      const double logit = std::log(std::max(static_cast<double>(row[c]), kSmallest));
      total += (shares[c] - (static_cast<std::size_t>(truth[i]) == c ? 1.0 : 0.0)) * logit;
    }
  }
  return total;
}

}  // namespace

double fit_temperature(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                       std::int64_t classes) {
  check_sizes(truth, probabilities, classes);
  const auto width = static_cast<std::size_t>(classes);
  double low = 1 / kHottest;
  double high = 1 / kColdest;
  const double at_low = slope(truth, probabilities, width, low);
  const double at_high = slope(truth, probabilities, width, high);
  if (std::abs(at_high - at_low) < 1e-9) return 1;
  if (at_low >= 0) return kHottest;
  if (at_high <= 0) return kColdest;
  constexpr int kSteps = 50;  // of halving the logarithm of a 400-fold range
  for (int step = 0; step < kSteps; ++step) {
    const double middle = std::sqrt(low * high);
    (slope(truth, probabilities, width, middle) < 0 ? low : high) = middle;
  }
  return 1 / std::sqrt(low * high);
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

}  // namespace hardy
