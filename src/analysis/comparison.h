// Paired comparisons, corrected for their number, with a verdict in words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/bootstrap.h"

namespace hardy {

/// Two numbers to compare: the same metric of two methods, settings or tracks, resampled with equal
/// options on tables that `pairing_obstacle` accepts.
struct Pair {
  std::string first_name;   ///< "hardy", "runs/with-hardness"
  std::string second_name;  ///< "momke"
  std::string what;         ///< the number: "unified, {a,t}, wa"
  Resampled first;
  Resampled second;
};

/// The result of one pair.
struct Comparison {
  std::string first_name;
  std::string second_name;
  std::string what;
  std::string metric;
  double first = 0;       ///< NaN = undefined
  double second = 0;      ///< NaN = undefined
  double difference = 0;  ///< first - second
  Interval interval;      ///< interval of the difference, or why there is none
  double p = 0;           ///< two-sided, of this comparison only; NaN when not computable
  double corrected_p =
      0;  ///< after Holm's correction over all comparisons of the call; NaN likewise
  std::int64_t comparisons = 0;        ///< number of computable ones of the call
  bool is_beyond_chance = false;       ///< corrected_p <= 1 - level
  double margin = 0;                   ///< differences within it count as none; 0 if not tested
  double equivalence_p = 0;            ///< of "level within the margin"; NaN when not computable
  double corrected_equivalence_p = 0;  ///< after Holm's correction over all of the call
  bool is_level = false;               ///< corrected_equivalence_p <= 1 - level
  std::int64_t folds = 0;              ///< folds in which both are defined
  std::int64_t folds_better = 0;       ///< folds in which the first is better
  double fold_p = 0;                   ///< paired t-test over folds; NaN for fewer than three
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

/// Notice for comparisons over this many seeds: with one seed the variation of training is unknown;
/// "" for any other number.
std::string seeds_notice(std::size_t seeds);

/// Folds and seeds of both tables, and a notice if they differ. Tables are `restricted_to` these
/// before they are compared.
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
