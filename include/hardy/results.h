// From the outputs of all fits to the numbers of a report: metrics per fit, then means and
// deviations over folds and seeds. The table, CSV and JSON of them are in results_text.h and
// results_json.h.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

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
  Pattern condition;
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
  std::string condition;  ///< a pattern's label or "average"
  std::string metric;
  double mean = 0;            ///< over seeds, of the unweighted mean over folds
  double seed_deviation = 0;  ///< sample deviation over seeds of the mean over folds; NaN for one
  double fold_deviation = 0;  ///< sample deviation over folds of the mean over seeds; NaN for one
  double low = std::numeric_limits<double>::quiet_NaN();   ///< of the interval; NaN = none
  double high = std::numeric_limits<double>::quiet_NaN();  ///< likewise
  std::string no_interval = {};  ///< why there is none; "" also when none was asked for
};

/// How the intervals of the summaries were made (src/analysis/intervals.h).
struct IntervalInfo {
  double level = 0;            ///< 0 = there are none
  std::int64_t resamples = 0;  ///< of the test dialogues
};

/// Everything that a run found out. Orders: tracks as given, conditions as all_patterns, then
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
  std::vector<Pattern> conditions;
  std::vector<std::string> metrics;
  std::vector<std::string> headline;  ///< the metrics of the table
  std::vector<Score> scores;
  std::vector<Summary> summaries;
  IntervalInfo intervals;
  /// What a reader of the numbers must know: what was left out and why. Printed below the table.
  std::vector<std::string> notes;

  /// The summary of a cell; nullptr when there is none.
  [[nodiscard]] const Summary* find(const std::string& track, const std::string& condition,
                                    const std::string& metric) const;
};

/// The columns of a table of these results: the incomplete conditions, "average" over them where
/// there are at least two, then the complete one.
std::vector<std::string> table_columns(const Results& results);

/// The metrics of one evaluation. Class labels: wa, ua, weighted_f1, macro_f1 and recall.<class>.
/// Real values: accuracy and weighted_f1 on non-zero utterances, mae and correlation on all. Their
/// sign learned as two classes (Corpus::values): the same with mae and correlation NaN.
Score score_evaluation(const Evaluation& evaluation, const Corpus& corpus);

/// Scores and summaries of all test outputs. A specialist counts under the pattern it was trained
/// for, a unified model under every pattern. A metric that a fold does not define is left out of
/// means. `folds` are the names of the protocol's folds, indexed by FitOutcome::fold. The order of
/// `outcomes` does not matter. Throws InternalError when two outcomes claim the same place.
Results make_results(const std::vector<FitOutcome>& outcomes, const Corpus& corpus,
                     std::vector<std::string> folds);

/// The conditions that protocol.conditions asks for: "table" and "all" = every pattern, or a list
/// separated by semicolons. In the order of all_patterns, each once. Throws ConfigError.
std::vector<Pattern> parse_conditions(const std::string& text,
                                      const std::vector<std::string>& modality_names);

}  // namespace hardy
