#include "analysis/area_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr std::uint32_t kIsNext = 1;  // beyond the entry before
constexpr std::uint32_t kIsWrong = 2;
constexpr std::uint32_t kIsPositive = 2;
constexpr std::uint32_t kClusterUnit = 4;

/// Area of one class: the share of pairs in the right order, where equal probabilities count half.
double sorted_area(std::span<const std::uint32_t> entries, std::span<const double> weights) {
  double pairs = 0;
  double below = 0;  // weight of other classes with smaller probabilities
  double positives = 0;
  double equal_positives = 0;
  double equal_others = 0;
  const auto end_of_equals = [&] {
    pairs += equal_positives * (below + equal_others / 2);
    below += equal_others;
    positives += equal_positives;
    equal_positives = equal_others = 0;
  };
  for (const auto entry : entries) {
    if ((entry & kIsNext) != 0) end_of_equals();
    const double weight = weights[entry / kClusterUnit];
    ((entry & kIsPositive) != 0 ? equal_positives : equal_others) += weight;
  }
  end_of_equals();
  const bool is_defined = positives > 0 && below > 0;
  return is_defined ? pairs / (positives * below) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

AreaTable::AreaTable(std::span<const AreaRow> rows, std::span<const float> probabilities,
                     std::size_t classes) {
  check(probabilities.size() == rows.size() * classes, "areas of other probabilities than rows");
  // With two classes the area of the first one is the same.
  const std::size_t first = classes == 2 ? 1 : 0;
  std::vector<std::size_t> order(rows.size());
  for (std::size_t c = first; c < classes; ++c) {
    const auto probability = [&](std::size_t row) { return probabilities[row * classes + c]; };
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t x, std::size_t y) { return probability(x) < probability(y); });
    std::vector<std::uint32_t> entries;
    entries.reserve(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const AreaRow& row = rows[order[i]];
      const bool is_larger = i > 0 && probability(order[i]) > probability(order[i - 1]);
      entries.push_back(static_cast<std::uint32_t>(row.cluster) * kClusterUnit +
                        (row.truth == c ? kIsPositive : 0) + (is_larger ? kIsNext : 0));
    }
    by_class_.push_back(std::move(entries));
  }
  std::vector<std::size_t> labels;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    labels.push_back(
        static_cast<std::size_t>(argmax(probabilities.subspan(row * classes, classes))));
  }
  const auto confidence = [&](std::size_t row) {
    return probabilities[row * classes + labels[row]];
  };
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return confidence(x) > confidence(y); });
  for (std::size_t i = 0; i < order.size(); ++i) {
    const AreaRow& row = rows[order[i]];
    const bool is_smaller = i > 0 && confidence(order[i]) < confidence(order[i - 1]);
    by_confidence_.push_back(static_cast<std::uint32_t>(row.cluster) * kClusterUnit +
                             (row.truth != labels[order[i]] ? kIsWrong : 0) +
                             (is_smaller ? kIsNext : 0));
  }
}

RiskCoverage AreaTable::risk(std::span<const double> weights) const {
  RiskCoverageSum sum;
  double equals = 0;
  double errors = 0;
  for (const auto entry : by_confidence_) {
    if ((entry & kIsNext) != 0) {
      sum.add(equals, errors);
      equals = errors = 0;
    }
    const double weight = weights[entry / kClusterUnit];
    equals += weight;
    if ((entry & kIsWrong) != 0) errors += weight;
  }
  sum.add(equals, errors);
  return sum.areas();
}

double AreaTable::area(std::span<const double> weights) const {
  double sum = 0;
  int defined = 0;
  for (const auto& entries : by_class_) {
    const double area = sorted_area(entries, weights);
    if (std::isnan(area)) continue;
    sum += area;
    ++defined;
  }
  return defined == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / defined;
}

}  // namespace hardy
