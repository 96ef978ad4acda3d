// Tallies of utterances with several labels or several values (metrics/tally.h).
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "metrics/tally.h"
#include "metrics/value_sums.h"

namespace hardy {
namespace {

constexpr std::size_t kSides = 4;            // [2,2] row = truth, 0 = absent
constexpr std::size_t kMetricsOfTarget = 3;  // of each label or value, and as many means

/// wa, weighted_f1 and f1 of the counts of one label.
std::array<double, kMetricsOfTarget> label_values(std::span<const double> counts) {
  std::vector<std::int64_t> confusion;
  for (const double count : counts) confusion.push_back(std::llround(count));
  const LabelMetrics metrics = label_metrics_of(confusion);
  return {metrics.weighted_accuracy, metrics.weighted_f1, metrics.f1};
}

std::array<double, kMetricsOfTarget> value_values(std::span<const double> sums) {
  return {concordance_of(sums), mean_error_of(sums), correlation_of(sums)};
}

}  // namespace

std::size_t TallyLayout::target_width() const {
  return task_ == TaskKind::kLabels ? kSides : kValueSums;
}

void TallyLayout::name_targets() {
  const bool is_labels = task_ == TaskKind::kLabels;
  const std::array<const char*, kMetricsOfTarget> names =
      is_labels ? std::array{"wa", "weighted_f1", "f1"} : std::array{"ccc", "mae", "correlation"};
  for (const auto* name : names) metric_names_.push_back(std::string("mean_") + name);
  for (const auto& target : class_names_) {
    for (const auto* name : names) metric_names_.push_back(std::string(name) + "." + target);
  }
}

void TallyLayout::add_targets(std::span<double> tally, std::span<const float> truth,
                              std::span<const float> outputs) const {
  check(truth.size() == class_names_.size() && outputs.size() == truth.size(),
        "a tally of another number of labels or values");
  for (std::size_t t = 0; t < truth.size(); ++t) {
    const auto part = tally.subspan(t * target_width(), target_width());
    if (task_ == TaskKind::kValues) {
      add_value(part, static_cast<double>(truth[t]), static_cast<double>(outputs[t]));
    } else {
      part[(truth[t] > 0 ? 2U : 0U) + (outputs[t] > kLabelThreshold ? 1U : 0U)] += 1;
    }
  }
}

void TallyLayout::target_values(std::span<const double> tally, std::span<double> values) const {
  std::array<double, kMetricsOfTarget> sums{};
  std::array<int, kMetricsOfTarget> defined{};
  for (std::size_t t = 0; t < class_names_.size(); ++t) {
    const auto part = tally.subspan(t * target_width(), target_width());
    const auto of_target = task_ == TaskKind::kLabels ? label_values(part) : value_values(part);
    for (std::size_t k = 0; k < kMetricsOfTarget; ++k) {
      values[(t + 1) * kMetricsOfTarget + k] = of_target[k];
      if (std::isnan(of_target[k])) continue;
      sums[k] += of_target[k];
      ++defined[k];
    }
  }
  for (std::size_t k = 0; k < kMetricsOfTarget; ++k) {
    values[k] = defined[k] == 0 ? std::numeric_limits<double>::quiet_NaN() : sums[k] / defined[k];
  }
}

}  // namespace hardy
