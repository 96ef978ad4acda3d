// Is A better than B, and would that happen by chance? Paired comparisons, corrected for their
// number, with a verdict in plain words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/bootstrap.h"

namespace hardy {

/// Two numbers to be compared: the same metric of two methods, settings or tracks, resampled with
/// equal options on tables that `pairing_obstacle` allows.
struct Pair {
  std::string first_name;   ///< "hardy", "runs/with-hardness"
  std::string second_name;  ///< "momke"
  std::string what;         ///< which number: "unified, {a,t}, wa"
  Resampled first;
  Resampled second;
};

/// What came out of one pair.
struct Comparison {
  std::string first_name;
  std::string second_name;
  std::string what;
  std::string metric;
  double first = 0;               ///< NaN = undefined
  double second = 0;              ///< NaN = undefined
  double difference = 0;          ///< first - second
  Interval interval;              ///< of the difference; says why there is none
  double p = 0;                   ///< two-sided, of this comparison alone; NaN when not computable
  double corrected_p = 0;         ///< Holm's over all comparisons of the call; NaN likewise
  std::int64_t comparisons = 0;   ///< computable ones of the call
  bool is_beyond_chance = false;  ///< corrected_p <= 1 - level
  std::int64_t folds = 0;         ///< that both define
  std::int64_t folds_better = 0;  ///< in which the first is better
  double fold_p = 0;              ///< paired t-test over folds; NaN for fewer than three
  std::int64_t seeds = 0;
  std::int64_t seeds_better = 0;
};

/// Compares all pairs, Holm's correction over all of them.
std::vector<Comparison> compare(const std::vector<Pair>& pairs, const BootstrapOptions& options);

/// Holm's step-down adjustment: adjusted p-values in the order given, never below the raw ones,
/// at most 1. NaN stays NaN and does not count.
std::vector<double> holm(std::span<const double> p_values);

/// Two-sided paired t-test of "the mean difference is 0"; NaN for fewer than three differences.
/// Equal differences give 0, or 1 when they are all 0.
double paired_t_p_value(std::span<const double> differences);

/// "hardy is better than momke by 2.31 points [0.52, 4.10], p = 0.012; with 6 comparisons
/// (corrected p = 0.072) this is not beyond chance".
std::string verdict(const Comparison& comparison);

/// "2.31 points" for shares, "0.231" for errors and correlations.
std::string difference_text(const std::string& metric, double difference);

/// What to tell the reader of comparisons over this many seeds: that one seed says nothing about
/// the spread of training; "" for any other number.
std::string seeds_notice(std::size_t seeds);

/// Which folds and seeds both tables have, as text for a notice; "" when they have the same.
/// The tables to compare are `restricted_to` these.
struct CommonGround {
  std::vector<int> folds;
  std::vector<std::int64_t> seeds;
  std::string notice;
};

/// Throws DataError when the tables cannot be paired: other test utterances or labels (another
/// corpus or split), no common fold, no common seed. The names stand for the runs in messages.
CommonGround common_ground(const PredictionTable& first, const std::string& first_name,
                           const PredictionTable& second, const std::string& second_name);

}  // namespace hardy
