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
#include "base/wording.h"
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

/// Leaves the deviations from the mean over seeds.
void centre_seeds(Resampled& number) {
  if (number.seeds.size() < 2) number.seed_replicates.clear();
  for (auto& replicates : number.seed_replicates) {
    for (std::size_t b = 0; b < replicates.size(); ++b) {
      replicates[b] -= static_cast<float>(number.replicates[b]);
    }
  }
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
      number.seed_replicates.emplace_back(resamples_);
      for (std::size_t b = 0; b < resamples_; ++b) {
        const double value = sums[b] / static_cast<double>(defined.size());
        number.replicates[b] += value;
        number.seed_replicates.back()[b] = static_cast<float>(value);
      }
    }
    for (double& value : number.replicates) value /= static_cast<double>(number.seeds.size());
    centre_seeds(number);
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
      return fmt::format("{} test {}s in {} are too few, {} are needed", number.freedom + folds,
                         table_.clusters, counted(number.folds.size(), "fold"),
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

/// Degrees of freedom of training's part in this number or in a difference of such numbers.
std::int64_t seed_freedom_of(const Resampled& number) {
  Resampled difference;
  difference.cells = number.cells;
  difference.is_difference = true;
  return seed_spread_of(difference).freedom;
}

/// Draws of t for each number of degrees of freedom; equal ones share the draws.
void share_seed_draws(std::vector<Resampled>& numbers, const BootstrapOptions& options) {
  std::map<std::int64_t, std::shared_ptr<const std::vector<double>>> shared;
  for (Resampled& number : numbers) {
    const auto freedom = seed_freedom_of(number);
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

}  // namespace hardy
