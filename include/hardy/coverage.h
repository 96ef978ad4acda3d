/// @file
/// Prediction sets: the classes, or the interval of values, that hold the truth of a promised share
/// of utterances, whichever modalities are there. docs/confidence.md says when the promise holds.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/recogniser.h"

namespace hardy {

/// Number of dialogues in `scores`.
std::int64_t dialogues_of(const CoverageScores& scores);

/// Fewest dialogues from which `coverage` can be promised: K / (K + 1) >= coverage. Requires:
/// 0 < coverage < 1.
std::int64_t fewest_dialogues(double coverage);

/// The largest score of a set that holds the truth with probability `coverage` for a random
/// utterance of a new dialogue, when the dialogues are exchangeable: the smallest score s with
///
///   sum over dialogues of (share of the dialogue's scores <= s)  >=  coverage * (K + 1),
///
/// infinity when none is large enough, i.e. K < fewest_dialogues(coverage) (Lee, Barber, Willett
/// 2023, "Distribution-free inference with hierarchical data"). With one utterance per dialogue it
/// is the ceil(coverage * (n + 1))-th smallest score of split conformal prediction (Vovk,
/// Gammerman, Shafer 2005). Requires: 0 < coverage < 1.
double largest_score(const CoverageScores& scores, double coverage);

/// Prediction sets of one model for one coverage. Classes: those whose probability before
/// calibration is at least 1 - largest_score (Sadinle, Lei, Wasserman 2019), and the label always.
/// Immutable.
class PredictionSets {
 public:
  /// Throws ConfigError when `coverage` is not between 0 and 1, the model predicts several labels
  /// or values, or the coverage cannot be promised under any pattern; ArtifactError when the model
  /// has no scores of validation utterances.
  PredictionSets(const BundleInfo& info, double coverage);

  /// The promised share.
  [[nodiscard]] double coverage() const { return coverage_; }

  /// Largest score of a set under these modalities; infinity where nothing can be promised, so that
  /// every class belongs to the set.
  [[nodiscard]] double threshold(Pattern used) const { return thresholds_[used.bits()]; }

  /// Whether the scores are of dialogues of two or more utterances on average.
  [[nodiscard]] bool is_of_dialogues() const { return is_of_dialogues_; }

  /// Why nothing can be promised under these modalities; "" where it can.
  [[nodiscard]] std::string refusal(Pattern used) const;

  /// The classes in the set of utterance i, the most probable first; never empty.
  [[nodiscard]] std::vector<std::int64_t> classes(const Predictions& predictions,
                                                  std::int64_t i) const;

  /// The lowest and the highest value of utterance i; infinite where nothing can be promised.
  [[nodiscard]] std::pair<double, double> interval(const Predictions& predictions,
                                                   std::int64_t i) const;

 private:
  double coverage_;
  bool is_of_dialogues_ = false;
  std::vector<double> thresholds_;       ///< by pattern bits
  std::vector<std::int64_t> dialogues_;  ///< by pattern bits; 0 = no scores
};

}  // namespace hardy
