// Uncertainty of a run's numbers: bootstrap over the dialogues of the test parts, together with the
// variation over training seeds. docs/statistics.md states what the intervals cover.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "analysis/prediction_table.h"

namespace hardy {

struct BootstrapOptions {
  std::int64_t resamples = 2000;
  double level = 0.95;     ///< coverage of the intervals, in (0,1)
  double margin = 0.01;    ///< differences of shares within it count as none, in (0,1)
  std::uint64_t seed = 1;  ///< root of the streams "bootstrap.dialogues" and "bootstrap.seeds"
};

/// One resampled number of a report, or the difference of two such numbers.
struct Resampled {
  std::string track;
  std::string condition;  ///< a pattern's label or "average"
  std::string metric;
  double estimate = 0;  ///< mean over seeds of the unweighted mean over folds; NaN = undefined
  std::vector<std::int64_t> seeds;  ///< seeds in which it is defined
  std::vector<double> by_seed;      ///< mean over folds, per seed
  std::vector<int> folds;           ///< folds in which it is defined
  std::vector<double> by_fold;      ///< mean over seeds, per fold
  /// [folds] of the values under each of `seeds` in which the fold is defined. Every fold and seed
  /// is a separate training, so their variation within folds is the seeds' part of the uncertainty.
  std::vector<std::vector<double>> cells;
  std::vector<double> replicates;  ///< [resamples] with resampled dialogues; NaN = undefined
  /// [seeds][resamples] of each seed's replicate minus the mean over seeds; empty with one seed.
  /// Its variation is how much the choice of dialogues alone makes seeds differ.
  std::vector<std::vector<float>> seed_replicates;
  /// [resamples] draws of Student's t with as many degrees of freedom as SeedSpread::freedom,
  /// shared by the numbers of a call; null when training's part cannot be known.
  std::shared_ptr<const std::vector<double>> seed_draws;
  std::int64_t freedom = 0;  ///< test dialogues minus folds
  bool is_difference = false;
  MetricRange range;    ///< range of the metric
  std::string missing;  ///< why there is no interval; "" if there may be one
};

/// A range that holds the true number with probability `level`, or the reason why there is none.
struct Interval {
  double low = 0;   ///< NaN when `missing`
  double high = 0;  ///< NaN when `missing`
  std::string missing;

  [[nodiscard]] bool is_computable() const { return missing.empty(); }
};

/// Uncertainty of the estimate due to training.
struct SeedSpread {
  double error = 0;          ///< standard error of the estimate due to training; 0 if unknown
  std::int64_t freedom = 0;  ///< its degrees of freedom; 0 if unknown
};

/// Several seeds: with s^2 the mean within-fold variance over seeds (weighted by seeds - 1), F
/// folds, S seeds and v the variance that resampling alone gives a seed's deviation from the mean
/// over seeds, error^2 = max(0, s^2 / F - v) / S, with F (S - 1) degrees of freedom. One seed: for
/// differences over three or more folds, error^2 = max(0, d^2 / F - D) with d^2 the variance over
/// folds and D that of the replicates, F - 1 degrees of freedom; unknown otherwise.
SeedSpread seed_spread_of(const Resampled& number);

/// Every track, condition (then their "average") and metric, in the order of a report's summaries.
/// Resample b draws the same dialogues for every track, condition, seed and table with the same
/// test parts, so that numbers can be paired. Throws ConfigError for options out of range.
std::vector<Resampled> resample(const PredictionTable& table, const BootstrapOptions& options);

/// first - second, paired over dialogues, folds and seeds: both must come from tables with the same
/// test parts, folds and seeds, and equal options. Throws InternalError otherwise.
Resampled difference_of(const Resampled& first, const Resampled& second);

/// Throws ConfigError for a coverage outside .5 to .999.
void check_level(double level);

/// The interval between the (1 +- level) / 2 quantiles of the replicates, each with the random part
/// of the seeds added (docs/statistics.md).
/// Throws ConfigError when `level` is out of range.
Interval interval_of(const Resampled& number, double level);

/// p-value of "the true difference is at least `margin` in one direction" (two one-sided tests, the
/// larger p): small when the numbers are level within the margin. NaN when it is not computable.
/// Range: margin > 0, in the number's unit.
double equivalence_p_of(const Resampled& difference, double margin);

/// Two-sided p-value of "the true difference is 0": about 1 - level of the widest interval without
/// 0; at least 2 / (resamples + 1). NaN when it is not computable.
double p_value_of(const Resampled& difference);

}  // namespace hardy
