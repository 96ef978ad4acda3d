// Differences, intervals and p-values of resampled numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/bootstrap.h"
#include "analysis/distributions.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

/// With one seed, fewer folds say nothing about training.
constexpr std::size_t kFewestFolds = 3;
/// With fewer degrees of freedom the variance over seeds is too rough to subtract from.
constexpr std::int64_t kFewestToSubtract = 4;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Variance of the defined values; 0 for fewer than two.
template <typename Number>
double variance_of(const std::vector<Number>& values) {
  double mean = 0;
  double squares = 0;
  double count = 0;
  for (const auto value : values) {
    if (std::isnan(value)) continue;
    ++count;
    const double apart = static_cast<double>(value) - mean;
    mean += apart / count;
    squares += apart * (static_cast<double>(value) - mean);
  }
  return count < 2 ? 0 : squares / (count - 1);
}

/// Variance of a seed's deviation from the mean over seeds that the choice of dialogues causes.
double seed_noise_of(const Resampled& number) {
  if (number.seed_replicates.size() < 2) return 0;
  double sum = 0;
  for (const auto& replicates : number.seed_replicates) sum += variance_of(replicates);
  return sum / static_cast<double>(number.seed_replicates.size() - 1);
}

/// The replicates with both parts of the uncertainty, ascending. `stretch` widens the dialogues'
/// part.
std::vector<double> spread_of(const Resampled& number, double stretch) {
  const double seed_error = number.seed_draws == nullptr ? 0 : seed_spread_of(number).error;
  std::vector<double> spread;
  for (std::size_t b = 0; b < number.replicates.size(); ++b) {
    if (std::isnan(number.replicates[b])) continue;
    double sum = number.estimate + stretch * (number.replicates[b] - number.estimate);
    if (seed_error > 0) sum += seed_error * (*number.seed_draws)[b];
    spread.push_back(sum);
  }
  std::sort(spread.begin(), spread.end());
  return spread;
}

/// Widens the tails of replicates over few dialogues, by the ratio of t to normal quantiles.
double stretch_of(double tail, std::int64_t freedom) {
  return t_quantile(tail, static_cast<double>(freedom)) / normal_quantile(tail);
}

/// The quantile of sorted values, linear between them.
double quantile_of(const std::vector<double>& sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

}  // namespace

void check_level(double level) {
  if (level >= 0.5 && level <= 0.999) return;
  throw ConfigError(fmt::format("level {}: it must lie in 0.5..0.999, e.g. 0.95", level));
}

SeedSpread seed_spread_of(const Resampled& number) {
  SeedSpread spread;
  double squares = 0;  // sum over folds of freedom times variance
  double fits = 0;
  std::vector<double> single;
  for (const auto& fold : number.cells) {
    fits += static_cast<double>(fold.size());
    if (fold.size() == 1) single.push_back(fold.front());
    if (fold.size() < 2) continue;
    const double deviation = mean_and_deviation(fold).deviation;
    squares += static_cast<double>(fold.size() - 1) * deviation * deviation;
    spread.freedom += static_cast<std::int64_t>(fold.size()) - 1;
  }
  const auto folds = static_cast<double>(number.cells.size());
  if (spread.freedom > 0) {
    const double seeds = fits / folds;
    const double seen = squares / static_cast<double>(spread.freedom) / folds;
    const double noise = spread.freedom >= kFewestToSubtract ? seed_noise_of(number) : 0;
    spread.error = std::sqrt(std::max(0.0, seen - noise) / seeds);
  } else if (number.is_difference && single.size() >= kFewestFolds) {
    const double deviation = mean_and_deviation(single).deviation;
    spread.freedom = static_cast<std::int64_t>(single.size()) - 1;
    spread.error =
        std::sqrt(std::max(0.0, deviation * deviation / folds - variance_of(number.replicates)));
  }
  return spread;
}

Resampled difference_of(const Resampled& first, const Resampled& second) {
  check(first.replicates.size() == second.replicates.size(), "resamples that cannot be paired");
  Resampled difference = first;
  difference.is_difference = true;
  difference.missing = !first.missing.empty() ? first.missing : second.missing;
  if (first.seeds != second.seeds || first.folds != second.folds) {
    if (difference.missing.empty()) {
      difference.missing = "it is defined in other folds or seeds of the one than of the other";
    }
    difference.estimate = first.estimate - second.estimate;
    return difference;
  }
  check(first.freedom == second.freedom, "resamples of different test parts");
  const auto subtract = [](auto& from, const auto& what) {
    for (std::size_t i = 0; i < from.size(); ++i) from[i] -= what[i];
  };
  difference.estimate -= second.estimate;
  subtract(difference.by_seed, second.by_seed);
  subtract(difference.by_fold, second.by_fold);
  for (std::size_t fold = 0; fold < difference.cells.size(); ++fold) {
    check(difference.cells[fold].size() == second.cells[fold].size(),
          "cells that cannot be paired");
    subtract(difference.cells[fold], second.cells[fold]);
  }
  subtract(difference.replicates, second.replicates);
  for (std::size_t s = 0; s < difference.seed_replicates.size(); ++s) {
    subtract(difference.seed_replicates[s], second.seed_replicates[s]);
  }
  const double width = first.range.high - first.range.low;
  difference.range = {-width, width};
  return difference;
}

Interval interval_of(const Resampled& number, double level) {
  check_level(level);
  if (!number.missing.empty()) return {kUnknown, kUnknown, number.missing};
  const double tail = (1 - level) / 2;
  const auto spread = spread_of(number, stretch_of(tail, number.freedom));
  const auto within = [&](double value) {
    return std::clamp(value, number.range.low, number.range.high);
  };
  return {within(quantile_of(spread, tail)), within(quantile_of(spread, 1 - tail)), ""};
}

double p_value_of(const Resampled& difference) {
  if (!difference.missing.empty()) return kUnknown;
  const auto spread = spread_of(difference, stretch_of(0.025, difference.freedom));
  const auto at_most = std::upper_bound(spread.begin(), spread.end(), 0.0) - spread.begin();
  const auto at_least = spread.end() - std::lower_bound(spread.begin(), spread.end(), 0.0);
  const auto smaller = static_cast<double>(std::min(at_most, at_least));
  return std::min(1.0, 2 * (smaller + 1) / static_cast<double>(spread.size() + 1));
}

double equivalence_p_of(const Resampled& difference, double margin) {
  if (!difference.missing.empty()) return kUnknown;
  const auto spread = spread_of(difference, stretch_of(0.05, difference.freedom));
  const auto below = std::upper_bound(spread.begin(), spread.end(), -margin) - spread.begin();
  const auto above = spread.end() - std::lower_bound(spread.begin(), spread.end(), margin);
  const auto outside = static_cast<double>(std::max(below, above));
  return (outside + 1) / static_cast<double>(spread.size() + 1);
}

}  // namespace hardy
