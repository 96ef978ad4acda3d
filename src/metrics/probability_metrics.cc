// Metrics of probabilities (include/hardy/metrics.h).
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "metrics/risk_coverage.h"

namespace hardy {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

void check_probabilities(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                         std::int64_t classes) {
  if (classes < 1 || probabilities.size() != truth.size() * static_cast<std::size_t>(classes)) {
    throw ShapeError(fmt::format("probability_metrics: {} labels, {} probabilities, {} classes",
                                 truth.size(), probabilities.size(), classes));
  }
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] >= 0 && truth[i] < classes) continue;
    throw DataError(
        fmt::format("probability_metrics: the label of row {} is {}; it must lie in "
                    "0..{}",
                    i, truth[i], classes - 1));
  }
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (std::isfinite(probabilities[i])) continue;
    throw DataError(fmt::format("probability_metrics: a probability of row {} is {}",
                                i / static_cast<std::size_t>(classes), probabilities[i]));
  }
}

/// Area under the ROC curve of one class against the rest: the share of pairs in the right order,
/// equal scores count half. NaN when all or none are of the class.
double area_of(std::span<const std::int64_t> truth, std::span<const float> probabilities,
               std::size_t classes, std::size_t of) {
  std::vector<std::pair<float, bool>> rows;
  rows.reserve(truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    rows.emplace_back(probabilities[i * classes + of], static_cast<std::size_t>(truth[i]) == of);
  }
  std::sort(rows.begin(), rows.end(),
            [](const auto& x, const auto& y) { return x.first < y.first; });
  double below = 0;  // number of other classes' rows with a smaller score
  double pairs = 0;
  double positives = 0;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first;
    double hits = 0;
    while (last < rows.size() && rows[last].first == rows[first].first) {
      hits += rows[last++].second ? 1 : 0;
    }
    const double others = static_cast<double>(last - first) - hits;
    pairs += hits * (below + others / 2);
    below += others;
    positives += hits;
    first = last;
  }
  return positives == 0 || below == 0 ? kNoValue : pairs / (positives * below);
}

double mean_area(std::span<const std::int64_t> truth, std::span<const float> probabilities,
                 std::size_t classes) {
  if (classes == 2) return area_of(truth, probabilities, classes, 1);
  double sum = 0;
  int defined = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    const double area = area_of(truth, probabilities, classes, c);
    if (std::isnan(area)) continue;
    sum += area;
    ++defined;
  }
  return defined == 0 ? kNoValue : sum / defined;
}

/// `rows`: confidence, and whether the answer is wrong.
RiskCoverage risk_coverage(std::vector<std::pair<float, bool>> rows) {
  std::sort(rows.begin(), rows.end(),
            [](const auto& x, const auto& y) { return x.first > y.first; });
  RiskCoverageSum sum;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first;
    double errors = 0;
    while (last < rows.size() && rows[last].first == rows[first].first) {
      errors += rows[last++].second ? 1 : 0;
    }
    sum.add(static_cast<double>(last - first), errors);
    first = last;
  }
  return sum.areas();
}

}  // namespace

std::size_t confidence_bin(double confidence) {
  const double place = std::max(0.0, confidence) * static_cast<double>(kConfidenceBins);
  return std::min(kConfidenceBins - 1, static_cast<std::size_t>(place));
}

ProbabilityMetrics probability_metrics(std::span<const std::int64_t> truth,
                                       std::span<const float> probabilities, std::int64_t classes) {
  check_probabilities(truth, probabilities, classes);
  const auto width = static_cast<std::size_t>(classes);
  if (truth.empty()) return {kNoValue, kNoValue, kNoValue, kNoValue, kNoValue};
  std::vector<std::pair<float, bool>> answers;
  std::array<double, kConfidenceBins> gap{};  // sum of confidence minus hits
  double squares = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = probabilities.subspan(i * width, width);
    for (std::size_t c = 0; c < width; ++c) {
      const double target = static_cast<std::size_t>(truth[i]) == c ? 1 : 0;
      squares += (static_cast<double>(row[c]) - target) * (static_cast<double>(row[c]) - target);
    }
    const auto label = argmax(row);
    const auto confidence = static_cast<double>(row[static_cast<std::size_t>(label)]);
    gap[confidence_bin(confidence)] += confidence - (truth[i] == label ? 1.0 : 0.0);
    answers.emplace_back(row[static_cast<std::size_t>(label)], truth[i] != label);
  }
  double error = 0;
  for (const double difference : gap) error += std::abs(difference);
  const auto n = static_cast<double>(truth.size());
  const auto risk = risk_coverage(std::move(answers));
  return {mean_area(truth, probabilities, width), squares / n, error / n, risk.area, risk.excess};
}

}  // namespace hardy
