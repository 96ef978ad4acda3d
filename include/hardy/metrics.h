/// @file
/// Metrics: pure functions of truth and outputs, for validation and for reports. docs/metrics.md
/// has the definitions.
///
/// Letters: N utterances, C classes. "NaN" in a result means "not defined on these utterances"; it
/// is never the result of an undetected NaN in the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hardy {

/// Metrics of a classification.
struct ClassMetrics {
  std::int64_t count = 0;  ///< N
  double wa = 0;           ///< weighted accuracy = plain accuracy, in [0,1]; NaN when N = 0
  double ua = 0;           ///< mean recall over the classes that occur in the truth; NaN when N = 0
  double weighted_f1 = 0;  ///< F1 of each class weighted by its utterances; NaN when N = 0
  double macro_f1 = 0;     ///< mean F1 over classes in the truth or the predictions; NaN when N = 0
  std::vector<double> recall;           ///< [C]; NaN for a class absent from the truth
  std::vector<std::int64_t> confusion;  ///< [C,C] row-major; row = truth, column = prediction
};

/// Metrics of a sentiment or another real value.
struct SentimentMetrics {
  std::int64_t count = 0;          ///< N
  std::int64_t nonzero_count = 0;  ///< utterances whose true value is not 0
  /// Acc-2 negative / positive: on non-zero utterances, > 0 against <= 0, so that a prediction of
  /// exactly 0 counts as not positive. NaN when there are none.
  double accuracy = 0;
  double weighted_f1 = 0;    ///< of the same signs
  double has0_accuracy = 0;  ///< Acc-2 negative / non-negative: >= 0 against < 0, all utterances
  double has0_f1 = 0;        ///< of the same signs, weighted
  /// Truth and prediction clipped to [-1, 1] and rounded half to even; all utterances. NaN when
  /// N = 0 or binary, as everything below.
  double acc3 = 0;
  double acc5 = 0;         ///< likewise, clipped to [-2, 2]
  double acc7 = 0;         ///< likewise, clipped to [-3, 3]
  double mae = 0;          ///< mean absolute error on all utterances
  double correlation = 0;  ///< Pearson's r on all utterances; NaN when N < 2 or constant
  /// Lin's concordance correlation on all utterances, with variances over N; NaN when N < 2 or both
  /// sides are the same constant.
  double ccc = 0;
};

/// Discrimination, calibration and selective risk of class probabilities.
struct ProbabilityMetrics {
  /// Area under the ROC curve: of class 1 with two classes, else the mean over the classes in the
  /// truth of each against the rest; NaN when the truth has fewer than two.
  double auroc = 0;
  double brier = 0;  ///< mean over utterances of sum_c (p_c - [c is true])^2, in [0,2]
  double ece = 0;    ///< expected calibration error over 15 equal bins of the largest probability
  /// Area under the risk-coverage curve of the largest probability, in [0,1]: mean over k = 1..N of
  /// the share of errors among the k most confident; equal ones in random order, on average.
  double aurc = 0;
  double excess_aurc = 0;  ///< aurc minus that of a confidence that puts every error last
};

/// Probability above which a label counts as predicted.
inline constexpr float kLabelThreshold = 0.5F;

/// Metrics of one of several labels (emotions of CMU-MOSEI), present or not.
struct LabelMetrics {
  std::int64_t count = 0;  ///< N
  /// (recall of the positive + recall of the negative) / 2, "WA" of Zadeh et al. 2018; NaN when one
  /// of them does not occur
  double weighted_accuracy = 0;
  double weighted_f1 = 0;  ///< of both sides, by their utterances; NaN when count = 0
  double f1 = 0;           ///< of the positive side; NaN when it is neither true nor predicted
};

/// Metrics of one of several values.
struct ValueMetrics {
  std::int64_t count = 0;  ///< N
  double ccc = 0;  ///< concordance correlation, in [-1,1]; NaN when count < 2 or both are constant
  double mae = 0;  ///< NaN when count = 0
  double correlation = 0;  ///< Pearson's r; NaN when count < 2 or one side is constant
};

/// Mean and standard deviation of repeated measurements (folds, seeds).
struct MeanDeviation {
  double mean = 0;       ///< NaN for no values
  double deviation = 0;  ///< sample standard deviation (n - 1); NaN for fewer than two values
};

/// Index of the largest value; the lowest index wins a tie. Requires: at least one value, none NaN.
std::int64_t argmax(std::span<const float> values);

/// Metrics of class scores. Shapes: truth [N], each in [0,C); scores [N,C] row-major, any monotone
/// score (logits, probabilities). The prediction is the argmax, the lowest class winning a tie.
/// Throws ShapeError when the sizes disagree or classes < 1; DataError for a label out of range or
/// a score that is NaN or infinite, naming the row.
ClassMetrics class_metrics(std::span<const std::int64_t> truth, std::span<const float> scores,
                           std::int64_t classes);

/// The same from counts. Shapes: confusion [C,C] row-major, row = truth, every count >= 0.
/// Throws ShapeError when the size is not C*C or classes < 1.
ClassMetrics class_metrics_of(std::vector<std::int64_t> confusion, std::int64_t classes);

/// Metrics of predicted values. Shapes: truth [N], predicted [N].
/// Throws ShapeError when the sizes disagree; DataError for a NaN or infinite value, naming the
/// row.
SentimentMetrics sentiment_metrics(std::span<const float> truth, std::span<const float> predicted);

/// Metrics of a sentiment learned as two classes (0 = negative, 1 = positive). Only the metrics
/// over non-zero values are defined, because a class has no value. Shapes: truth [N] real values;
/// scores [N,2]. A tie is negative. Throws as sentiment_metrics.
SentimentMetrics binary_sentiment_metrics(std::span<const float> truth,
                                          std::span<const float> scores);

/// Metrics of class probabilities. Shapes: truth [N], each in [0,C); probabilities [N,C] row-major.
/// Throws as class_metrics.
ProbabilityMetrics probability_metrics(std::span<const std::int64_t> truth,
                                       std::span<const float> probabilities, std::int64_t classes);

/// Number of equal bins of [0,1] for calibration errors.
inline constexpr std::size_t kConfidenceBins = 15;

/// The bin of a confidence in [0,1]. Range: 0..kConfidenceBins-1.
std::size_t confidence_bin(double confidence);

/// Metrics of one label. Shapes: truth [N] of 0 and 1; probabilities [N], predicted above
/// kLabelThreshold. Throws ShapeError when the sizes disagree, DataError for a value that is not
/// finite.
LabelMetrics label_metrics(std::span<const float> truth, std::span<const float> probabilities);

/// The same from counts. Shapes: confusion [2,2] row-major, row = truth, 0 = absent.
LabelMetrics label_metrics_of(std::vector<std::int64_t> confusion);

/// Metrics of one value. Shapes: truth [N], predicted [N]. CCC is Lin's (1989):
/// 2 cov / (var + var + (mean - mean)^2) with variances over N. Throws as sentiment_metrics.
ValueMetrics value_metrics(std::span<const float> truth, std::span<const float> predicted);

/// Mean and sample standard deviation. A NaN among the values makes both NaN.
MeanDeviation mean_and_deviation(std::span<const double> values);

}  // namespace hardy
