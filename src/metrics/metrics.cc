#include "hardy/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void require_finite(std::span<const float> values, std::size_t columns, const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw DataError(
        fmt::format("metrics: {} of row {} is {}, which is no number to compare; a model that "
                    "diverged or a label file with gaps gives such values",
                    what, i / columns, values[i]));
  }
}

/// Counts of one class against the rest.
struct ClassCounts {
  std::int64_t hits = 0;
  std::int64_t truth = 0;
  std::int64_t predicted = 0;
};

ClassCounts counts_of(const std::vector<std::int64_t>& confusion, std::size_t classes,
                      std::size_t c) {
  ClassCounts counts;
  counts.hits = confusion[c * classes + c];
  for (std::size_t other = 0; other < classes; ++other) {
    counts.truth += confusion[c * classes + other];
    counts.predicted += confusion[other * classes + c];
  }
  return counts;
}

/// Fills every derived field from count and confusion.
void derive(ClassMetrics& metrics, std::size_t classes) {
  metrics.recall.assign(classes, kNaN);
  std::int64_t hits = 0;
  int occurring = 0;
  int seen = 0;
  double recall_sum = 0;
  double weighted_sum = 0;
  double f1_sum = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    const ClassCounts counts = counts_of(metrics.confusion, classes, c);
    if (counts.truth + counts.predicted == 0) continue;
    // F1 = 2 hits / (true + predicted): equal to the harmonic mean, and 0 where precision is 0/0.
    const double f1 = 2.0 * static_cast<double>(counts.hits) /
                      static_cast<double>(counts.truth + counts.predicted);
    f1_sum += f1;
    ++seen;
    if (counts.truth == 0) continue;
    hits += counts.hits;
    metrics.recall[c] = static_cast<double>(counts.hits) / static_cast<double>(counts.truth);
    recall_sum += metrics.recall[c];
    weighted_sum += f1 * static_cast<double>(counts.truth);
    ++occurring;
  }
  const auto count = static_cast<double>(metrics.count);
  const bool empty = metrics.count == 0;
  metrics.wa = empty ? kNaN : static_cast<double>(hits) / count;
  metrics.ua = empty ? kNaN : recall_sum / occurring;
  metrics.weighted_f1 = empty ? kNaN : weighted_sum / count;
  metrics.macro_f1 = empty ? kNaN : f1_sum / seen;
}

/// Accuracy and F1 of a sign; `is_counted` selects rows, `is_high` gives the side of a value.
template <typename IsCounted, typename IsHigh, typename IsPredictedHigh>
ClassMetrics sign_metrics(std::span<const float> truth, const IsCounted& is_counted,
                          const IsHigh& is_high, const IsPredictedHigh& is_predicted_high) {
  ClassMetrics signs;
  signs.confusion.assign(4, 0);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (!is_counted(truth[i])) continue;
    const std::size_t row = is_high(truth[i]) ? 1 : 0;
    const std::size_t column = is_predicted_high(i) ? 1 : 0;
    ++signs.confusion[row * 2 + column];
    ++signs.count;
  }
  derive(signs, 2);
  return signs;
}

bool is_nonzero(float value) { return value != 0; }

bool is_positive(float value) { return value > 0; }

/// The metrics on non-zero utterances; the others are NaN.
template <typename IsPredictedPositive>
SentimentMetrics nonzero_metrics(std::span<const float> truth,
                                 const IsPredictedPositive& is_predicted_positive) {
  const ClassMetrics signs = sign_metrics(truth, is_nonzero, is_positive, is_predicted_positive);
  SentimentMetrics metrics;
  metrics.count = static_cast<std::int64_t>(truth.size());
  metrics.nonzero_count = signs.count;
  metrics.accuracy = signs.wa;
  metrics.weighted_f1 = signs.weighted_f1;
  for (double* other : {&metrics.has0_accuracy, &metrics.has0_f1, &metrics.acc3, &metrics.acc5,
                        &metrics.acc7, &metrics.mae, &metrics.correlation, &metrics.ccc}) {
    *other = kNaN;
  }
  return metrics;
}

bool is_constant(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [&](float x) { return x == values.front(); });
}

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Means and sums of squares of two columns.
struct Moments {
  double mean_x = 0;
  double mean_y = 0;
  double xx = 0;
  double yy = 0;
  double xy = 0;
};

Moments moments_of(std::span<const float> x, std::span<const float> y) {
  Moments m{mean_of(x), mean_of(y)};
  for (std::size_t i = 0; i < x.size(); ++i) {
    m.xx += (x[i] - m.mean_x) * (x[i] - m.mean_x);
    m.yy += (y[i] - m.mean_y) * (y[i] - m.mean_y);
    m.xy += (x[i] - m.mean_x) * (y[i] - m.mean_y);
  }
  return m;
}

double pearson(std::span<const float> x, std::span<const float> y) {
  if (x.size() < 2 || is_constant(x) || is_constant(y)) return kNaN;
  const Moments m = moments_of(x, y);
  return std::clamp(m.xy / std::sqrt(m.xx) / std::sqrt(m.yy), -1.0, 1.0);
}

double concordance(std::span<const float> x, std::span<const float> y) {
  if (x.size() < 2) return kNaN;
  const bool are_one_constant = is_constant(x) && is_constant(y) && x[0] == y[0];
  if (are_one_constant) return kNaN;
  const Moments m = moments_of(x, y);
  const double apart = m.mean_x - m.mean_y;
  return 2 * m.xy / (m.xx + m.yy + static_cast<double>(x.size()) * apart * apart);
}

double accuracy_in_bins(std::span<const float> truth, std::span<const float> predicted,
                        float limit) {
  if (truth.empty()) return kNaN;
  std::int64_t hits = 0;
  const auto bin = [&](float value) { return std::nearbyint(std::clamp(value, -limit, limit)); };
  for (std::size_t i = 0; i < truth.size(); ++i) hits += bin(truth[i]) == bin(predicted[i]) ? 1 : 0;
  return static_cast<double>(hits) / static_cast<double>(truth.size());
}

}  // namespace

std::int64_t argmax(std::span<const float> values) {
  check(!values.empty(), "argmax of nothing");
  return std::max_element(values.begin(), values.end()) - values.begin();
}

ClassMetrics class_metrics(std::span<const std::int64_t> truth, std::span<const float> scores,
                           std::int64_t classes) {
  if (classes < 1) {
    throw ShapeError(fmt::format("class_metrics: {} classes; at least 1 is needed", classes));
  }
  const auto width = static_cast<std::size_t>(classes);
  if (scores.size() != truth.size() * width) {
    throw ShapeError(
        fmt::format("class_metrics: scores hold {} values but {} labels and {} classes need "
                    "[N,C] = {}",
                    scores.size(), truth.size(), classes, truth.size() * width));
  }
  require_finite(scores, width, "a score");
  std::vector<std::int64_t> confusion(width * width, 0);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0 || truth[i] >= classes) {
      throw DataError(fmt::format("class_metrics: the label of row {} is {}; it must lie in 0..{}",
                                  i, truth[i], classes - 1));
    }
    const auto row = static_cast<std::size_t>(truth[i]);
    const auto column = static_cast<std::size_t>(argmax(scores.subspan(i * width, width)));
    ++confusion[row * width + column];
  }
  return class_metrics_of(std::move(confusion), classes);
}

ClassMetrics class_metrics_of(std::vector<std::int64_t> confusion, std::int64_t classes) {
  if (classes < 1 || confusion.size() != static_cast<std::size_t>(classes * classes)) {
    throw ShapeError(fmt::format("class_metrics_of: {} counts are no [C,C] of {} classes",
                                 confusion.size(), classes));
  }
  ClassMetrics metrics;
  metrics.count = std::accumulate(confusion.begin(), confusion.end(), std::int64_t{0});
  metrics.confusion = std::move(confusion);
  derive(metrics, static_cast<std::size_t>(classes));
  return metrics;
}

SentimentMetrics sentiment_metrics(std::span<const float> truth, std::span<const float> predicted) {
  if (truth.size() != predicted.size()) {
    throw ShapeError(
        fmt::format("sentiment_metrics: {} true values but {} predictions; both are "
                    "[N]",
                    truth.size(), predicted.size()));
  }
  require_finite(truth, 1, "the true value");
  require_finite(predicted, 1, "the prediction");
  SentimentMetrics metrics =
      nonzero_metrics(truth, [&](std::size_t i) { return predicted[i] > 0; });
  if (truth.empty()) return metrics;
  const ClassMetrics has0 = sign_metrics(
      truth, [](float) { return true; }, [](float value) { return value >= 0; },
      [&](std::size_t i) { return predicted[i] >= 0; });
  metrics.has0_accuracy = has0.wa;
  metrics.has0_f1 = has0.weighted_f1;
  metrics.acc3 = accuracy_in_bins(truth, predicted, 1);
  metrics.acc5 = accuracy_in_bins(truth, predicted, 2);
  metrics.acc7 = accuracy_in_bins(truth, predicted, 3);
  double error = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    error += std::abs(static_cast<double>(truth[i]) - static_cast<double>(predicted[i]));
  }
  metrics.mae = error / static_cast<double>(truth.size());
  metrics.correlation = pearson(truth, predicted);
  metrics.ccc = concordance(truth, predicted);
  return metrics;
}

SentimentMetrics binary_sentiment_metrics(std::span<const float> truth,
                                          std::span<const float> scores) {
  if (scores.size() != 2 * truth.size()) {
    throw ShapeError(
        fmt::format("binary_sentiment_metrics: scores hold {} values but {} true "
                    "values need [N,2] = {}",
                    scores.size(), truth.size(), 2 * truth.size()));
  }
  require_finite(truth, 1, "the true value");
  require_finite(scores, 2, "a score");
  return nonzero_metrics(truth, [&](std::size_t i) { return scores[2 * i + 1] > scores[2 * i]; });
}

MeanDeviation mean_and_deviation(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  MeanDeviation result{kNaN, kNaN};
  if (values.empty()) return result;
  double sum = 0;
  for (const double value : values) sum += value;
  result.mean = sum / n;
  if (values.size() < 2) return result;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  return result;
}

}  // namespace hardy
