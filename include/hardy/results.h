// From the outputs of all fits to the numbers of a report: metrics per fit, then means and
// deviations over folds and seeds. The table, CSV and JSON of them are in results_text.h and
// results_json.h.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "hardy/condition.h"
#include "hardy/corpus.h"
#include "hardy/fit_outcome.h"
#include "hardy/modality.h"

namespace hardy {

struct MetricValue {
  std::string name;  ///< "wa", "recall.angry", "mae"
  double value = 0;  ///< NaN = not defined on these utterances
};

/// One model on the test part of its fold under one condition.
struct Score {
  std::string track;
  Condition condition;
  int fold = 0;
  std::int64_t seed = 0;
  std::int64_t utterances = 0;  ///< scored: labelled, with at least one available modality
  std::int64_t unread = 0;      ///< labelled, but none of their modalities is available: not scored
  std::int64_t unlabelled = 0;  ///< likewise not scored
  std::vector<MetricValue> metrics;
  std::vector<std::int64_t> confusion;  ///< [C,C] row = truth; empty for sentiment
};

/// One cell of the report. "average" is the mean over the proper conditions, made within each fold
/// and seed.
struct Summary {
  std::string track;
  std::string condition;  ///< a condition's label or that of a mean over some (ConditionMean)
  std::string metric;
  double mean = 0;            ///< over seeds, of the unweighted mean over folds
  double seed_deviation = 0;  ///< sample deviation over seeds of the mean over folds; NaN for one
  double fold_deviation = 0;  ///< sample deviation over folds of the mean over seeds; NaN for one
  double low = std::numeric_limits<double>::quiet_NaN();   ///< of the interval; NaN = none
  double high = std::numeric_limits<double>::quiet_NaN();  ///< likewise
  std::string no_interval = {};  ///< why there is none; "" also when none was asked for
};

/// A metric that these labels leave nothing to tell of.
struct NotApplicable {
  std::string metric;
  std::string reason;  ///< "all test utterances are of one class (positive)"
};

/// Masks of missing data that results were made under.
struct MaskInfo {
  std::string condition;  ///< label
  double removed = 0;     ///< share of the pairs really there that the masks took from the test
                          ///< parts; NaN = none could be drawn
};

/// How the intervals of the summaries were made (src/analysis/intervals.h).
struct IntervalInfo {
  double level = 0;            ///< 0 = there are none
  std::int64_t resamples = 0;  ///< of the test part's clusters
  std::string clusters = {};   ///< what was resampled: "dialogue", "speaker" or "utterance"
  std::int64_t cluster_count = 0;
};

/// Everything that a run found out. Orders: tracks as given, conditions by comes_before, then
/// folds, then seeds.
struct Results {
  std::string method = "hardymer";  ///< its declared name
  /// Published defects that were on, e.g. "H1 (epoch chosen by the test part)"; empty = strict.
  std::vector<std::string> defects;
  std::string data_name;
  bool is_synthetic = false;
  std::vector<std::string> class_names;  ///< empty for real values
  std::vector<std::string> modality_names;
  std::vector<std::string> folds;  ///< names of all folds of the protocol
  std::vector<std::int64_t> seeds;
  std::vector<std::string> tracks;
  std::vector<Condition> conditions;
  std::vector<std::string> metrics;
  /// The metrics to look at, the one to compare and rank by first; follows from the labels.
  std::vector<std::string> headline;
  std::vector<NotApplicable> not_applicable;
  std::vector<MaskInfo> masks;  ///< in the order of `conditions`
  std::string masks_at;         ///< "test", "training", "both"; "" without masks
  std::uint64_t mask_seed = 0;
  std::vector<Score> scores;
  std::vector<Summary> summaries;
  IntervalInfo intervals;
  /// What a reader of the numbers must know: what was left out and why. Printed below the table.
  std::vector<std::string> notes;

  /// The summary of a cell; nullptr when there is none.
  [[nodiscard]] const Summary* find(const std::string& track, const std::string& condition,
                                    const std::string& metric) const;
};

/// Labels of the rows or columns of a table of these results: the incomplete patterns, "average"
/// over them where there are at least two, the complete one, then masks and the area under them.
std::vector<std::string> table_columns(const Results& results);

/// The temperature that a model's probabilities under `condition` are calibrated with, 1 where none
/// was fitted; NaN when the outcome does not know it, or under masks, where it differs from
/// utterance to utterance.
double temperature_of(const FitOutcome& outcome, const Condition& condition);

/// The metrics of one evaluation by the names of docs/metrics.md: those of classes with
/// recall.<class>, those of values, or, for their sign learned as two classes (Corpus::values),
/// acc2_non0 and f1_non0. calibrated_ece is NaN when `temperature` is.
Score score_evaluation(const Evaluation& evaluation, const Corpus& corpus,
                       double temperature = std::numeric_limits<double>::quiet_NaN());

/// Scores and summaries of all test outputs. A specialist counts under the pattern it was trained
/// for, a unified model under every pattern. A metric that a fold does not define is left out of
/// means; one that the labels of the whole test part leave nothing to tell of is NaN throughout
/// (Results::not_applicable). `folds` are the names of the protocol's folds, indexed by
/// FitOutcome::fold. The order of `outcomes` does not matter. Throws InternalError when two
/// outcomes claim the same place.
Results make_results(const std::vector<FitOutcome>& outcomes, const Corpus& corpus,
                     std::vector<std::string> folds);

/// The patterns that protocol.conditions asks for (parse_condition_plan). In the order of
/// all_patterns, each once. Throws ConfigError.
std::vector<Pattern> parse_conditions(const std::string& text,
                                      const std::vector<std::string>& modality_names);

}  // namespace hardy
