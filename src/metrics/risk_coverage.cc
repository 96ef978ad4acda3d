#include "metrics/risk_coverage.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hardy {
namespace {

/// 1/(first + 1) + .. + 1/last.
double harmonic_between(double first, double last) {
  constexpr double kExpanded = 64;  // from here on the expansion is exact to 1e-14
  const auto expanded = [](double n) {
    const double square = n * n;
    return std::log(n) + 1 / (2 * n) - 1 / (12 * square) + 1 / (120 * square * square);
  };
  double sum = 0;
  if (last - first > kExpanded) {
    const double middle = std::max(first, kExpanded);
    sum = expanded(last) - expanded(middle);
    last = middle;
  }
  for (double k = last; k > first; --k) sum += 1 / k;
  return sum;
}

}  // namespace

void RiskCoverageSum::add(double count, double errors) {
  if (count <= 0) return;
  // The k-th of these answers has on average errors_ + k * share errors among the first
  // count_ + k.
  const double share = errors / count;
  risks_ += share * count + (errors_ - share * count_) * harmonic_between(count_, count_ + count);
  count_ += count;
  errors_ += errors;
}

RiskCoverage RiskCoverageSum::areas() const {
  if (count_ <= 0) {
    constexpr double kNoArea = std::numeric_limits<double>::quiet_NaN();
    return {kNoArea, kNoArea};
  }
  const double right = count_ - errors_;
  const double least = errors_ - right * harmonic_between(right, count_);
  return {risks_ / count_, (risks_ - least) / count_};
}

}  // namespace hardy
