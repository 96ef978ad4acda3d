#include "analysis/area_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::uint32_t kIsLarger = 1;
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
    if ((entry & kIsLarger) != 0) end_of_equals();
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
                        (row.truth == c ? kIsPositive : 0) + (is_larger ? kIsLarger : 0));
    }
    by_class_.push_back(std::move(entries));
  }
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
