#include "metrics/tally.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "metrics/value_sums.h"

namespace hardy {
namespace {

constexpr double kNotComputable = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kSigns = 4;  // [2,2] row = truth, 0 = the lower side
// Parts of a value's tally, in order; its sums (metrics/value_sums.h) are the last.
constexpr std::size_t kSignsHas0 = 4;  // behind the signs of non-zero values
constexpr std::size_t kValueBins = 7;  // of the truth, -3 to 3
constexpr std::size_t kBinHits = 3;    // acc3, acc5, acc7
constexpr std::size_t kFirstBin = kSigns + kSignsHas0;
constexpr std::size_t kFirstHit = kFirstBin + kValueBins;
constexpr std::size_t kFirstSum = kFirstHit + kBinHits;

/// A value clipped to [-limit, limit] and rounded half to even.
double clipped(double value, double limit) {
  return std::nearbyint(std::clamp(value, -limit, limit));
}

std::vector<std::int64_t> as_counts(std::span<const double> tally) {
  std::vector<std::int64_t> counts;
  counts.reserve(tally.size());
  for (const double count : tally) counts.push_back(static_cast<std::int64_t>(std::llround(count)));
  return counts;
}

}  // namespace

TallyLayout::TallyLayout(TaskKind task, std::vector<std::string> class_names)
    : task_(task), class_names_(std::move(class_names)) {
  if (task_ == TaskKind::kBinary) {
    check(class_names_.size() == 2, "a sign has two classes");
    metric_names_ = {"acc2_non0", "f1_non0"};
    return;
  }
  if (task_ == TaskKind::kValue) {
    metric_names_ = {"acc2_non0", "f1_non0", "acc2_has0", "f1_has0",     "acc3",
                     "acc5",      "acc7",    "mae",       "correlation", "ccc"};
    return;
  }
  check(!class_names_.empty(), "a classification without classes");
  if (has_targets()) {
    name_targets();
    return;
  }
  metric_names_ = {"wa", "ua", "weighted_f1", "macro_f1", "brier", "ece"};
  for (const auto& name : class_names_) metric_names_.push_back("recall." + name);
}

std::size_t TallyLayout::width() const {
  const std::size_t classes = class_names_.size();
  if (task_ == TaskKind::kClass) return classes * classes + 1 + kConfidenceBins;
  if (has_targets()) return classes * target_width();
  return task_ == TaskKind::kValue ? kFirstSum + kValueSums : kSigns;
}

void TallyLayout::add(std::span<double> tally, double truth, double predicted,
                      std::span<const float> probabilities) const {
  if (task_ == TaskKind::kClass) {
    add_class(tally, static_cast<std::size_t>(truth), static_cast<std::size_t>(predicted),
              probabilities);
    return;
  }
  if (truth != 0) tally[(truth > 0 ? 2U : 0U) + (predicted > 0 ? 1U : 0U)] += 1;
  if (task_ == TaskKind::kBinary) return;
  tally[kSigns + (truth >= 0 ? 2U : 0U) + (predicted >= 0 ? 1U : 0U)] += 1;
  tally[kFirstBin + static_cast<std::size_t>(clipped(truth, 3) + 3)] += 1;
  for (std::size_t i = 0; i < kBinHits; ++i) {
    const auto limit = static_cast<double>(i + 1);
    tally[kFirstHit + i] += clipped(truth, limit) == clipped(predicted, limit) ? 1 : 0;
  }
  add_value(tally.subspan(kFirstSum), truth, predicted);
}

void TallyLayout::add_class(std::span<double> tally, std::size_t truth, std::size_t predicted,
                            std::span<const float> probabilities) const {
  const std::size_t classes = class_names_.size();
  tally[truth * classes + predicted] += 1;
  auto rest = tally.subspan(classes * classes);
  if (probabilities.empty()) {
    std::fill(rest.begin(), rest.end(), kNotComputable);
    return;
  }
  for (std::size_t c = 0; c < classes; ++c) {
    const double off = static_cast<double>(probabilities[c]) - (c == truth ? 1 : 0);
    rest[0] += off * off;
  }
  const auto confidence = static_cast<double>(probabilities[predicted]);
  rest[1 + confidence_bin(confidence)] += confidence - (truth == predicted ? 1 : 0);
}

void TallyLayout::metrics(std::span<const double> tally, std::span<double> values) const {
  if (task_ == TaskKind::kClass) {
    class_values(tally, values);
    return;
  }
  if (has_targets()) {
    target_values(tally, values);
    return;
  }
  const ClassMetrics signs = class_metrics_of(as_counts(tally.first(kSigns)), 2);
  values[0] = signs.wa;
  values[1] = signs.weighted_f1;
  if (task_ == TaskKind::kBinary) return;
  const ClassMetrics has0 = class_metrics_of(as_counts(tally.subspan(kSigns, kSignsHas0)), 2);
  values[2] = has0.wa;
  values[3] = has0.weighted_f1;
  const auto sums = tally.subspan(kFirstSum);
  std::fill(values.begin() + 4, values.end(), kNotComputable);
  if (sums[0] <= 0) return;
  for (std::size_t i = 0; i < kBinHits; ++i) values[4 + i] = tally[kFirstHit + i] / sums[0];
  values[7] = mean_error_of(sums);
  values[8] = correlation_of(sums);
  values[9] = concordance_of(sums);
}

void TallyLayout::class_values(std::span<const double> tally, std::span<double> values) const {
  const std::size_t classes = class_names_.size();
  const ClassMetrics metrics = class_metrics_of(as_counts(tally.first(classes * classes)),
                                                static_cast<std::int64_t>(classes));
  values[0] = metrics.wa;
  values[1] = metrics.ua;
  values[2] = metrics.weighted_f1;
  values[3] = metrics.macro_f1;
  const auto rest = tally.subspan(classes * classes);
  const auto count = static_cast<double>(metrics.count);
  double error = 0;
  for (const double gap : rest.subspan(1)) error += std::abs(gap);
  values[4] = metrics.count == 0 ? kNotComputable : rest[0] / count;
  values[5] = metrics.count == 0 ? kNotComputable : error / count;
  std::copy(metrics.recall.begin(), metrics.recall.end(), values.begin() + 6);
}

std::string TallyLayout::only_class(std::span<const double> tally,
                                    const std::string& metric) const {
  const MetricInfo* info = find_metric(metric);
  if (info == nullptr || !info->needs_two_classes || has_targets()) return "";
  const auto only_of = [](const std::vector<std::string>& names, const auto& count_of) {
    std::string only = "none";
    for (std::size_t row = 0; row < names.size(); ++row) {
      if (count_of(row) == 0) continue;
      if (only != "none") return std::string();
      only = names[row];
    }
    return only;
  };
  const auto row_sum = [&](std::size_t first, std::size_t classes) {
    return [=](std::size_t row) {
      const auto counts = tally.subspan(first + row * classes, classes);
      return std::accumulate(counts.begin(), counts.end(), 0.0);
    };
  };
  if (task_ == TaskKind::kClass) return only_of(class_names_, row_sum(0, class_names_.size()));
  if (metric.ends_with("_has0")) return only_of({"negative", "non-negative"}, row_sum(kSigns, 2));
  if (metric.ends_with("_non0")) return only_of({"negative", "positive"}, row_sum(0, 2));
  const int limit = metric == "acc3" ? 1 : metric == "acc5" ? 2 : 3;
  std::vector<double> counts(static_cast<std::size_t>(2 * limit + 1));
  std::vector<std::string> names;
  for (int value = -limit; value <= limit; ++value) names.push_back(std::to_string(value));
  for (int value = -3; value <= 3; ++value) {
    const auto place = static_cast<std::size_t>(std::clamp(value, -limit, limit) + limit);
    counts[place] += tally[kFirstBin + static_cast<std::size_t>(value + 3)];
  }
  return only_of(names, [&](std::size_t row) { return counts[row]; });
}

}  // namespace hardy
