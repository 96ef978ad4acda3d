// Metrics of utterances with several labels or several values, one column at a time.
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr double kUndefinedMetric = std::numeric_limits<double>::quiet_NaN();

}  // namespace

LabelMetrics label_metrics(std::span<const float> truth, std::span<const float> probabilities) {
  if (truth.size() != probabilities.size()) {
    throw ShapeError(fmt::format("label_metrics: {} labels but {} probabilities; both are [N]",
                                 truth.size(), probabilities.size()));
  }
  std::vector<std::int64_t> confusion(4, 0);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (!std::isfinite(truth[i]) || !std::isfinite(probabilities[i])) {
      throw DataError(fmt::format("label_metrics: row {} holds {} and {}, which are no numbers", i,
                                  truth[i], probabilities[i]));
    }
    const std::size_t row = truth[i] > 0 ? 2 : 0;
    ++confusion[row + (probabilities[i] > kLabelThreshold ? 1 : 0)];
  }
  return label_metrics_of(std::move(confusion));
}

LabelMetrics label_metrics_of(std::vector<std::int64_t> confusion) {
  const auto ratio = [](std::int64_t part, std::int64_t whole) {
    return whole == 0 ? kUndefinedMetric : static_cast<double>(part) / static_cast<double>(whole);
  };
  const ClassMetrics sides = class_metrics_of(confusion, 2);
  LabelMetrics metrics;
  metrics.count = sides.count;
  metrics.weighted_accuracy = (sides.recall[0] + sides.recall[1]) / 2;  // NaN if one is
  metrics.weighted_f1 = sides.weighted_f1;
  metrics.f1 = ratio(2 * confusion[3], 2 * confusion[3] + confusion[1] + confusion[2]);
  return metrics;
}

ValueMetrics value_metrics(std::span<const float> truth, std::span<const float> predicted) {
  const SentimentMetrics common = sentiment_metrics(truth, predicted);
  return {common.count, common.ccc, common.mae, common.correlation};
}

}  // namespace hardy
