/// @file
/// From the outputs of all fits to the numbers of a report: metrics per fit, then means and
/// standard deviations over folds and seeds. Writers of the table, CSV and JSON:
/// analysis/results_text.h and analysis/results_json.h.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/corpus.h"
#include "hardy/modality.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// One point of a training curve.
struct CurvePoint {
  std::string stage;       ///< "tuning.acoustic", "hardness.complete", "recogniser.patterns"
  std::int64_t epoch = 0;  ///< 1-based
  std::string name;        ///< "train_loss", "validation_loss"
  double value = 0;        ///< in the unit of `name`
};

/// Outputs under one condition.
struct Evaluation {
  Condition condition;                   ///< which modalities were available
  std::vector<std::int64_t> utterances;  ///< [n] indices into the corpus, ascending
  std::vector<float> outputs;            ///< [n,C] class probabilities, or [n,1] values
};

/// One trained model's outputs.
struct FitOutcome {
  std::string track;             ///< "specialist" | "unified"
  Condition trained;             ///< the specialist's condition; the complete pattern for `unified`
  int fold = 0;                  ///< Fold::index
  std::int64_t seed = 0;         ///< training seed
  std::vector<Evaluation> test;  ///< test part, one entry per condition
  std::vector<Evaluation> validation;  ///< validation part, one entry per condition
  std::vector<CurvePoint> curve;       ///< in the order of measurement
  double train_cpu_s = 0;              ///< CPU seconds, without shared stages; 0 when unknown
  /// Of each pattern with enough validation utterances; nothing = not asked for, and then no
  /// calibrated metric is defined. Not kept in cache entries.
  std::optional<std::vector<Calibration>> calibrations = {};
  /// What calibration and prediction sets are fitted on where it is not `validation`: the training
  /// and validation parts, each utterance answered by a model that did not train on it. Not kept in
  /// cache entries.
  std::vector<Evaluation> held_out = {};
};

/// What calibration and prediction sets are fitted on.
inline const std::vector<Evaluation>& calibration_part(const FitOutcome& outcome) {
  return outcome.held_out.empty() ? outcome.validation : outcome.held_out;
}

/// The outcome as a cache entry.
TensorFile to_tensor_file(const FitOutcome& outcome);

/// Reads a cache entry. Throws ArtifactError when a field is missing or the sizes of an evaluation
/// disagree.
FitOutcome fit_outcome_of(const TensorFile& file);

/// A metric with its value.
struct MetricValue {
  std::string name;  ///< "wa", "recall.angry", "mae"
  double value = 0;  ///< NaN = not defined on these utterances
};

/// One model on the test part of its fold under one condition.
struct Score {
  std::string track;            ///< "specialist" | "unified"
  Condition condition;          ///< which modalities were available
  int fold = 0;                 ///< index into Results::folds
  std::int64_t seed = 0;        ///< training seed
  std::int64_t utterances = 0;  ///< scored: labelled, with at least one available modality
  std::int64_t unread = 0;      ///< labelled, but none of their modalities is available: not scored
  std::int64_t unlabelled = 0;  ///< likewise not scored
  std::vector<MetricValue> metrics;     ///< in the order of Results::metrics
  std::vector<std::int64_t> confusion;  ///< [C,C] row = truth; empty for values
};

/// One cell of the report. "average" is the mean over the proper conditions, made within each fold
/// and seed.
struct Summary {
  std::string track;          ///< "specialist" | "unified"
  std::string condition;      ///< label of a condition or of a ConditionMean
  std::string metric;         ///< name, as in MetricValue
  double mean = 0;            ///< over seeds, of the unweighted mean over folds
  double seed_deviation = 0;  ///< sample standard deviation over seeds of the mean over folds
  double fold_deviation = 0;  ///< the same over folds of the mean over seeds; both NaN for one
  double low = std::numeric_limits<double>::quiet_NaN();  ///< lower end of the interval; NaN = none
  double high = std::numeric_limits<double>::quiet_NaN();  ///< upper end
  std::string no_interval = {};  ///< why there is none; "" also when none was asked for
};

/// A metric that is undefined for the labels of the whole test part.
struct NotApplicable {
  std::string metric;  ///< name, as in MetricValue
  std::string reason;  ///< "all test utterances are of one class (positive)"
};

/// Masks of missing data in the results.
struct MaskInfo {
  std::string condition;  ///< label
  double removed = 0;     ///< share of the (utterance, modality) pairs that the masks removed from
                          ///< the test parts; NaN = none could be drawn
};

/// Method of the summaries' intervals (src/analysis/intervals.h).
struct IntervalInfo {
  double level = 0;                ///< coverage, e.g. 0.95; 0 = no intervals
  std::int64_t resamples = 0;      ///< bootstrap resamples of the test part's clusters
  std::string clusters = {};       ///< resampled unit: "dialogue", "speaker" or "utterance"
  std::int64_t cluster_count = 0;  ///< number of those units
};

/// All results of a run. Orders: tracks as given, conditions by comes_before, then folds, then
/// seeds.
struct Results {
  std::string method = "hardymer";  ///< its declared name
  /// Published defects that were on, e.g. "H1 (epoch chosen by the test part)"; empty = strict.
  std::vector<std::string> defects;
  std::string data_name;                    ///< Corpus::name
  bool is_synthetic = false;                ///< Corpus::is_synthetic
  std::vector<std::string> class_names;     ///< [C]; empty for values
  std::vector<std::string> modality_names;  ///< [M]
  std::vector<std::string> folds;           ///< names of all folds of the protocol
  std::vector<std::int64_t> seeds;          ///< training seeds
  std::vector<std::string> tracks;          ///< "specialist", "unified"
  std::vector<Condition> conditions;        ///< of the scores; means are in `summaries` only
  std::vector<std::string> metrics;         ///< names, in the order of tables
  /// The metrics of the first table, the one to compare and rank by first; follows from the labels.
  std::vector<std::string> headline;
  std::vector<NotApplicable> not_applicable;  ///< metrics that are NaN throughout, with the reason
  std::vector<MaskInfo> masks;                ///< in the order of `conditions`
  std::string masks_at;                       ///< "test", "training", "both"; "" without masks
  std::uint64_t mask_seed = 0;                ///< ConditionPlan::mask_seed
  std::vector<Score> scores;                  ///< one per track, condition, fold and seed
  std::vector<Summary> summaries;             ///< one per track, condition or mean, and metric
  IntervalInfo intervals;                     ///< method of Summary::low and Summary::high
  /// Caveats, printed below the table: what was left out and why.
  std::vector<std::string> notes;

  /// The summary of a cell; null when there is none.
  [[nodiscard]] const Summary* find(const std::string& track, const std::string& condition,
                                    const std::string& metric) const;
};

/// Labels of the condition columns of a table: the incomplete patterns, "average" over them where
/// there are at least two, the complete one, then masks and the area under them.
std::vector<std::string> table_columns(const Results& results);

/// The temperature that a model's probabilities under `condition` are calibrated with, 1 where none
/// was fitted; NaN when the outcome does not know it, or under masks, where it differs from
/// utterance to utterance.
double temperature_of(const FitOutcome& outcome, const Condition& condition);

/// The metrics of one evaluation by the names of docs/metrics.md: those of classes with
/// `recall.CLASS`, those of values, or, for their sign learned as two classes (Corpus::values),
/// acc2_non0 and f1_non0. calibrated_ece is NaN when `temperature` is.
Score score_evaluation(const Evaluation& evaluation, const Corpus& corpus,
                       double temperature = std::numeric_limits<double>::quiet_NaN());

/// Scores and summaries of all test outputs. A specialist counts under the pattern it was trained
/// for, a unified model under every pattern. A metric that is undefined in a fold is left out of
/// means; one that is undefined for the labels of the whole test part is NaN throughout
/// (Results::not_applicable). `folds`: names of the protocol's folds, indexed by FitOutcome::fold.
/// The order of `outcomes` does not matter. Throws InternalError when two outcomes have the same
/// track, condition, fold and seed.
Results make_results(const std::vector<FitOutcome>& outcomes, const Corpus& corpus,
                     std::vector<std::string> folds);

/// The patterns of `protocol.conditions` (parse_condition_plan), in the order of all_patterns, each
/// once. Throws ConfigError.
std::vector<Pattern> parse_conditions(const std::string& text,
                                      const std::vector<std::string>& modality_names);

}  // namespace hardy
