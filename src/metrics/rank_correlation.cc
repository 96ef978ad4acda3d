#include "metrics/rank_correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first + 1;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double rank = static_cast<double>(first + 1 + last) / 2;
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = rank;
    first = last;
  }
  return ranks;
}

double rank_correlation(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) {
    throw ShapeError(fmt::format("rank correlation of {} and {} values", x.size(), y.size()));
  }
  constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
  if (x.size() < 3) return kUndefined;
  const auto left = mean_ranks(x);
  const auto right = mean_ranks(y);
  const double mean = static_cast<double>(x.size() + 1) / 2;  // mean of ranks, with or without ties
  double product = 0;
  double squares_left = 0;
  double squares_right = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    product += (left[i] - mean) * (right[i] - mean);
    squares_left += (left[i] - mean) * (left[i] - mean);
    squares_right += (right[i] - mean) * (right[i] - mean);
  }
  if (squares_left == 0 || squares_right == 0) return kUndefined;
  return product / std::sqrt(squares_left * squares_right);
}

}  // namespace hardy
