#include "analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "analysis/distributions.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr double kNotComputable = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kFewestForT = 3;

std::int64_t count_better(const std::vector<double>& differences, bool is_higher_better) {
  return std::count_if(differences.begin(), differences.end(), [&](double difference) {
    return is_higher_better ? difference > 0 : difference < 0;
  });
}

Comparison compare_one(const Pair& pair, const BootstrapOptions& options) {
  const Resampled difference = difference_of(pair.first, pair.second);
  Comparison result;
  result.first_name = pair.first_name;
  result.second_name = pair.second_name;
  result.what = pair.what;
  result.metric = pair.first.metric;
  result.first = pair.first.estimate;
  result.second = pair.second.estimate;
  result.difference = difference.estimate;
  result.interval = interval_of(difference, options.level);
  result.p = p_value_of(difference);
  result.fold_p = kNotComputable;
  result.equivalence_p = kNotComputable;
  if (is_share(result.metric)) {
    result.margin = options.margin;
    result.equivalence_p = equivalence_p_of(difference, options.margin);
  }
  if (!result.interval.is_computable()) return result;
  const bool higher = is_higher_better(result.metric);
  result.folds = static_cast<std::int64_t>(difference.by_fold.size());
  result.folds_better = count_better(difference.by_fold, higher);
  result.fold_p = paired_t_p_value(difference.by_fold);
  result.seeds = static_cast<std::int64_t>(difference.by_seed.size());
  result.seeds_better = count_better(difference.by_seed, higher);
  return result;
}

std::string p_text(double p) { return p < 0.001 ? "< 0.001" : fmt::format("= {:.3f}", p); }

/// What the test of equivalence adds to a verdict.
std::string level_text(const Comparison& c) {
  if (std::isnan(c.equivalence_p) || c.margin <= 0) return "";
  if (c.is_level) {
    return fmt::format("; level within {:g} point{} (p {})", 100 * c.margin,
                       c.margin == 0.01 ? "" : "s", p_text(c.corrected_equivalence_p));
  }
  if (c.is_beyond_chance) return "";
  return fmt::format("; undecided, differences up to {:.2f} points are possible",
                     100 * std::max(std::abs(c.interval.low), std::abs(c.interval.high)));
}

template <typename Number>
std::vector<Number> common(std::vector<Number> x, std::vector<Number> y) {
  std::sort(x.begin(), x.end());
  std::sort(y.begin(), y.end());
  std::vector<Number> both;
  std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
  return both;
}

std::vector<int> fold_numbers(const PredictionTable& table) {
  std::vector<int> numbers;
  for (const auto& fold : table.folds) numbers.push_back(fold.fold);
  return numbers;
}

}  // namespace

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i) {
    if (!std::isnan(p_values[i])) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t x, std::size_t y) { return p_values[x] < p_values[y]; });
  std::vector<double> adjusted(p_values.size(), kNotComputable);
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double factor = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, factor * p_values[order[rank]]));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double paired_t_p_value(std::span<const double> differences) {
  if (differences.size() < kFewestForT) return kNotComputable;
  const MeanDeviation spread = mean_and_deviation(differences);
  if (spread.deviation == 0) return spread.mean == 0 ? 1 : 0;
  const auto n = static_cast<double>(differences.size());
  return two_sided_t_probability(spread.mean / (spread.deviation / std::sqrt(n)), n - 1);
}

std::vector<Comparison> compare(const std::vector<Pair>& pairs, const BootstrapOptions& options) {
  std::vector<Comparison> results;
  std::vector<double> p_values;
  std::vector<double> equivalence_p_values;
  for (const Pair& pair : pairs) {
    check(pair.first.metric == pair.second.metric, "two metrics cannot be compared");
    results.push_back(compare_one(pair, options));
    p_values.push_back(results.back().p);
    equivalence_p_values.push_back(results.back().equivalence_p);
  }
  const auto corrected = holm(p_values);
  const auto corrected_equivalence = holm(equivalence_p_values);
  const auto computable =
      std::count_if(p_values.begin(), p_values.end(), [](double p) { return !std::isnan(p); });
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i].corrected_p = corrected[i];
    results[i].comparisons = computable;
    results[i].is_beyond_chance = corrected[i] <= 1 - options.level;  // false for NaN
    results[i].corrected_equivalence_p = corrected_equivalence[i];
    results[i].is_level = corrected_equivalence[i] <= 1 - options.level;
  }
  return results;
}

std::string difference_text(const std::string& metric, double difference) {
  return is_share(metric) ? fmt::format("{:.2f} points", 100 * difference)
                          : fmt::format("{:.4f}", difference);
}

std::string verdict(const Comparison& comparison) {
  const Comparison& c = comparison;
  if (!c.interval.is_computable()) return "not computable because " + c.interval.missing;
  const bool first_is_better = (c.difference > 0) == is_higher_better(c.metric);
  const bool is_of_share = is_share(c.metric);
  // Worded from the side of the better one, in the direction of the metric.
  const bool is_first_larger = c.difference >= 0;
  const double size = std::abs(c.difference);
  const double low = is_first_larger ? c.interval.low : -c.interval.high;
  const double high = is_first_larger ? c.interval.high : -c.interval.low;
  const double scale = is_of_share ? 100 : 1;
  const int digits = is_of_share ? 2 : 4;
  const std::string range =
      fmt::format("[{:.{}f}, {:.{}f}]", scale * low, digits, scale * high, digits);
  std::string text;
  if (c.difference == 0) {
    text = fmt::format("{} and {} are equal {}, p {}", c.first_name, c.second_name, range,
                       p_text(c.p));
  } else {
    text = fmt::format("{} is better than {} by {} {}, p {}",
                       first_is_better ? c.first_name : c.second_name,
                       first_is_better ? c.second_name : c.first_name,
                       difference_text(c.metric, size), range, p_text(c.p));
  }
  const char* beyond = c.is_beyond_chance ? "beyond chance" : "not beyond chance";
  const std::string level = level_text(c);
  if (c.comparisons < 2) return fmt::format("{}; this is {}{}", text, beyond, level);
  return fmt::format("{}; with {} comparisons (corrected p {}) this is {}{}", text, c.comparisons,
                     p_text(c.corrected_p), beyond, level);
}

std::string seeds_notice(std::size_t seeds) {
  if (seeds != 1) return "";
  return "One seed: intervals and p know which dialogues were tested, not how much training "
         "varies; a difference may vanish under other seeds (--seeds 1-3 or more).\n";
}

CommonGround common_ground(const PredictionTable& first, const std::string& first_name,
                           const PredictionTable& second, const std::string& second_name) {
  const std::string obstacle = pairing_obstacle(first, second);
  const auto refuse = [&](const std::string& why) {
    throw DataError(fmt::format(
        "{} and {} cannot be compared utterance by utterance: {}; give runs of one corpus with the "
        "same split",
        first_name, second_name, why));
  };
  if (!obstacle.empty()) refuse(obstacle);
  CommonGround ground;
  ground.folds = common(fold_numbers(first), fold_numbers(second));
  ground.seeds = common(first.seeds, second.seeds);
  if (ground.folds.empty()) refuse("they have no test fold in common");
  if (ground.seeds.empty()) refuse("they have no training seed in common");
  const auto note = [&](std::size_t both, std::size_t one, std::size_t other, const char* what) {
    if (both == one && both == other) return;
    ground.notice += fmt::format(
        "{}{} and {} are compared on the {} {} that both have (of {} and {})",
        ground.notice.empty() ? "" : "; ", first_name, second_name, both, what, one, other);
  };
  note(ground.folds.size(), first.folds.size(), second.folds.size(), "folds");
  note(ground.seeds.size(), first.seeds.size(), second.seeds.size(), "seeds");
  return ground;
}

}  // namespace hardy
