#include "metrics/value_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hardy {
namespace {

constexpr double kUndefinedValue = std::numeric_limits<double>::quiet_NaN();
constexpr double kNothing = 1e-12;  // rounding error of the squares of a constant, relative

}  // namespace

void add_value(std::span<double> sums, double truth, double predicted) {
  sums[0] += 1;
  sums[1] += std::abs(truth - predicted);
  sums[2] += truth;
  sums[3] += predicted;
  sums[4] += truth * truth;
  sums[5] += predicted * predicted;
  sums[6] += truth * predicted;
}

double mean_error_of(std::span<const double> sums) {
  return sums[0] <= 0 ? kUndefinedValue : sums[1] / sums[0];
}

double correlation_of(std::span<const double> sums) {
  const double n = sums[0];
  if (n < 2) return kUndefinedValue;
  const double xx = sums[4] - sums[2] * sums[2] / n;
  const double yy = sums[5] - sums[3] * sums[3] / n;
  const double xy = sums[6] - sums[2] * sums[3] / n;
  if (xx <= kNothing * sums[4] || yy <= kNothing * sums[5]) return kUndefinedValue;
  return std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
}

double concordance_of(std::span<const double> sums) {
  const double n = sums[0];
  if (n < 2) return kUndefinedValue;
  const double apart = (sums[2] - sums[3]) / n;
  const double spread =
      sums[4] - sums[2] * sums[2] / n + sums[5] - sums[3] * sums[3] / n + n * apart * apart;
  if (spread <= kNothing * (sums[4] + sums[5])) return kUndefinedValue;
  return 2 * (sums[6] - sums[2] * sums[3] / n) / spread;
}

}  // namespace hardy
