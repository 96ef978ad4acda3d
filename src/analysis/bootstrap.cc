#include "analysis/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "analysis/distributions.h"
#include "base/random.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// With fewer test dialogues beyond one per fold there is no interval.
constexpr std::int64_t kFewestFreedom = 5;
/// The largest share of resamples in which a number may be undefined.
constexpr double kMostUndefined = 0.05;
constexpr std::int64_t kFewestResamples = 100;
constexpr std::int64_t kMostResamples = 100000;

/// Draws how often each of n dialogues occurs in a resample of n - 1: with that many draws the
/// variance of resamples is that of new dialogues; with n it would be too small by the factor (n -
/// 1) / n.
void draw_weights(Generator& generator, std::vector<double>& weights) {
  const auto n = static_cast<std::int64_t>(weights.size());
  std::fill(weights.begin(), weights.end(), 0.0);
  for (std::int64_t i = 0; i + 1 < n; ++i) {
    weights[static_cast<std::size_t>(draw_index(generator, n))] += 1;
  }
}

/// Folds that share some but not all dialogues are neither independent nor equal.
std::string overlap_of(const PredictionTable& table) {
  for (std::size_t x = 0; x < table.folds.size(); ++x) {
    for (std::size_t y = 0; y < x; ++y) {
      const auto& one = table.folds[y].dialogues;
      const auto& other = table.folds[x].dialogues;
      std::vector<std::string> both;
      std::set_intersection(one.begin(), one.end(), other.begin(), other.end(),
                            std::back_inserter(both));
      if (both.empty() || one == other) continue;
      return fmt::format("folds {} and {} share some test dialogues", table.folds[y].fold + 1,
                         table.folds[x].fold + 1);
    }
  }
  return "";
}

/// All cells of one track as numbers [row, seed, fold, metric]; the rows are the conditions of the
/// track, then the means over them (condition_means).
class TrackResampler {
 public:
  TrackResampler(const PredictionTable& table, const std::string& track, std::int64_t resamples)
      : table_(table),
        track_(track),
        resamples_(static_cast<std::size_t>(resamples)),
        names_(table.metric_names()),
        metrics_(names_.size()) {
    std::vector<Condition> which;
    for (std::size_t i = 0; i < table.conditions.size(); ++i) {
      const bool has_any = std::any_of(table.cells.begin(), table.cells.end(), [&](const auto& c) {
        return c.track == track && c.condition == table.conditions[i];
      });
      if (!has_any) continue;
      conditions_.push_back(table.conditions[i]);
      which.push_back(table.which[i]);
    }
    means_ = condition_means(which, table.modalities);
    only_classes_ = only_classes_of(table);
    table_obstacle_ = overlap_of(table);
    base_.assign(rows() * table_.seeds.size() * table_.folds.size() * metrics_, kNaN);
    sums_.assign(rows() * table_.seeds.size() * metrics_ * resamples_, 0.0);
  }

  std::vector<Resampled> run(std::uint64_t root) {
    for (std::size_t fold = 0; fold < table_.folds.size(); ++fold) resample_fold(fold, root);
    std::vector<Resampled> numbers;
    for (std::size_t metric = 0; metric < metrics_; ++metric) {
      for (std::size_t row = 0; row < rows(); ++row) numbers.push_back(number_of(row, metric));
    }
    return numbers;
  }

 private:
  [[nodiscard]] std::size_t rows() const { return conditions_.size() + means_.size(); }

  [[nodiscard]] std::size_t base_index(std::size_t row, std::size_t seed, std::size_t fold,
                                       std::size_t metric) const {
    return ((row * table_.seeds.size() + seed) * table_.folds.size() + fold) * metrics_ + metric;
  }

  [[nodiscard]] std::size_t sum_index(std::size_t row, std::size_t seed, std::size_t metric) const {
    return ((row * table_.seeds.size() + seed) * metrics_ + metric) * resamples_;
  }

  void resample_fold(std::size_t fold, std::uint64_t root) {
    const TestFold& part = table_.folds[fold];
    std::vector<std::vector<const PredictionCell*>> cells(table_.seeds.size());
    for (std::size_t seed = 0; seed < cells.size(); ++seed) {
      for (const auto& condition : conditions_) {
        cells[seed].push_back(table_.find(track_, condition, part.fold, table_.seeds[seed]));
      }
    }
    std::vector<double> weights(part.dialogues.size(), 1.0);
    std::vector<double> values(rows() * metrics_);
    for (std::size_t seed = 0; seed < cells.size(); ++seed) {
      measure(cells[seed], weights, values);
      for (std::size_t row = 0; row < rows(); ++row) {
        for (std::size_t metric = 0; metric < metrics_; ++metric) {
          base_[base_index(row, seed, fold, metric)] = values[row * metrics_ + metric];
        }
      }
    }
    if (weights.size() < 2) return;  // number_of states why there is no interval
    // Folds tested on the same dialogues share their resamples.
    Generator generator = Seeds(root).stream("bootstrap.dialogues", {first_alike(part).fold});
    for (std::size_t b = 0; b < resamples_; ++b) {
      draw_weights(generator, weights);
      for (std::size_t seed = 0; seed < cells.size(); ++seed) {
        measure(cells[seed], weights, values);
        add_replicate(values, seed, fold, b);
      }
    }
  }

  /// The first fold with the same dialogues.
  [[nodiscard]] const TestFold& first_alike(const TestFold& part) const {
    return *std::find_if(table_.folds.begin(), table_.folds.end(),
                         [&](const TestFold& other) { return other.dialogues == part.dialogues; });
  }

  void add_replicate(const std::vector<double>& values, std::size_t seed, std::size_t fold,
                     std::size_t b) {
    for (std::size_t row = 0; row < rows(); ++row) {
      for (std::size_t metric = 0; metric < metrics_; ++metric) {
        // A fold in which the number is undefined is left out of its mean in every resample.
        if (std::isnan(base_[base_index(row, seed, fold, metric)])) continue;
        sums_[sum_index(row, seed, metric) + b] += values[row * metrics_ + metric];
      }
    }
  }

  /// The metrics of each row, with dialogues counted `weights` times.
  void measure(const std::vector<const PredictionCell*>& cells, const std::vector<double>& weights,
               std::vector<double>& values) const {
    std::fill(values.begin(), values.end(), kNaN);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (cells[c] == nullptr) continue;
      table_.measure(*cells[c], weights, std::span(values).subspan(c * metrics_, metrics_));
    }
    for (std::size_t mean = 0; mean < means_.size(); ++mean) {
      for (std::size_t metric = 0; metric < metrics_; ++metric) {
        double sum = 0;
        for (const auto& [c, share] : means_[mean].weights) {
          sum += share * values[c * metrics_ + metric];
        }
        values[(conditions_.size() + mean) * metrics_ + metric] = sum;
      }
    }
  }

  [[nodiscard]] Resampled number_of(std::size_t row, std::size_t metric) const {
    Resampled number;
    number.track = track_;
    const std::size_t conditions = conditions_.size();
    number.condition = row < conditions ? conditions_[row] : means_[row - conditions].label;
    number.metric = names_[metric];
    number.range = metric_range(number.metric);
    number.replicates.assign(resamples_, 0.0);
    if (!only_classes_[metric].empty()) {
      number.estimate = kNaN;
      number.missing =
          fmt::format("all test utterances are of one class ({})", only_classes_[metric]);
      return number;
    }
    std::vector<std::vector<double>> of_fold(table_.folds.size());
    for (std::size_t seed = 0; seed < table_.seeds.size(); ++seed) {
      std::vector<double> defined;
      for (std::size_t fold = 0; fold < table_.folds.size(); ++fold) {
        const double value = base_[base_index(row, seed, fold, metric)];
        if (std::isnan(value)) continue;
        defined.push_back(value);
        of_fold[fold].push_back(value);
      }
      if (defined.empty()) continue;
      number.seeds.push_back(table_.seeds[seed]);
      number.by_seed.push_back(mean_and_deviation(defined).mean);
      const double* sums = sums_.data() + sum_index(row, seed, metric);
      for (std::size_t b = 0; b < resamples_; ++b) {
        number.replicates[b] += sums[b] / static_cast<double>(defined.size());
      }
    }
    for (double& value : number.replicates) value /= static_cast<double>(number.seeds.size());
    for (std::size_t fold = 0; fold < of_fold.size(); ++fold) {
      if (of_fold[fold].empty()) continue;
      number.folds.push_back(table_.folds[fold].fold);
      number.by_fold.push_back(mean_and_deviation(of_fold[fold]).mean);
      number.cells.push_back(of_fold[fold]);
      const TestFold& part = table_.folds[fold];
      if (&first_alike(part) != &part) continue;
      number.freedom += static_cast<std::int64_t>(part.dialogues.size()) - 1;
    }
    number.estimate = mean_and_deviation(number.by_seed).mean;
    number.missing = obstacle(number);
    return number;
  }

  /// Why there is no interval; "" if there may be one.
  [[nodiscard]] std::string obstacle(const Resampled& number) const {
    if (number.seeds.empty()) return "it is not defined on the test utterances";
    if (!table_obstacle_.empty()) return table_obstacle_;
    for (const TestFold& fold : table_.folds) {
      if (!std::binary_search(number.folds.begin(), number.folds.end(), fold.fold)) continue;
      if (fold.dialogues.size() < 2) {
        return fmt::format("fold {} tests one {}, and resampling needs two or more", fold.fold + 1,
                           table_.clusters);
      }
    }
    if (number.freedom < kFewestFreedom) {
      const auto folds = static_cast<std::int64_t>(number.folds.size());
      return fmt::format("{} test {}s in {} fold{} are too few, {} are needed",
                         number.freedom + folds, table_.clusters, folds, folds == 1 ? "" : "s",
                         kFewestFreedom + folds);
    }
    const auto undefined = std::count_if(number.replicates.begin(), number.replicates.end(),
                                         [](double value) { return std::isnan(value); });
    if (static_cast<double>(undefined) > kMostUndefined * static_cast<double>(resamples_)) {
      return fmt::format("too few test {}s hold what it measures", table_.clusters);
    }
    return "";
  }

  const PredictionTable& table_;
  const std::string& track_;
  std::size_t resamples_;
  std::vector<std::string> names_;  // [metric]
  std::size_t metrics_;
  std::vector<std::string> conditions_;
  std::vector<ConditionMean> means_;
  std::vector<std::string> only_classes_;  // [metric] if the truth has one class only
  std::string table_obstacle_;             // why this table cannot be resampled
  std::vector<double> base_;               // [row, seed, fold, metric]
  std::vector<double> sums_;  // [row, seed, metric, resample] over the folds in which it is defined
};

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

void check_level(double level) {
  if (level >= 0.5 && level <= 0.999) return;
  throw ConfigError(fmt::format("level {}: it must lie in 0.5..0.999, e.g. 0.95", level));
}

/// Draws of t for each number of degrees of freedom; equal ones share the draws.
void share_seed_draws(std::vector<Resampled>& numbers, const BootstrapOptions& options) {
  std::map<std::int64_t, std::shared_ptr<const std::vector<double>>> shared;
  for (Resampled& number : numbers) {
    const auto freedom = seed_spread_of(number).freedom;
    if (freedom < 1) continue;
    auto& draws = shared[freedom];
    if (draws == nullptr) {
      Generator generator = Seeds(options.seed).stream("bootstrap.seeds");
      std::vector<double> values;
      for (std::int64_t b = 0; b < options.resamples; ++b) {
        const double unit = std::clamp(draw_unit(generator), 1e-9, 1 - 1e-9);
        values.push_back(t_quantile(unit, static_cast<double>(freedom)));
      }
      draws = std::make_shared<const std::vector<double>>(std::move(values));
    }
    number.seed_draws = draws;
  }
}

}  // namespace

SeedSpread seed_spread_of(const Resampled& number) {
  SeedSpread spread;
  double squares = 0;  // sum over folds of freedom times variance
  double fits = 0;
  for (const auto& fold : number.cells) {
    fits += static_cast<double>(fold.size());
    if (fold.size() < 2) continue;
    const double deviation = mean_and_deviation(fold).deviation;
    squares += static_cast<double>(fold.size() - 1) * deviation * deviation;
    spread.freedom += static_cast<std::int64_t>(fold.size()) - 1;
  }
  if (spread.freedom > 0)
    spread.error = std::sqrt(squares / static_cast<double>(spread.freedom) / fits);
  return spread;
}

std::vector<Resampled> resample(const PredictionTable& table, const BootstrapOptions& options) {
  if (options.resamples < kFewestResamples || options.resamples > kMostResamples) {
    throw ConfigError(fmt::format("{} resamples: the number must lie in {}..{}", options.resamples,
                                  kFewestResamples, kMostResamples));
  }
  check_level(options.level);
  std::vector<Resampled> numbers;
  for (const auto& track : table.tracks) {
    auto of_track = TrackResampler(table, track, options.resamples).run(options.seed);
    std::move(of_track.begin(), of_track.end(), std::back_inserter(numbers));
  }
  share_seed_draws(numbers, options);
  return numbers;
}

Resampled difference_of(const Resampled& first, const Resampled& second) {
  check(first.replicates.size() == second.replicates.size(), "resamples that cannot be paired");
  Resampled difference = first;
  difference.missing = !first.missing.empty() ? first.missing : second.missing;
  if (first.seeds != second.seeds || first.folds != second.folds) {
    if (difference.missing.empty()) {
      difference.missing = "it is defined in other folds or seeds of the one than of the other";
    }
    difference.estimate = first.estimate - second.estimate;
    return difference;
  }
  check(first.freedom == second.freedom, "resamples of different test parts");
  const auto subtract = [](std::vector<double>& from, const std::vector<double>& what) {
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
  const double width = first.range.high - first.range.low;
  difference.range = {-width, width};
  return difference;
}

Interval interval_of(const Resampled& number, double level) {
  check_level(level);
  if (!number.missing.empty()) return {kNaN, kNaN, number.missing};
  const double tail = (1 - level) / 2;
  const auto spread = spread_of(number, stretch_of(tail, number.freedom));
  const auto within = [&](double value) {
    return std::clamp(value, number.range.low, number.range.high);
  };
  return {within(quantile_of(spread, tail)), within(quantile_of(spread, 1 - tail)), ""};
}

double p_value_of(const Resampled& difference) {
  if (!difference.missing.empty()) return kNaN;
  const auto spread = spread_of(difference, stretch_of(0.025, difference.freedom));
  const auto at_most = std::upper_bound(spread.begin(), spread.end(), 0.0) - spread.begin();
  const auto at_least = spread.end() - std::lower_bound(spread.begin(), spread.end(), 0.0);
  const auto smaller = static_cast<double>(std::min(at_most, at_least));
  return std::min(1.0, 2 * (smaller + 1) / static_cast<double>(spread.size() + 1));
}

}  // namespace hardy
