#include "metrics/tally.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr double kNotComputable = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kSigns = 4;  // [2,2] row = truth, 0 = not positive
/// Where a value's sums start, behind its signs: count, |error|, x, y, xx, yy, xy.
constexpr std::size_t kSums = 7;

std::vector<std::int64_t> as_counts(std::span<const double> tally) {
  std::vector<std::int64_t> counts;
  counts.reserve(tally.size());
  for (const double count : tally) counts.push_back(static_cast<std::int64_t>(std::llround(count)));
  return counts;
}

/// Pearson's r from sums; NaN where one side is constant.
double correlation_of(std::span<const double> sums) {
  const double n = sums[0];
  if (n < 2) return kNotComputable;
  const double xx = sums[4] - sums[2] * sums[2] / n;
  const double yy = sums[5] - sums[3] * sums[3] / n;
  const double xy = sums[6] - sums[2] * sums[3] / n;
  // What rounding leaves of the squares of a constant.
  constexpr double kNothing = 1e-12;
  if (xx <= kNothing * sums[4] || yy <= kNothing * sums[5]) return kNotComputable;
  return std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
}

}  // namespace

TallyLayout::TallyLayout(TaskKind task, std::vector<std::string> class_names)
    : task_(task), class_names_(std::move(class_names)) {
  if (task_ != TaskKind::kClass) {
    check(task_ == TaskKind::kValue || class_names_.size() == 2, "a sign has two classes");
    metric_names_ = {"accuracy", "weighted_f1", "mae", "correlation"};
    return;
  }
  check(!class_names_.empty(), "a classification without classes");
  metric_names_ = {"wa", "ua", "weighted_f1", "macro_f1"};
  for (const auto& name : class_names_) metric_names_.push_back("recall." + name);
}

std::size_t TallyLayout::width() const {
  if (task_ == TaskKind::kClass) return class_names_.size() * class_names_.size();
  return task_ == TaskKind::kValue ? kSigns + kSums : kSigns;
}

void TallyLayout::add(std::span<double> tally, double truth, double predicted) const {
  if (task_ == TaskKind::kClass) {
    const auto place = truth * static_cast<double>(class_names_.size()) + predicted;
    tally[static_cast<std::size_t>(place)] += 1;
    return;
  }
  if (truth != 0) tally[(truth > 0 ? 2U : 0U) + (predicted > 0 ? 1U : 0U)] += 1;
  if (task_ == TaskKind::kBinary) return;
  const auto sums = tally.subspan(kSigns);
  sums[0] += 1;
  sums[1] += std::abs(truth - predicted);
  sums[2] += truth;
  sums[3] += predicted;
  sums[4] += truth * truth;
  sums[5] += predicted * predicted;
  sums[6] += truth * predicted;
}

void TallyLayout::metrics(std::span<const double> tally, std::span<double> values) const {
  if (task_ == TaskKind::kClass) {
    const auto classes = static_cast<std::int64_t>(class_names_.size());
    const ClassMetrics metrics = class_metrics_of(as_counts(tally), classes);
    values[0] = metrics.wa;
    values[1] = metrics.ua;
    values[2] = metrics.weighted_f1;
    values[3] = metrics.macro_f1;
    std::copy(metrics.recall.begin(), metrics.recall.end(), values.begin() + 4);
    return;
  }
  const ClassMetrics signs = class_metrics_of(as_counts(tally.first(kSigns)), 2);
  values[0] = signs.wa;
  values[1] = signs.weighted_f1;
  values[2] = kNotComputable;
  values[3] = kNotComputable;
  if (task_ == TaskKind::kBinary) return;
  const auto sums = tally.subspan(kSigns);
  if (sums[0] > 0) values[2] = sums[1] / sums[0];
  values[3] = correlation_of(sums);
}

std::string TallyLayout::only_class(std::span<const double> tally) const {
  const std::vector<std::string> names =
      task_ == TaskKind::kClass ? class_names_ : std::vector<std::string>{"negative", "positive"};
  std::string only = "none";
  for (std::size_t row = 0; row < names.size(); ++row) {
    const auto counts = tally.subspan(row * names.size(), names.size());
    if (std::all_of(counts.begin(), counts.end(), [](double count) { return count == 0; })) {
      continue;
    }
    if (only != "none") return "";
    only = names[row];
  }
  return only;
}

bool is_higher_better(const std::string& metric) { return metric != "mae"; }

MetricRange metric_range(const std::string& metric) {
  if (metric == "mae") return {0, std::numeric_limits<double>::infinity()};
  if (metric == "correlation") return {-1, 1};
  return {0, 1};
}

}  // namespace hardy
