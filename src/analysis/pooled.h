// One difference from several corpora. docs/statistics.md has the equations.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analysis/bootstrap.h"
#include "analysis/compare_runs.h"

namespace hardy {

/// A difference on one corpus.
struct PooledPart {
  std::string name;     ///< the corpus
  double estimate = 0;  ///< first - second
  Interval interval;
  double p = 0;
  bool knows_training = false;  ///< whether the variation of training is in the interval
};

/// The mean of differences over corpora, each counted once.
struct Pooled {
  std::string first_name;
  std::string second_name;
  std::string first_track;
  std::string second_track;
  std::string condition;  ///< "average" or "complete"
  std::string metric;
  std::vector<PooledPart> parts;
  double estimate = 0;
  double error = 0;    ///< standard error
  double freedom = 0;  ///< its degrees of freedom (Welch-Satterthwaite)
  Interval interval;
  double p = 0;              ///< two-sided; NaN when not computable
  double equivalence_p = 0;  ///< of "level within the margin"; NaN when not computable
};

/// Variance of an independent estimate and its degrees of freedom.
struct Component {
  double variance = 0;
  double freedom = 1;
};

/// Degrees of freedom of the sum of independent variances (Welch-Satterthwaite): (sum v)^2 / sum
/// (v^2 / f). Infinite when every variance is 0.
double satterthwaite(const std::vector<Component>& components);

/// Pools differences of independent corpora. Requires: at least one, the same metric. Not
/// computable when one of them has no interval.
Pooled pool(const std::vector<std::pair<std::string, Resampled>>& differences, double level,
            double margin);

/// Differences over corpora, and what a reader must know about them.
struct PooledRuns {
  std::vector<Pooled> results;       ///< by track and condition
  std::vector<std::string> notices;  ///< omissions, and differences between runs
};

/// Pairs of finished runs (first, second), one pair per corpus; the average over the incomplete
/// conditions and the complete one, of each track, where every pair has it. Corpora with different
/// headline metrics count by their own one. Throws ConfigError for an odd number of runs, pairs of
/// different methods, two pairs on one corpus, several metrics or a metric that is no share, and
/// otherwise as `compare_runs`.
PooledRuns pool_runs(const std::vector<FinishedRun>& runs, const CompareRequest& request);

/// "A is better than B by 1.20 points [0.40, 2.00] over 3 corpora, p = 0.004: beyond chance".
std::string verdict(const Pooled& pooled, double level, double margin);

}  // namespace hardy
