// How good predictions are: pure functions over truth and outputs, for validation and for reports.
//
// Letters: N utterances, C classes. "NaN" in a result means "not defined on these utterances"; it
// is never the result of an undetected NaN in the input.
#pragma once

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

/// Metrics of a sentiment. "Positive" means > 0 on both sides (methods.md 0.3), so a prediction of
/// exactly 0 counts as not positive.
struct SentimentMetrics {
  std::int64_t count = 0;          ///< N
  std::int64_t nonzero_count = 0;  ///< utterances whose true value is not 0
  double accuracy = 0;             ///< of the sign, on non-zero utterances; NaN when there are none
  double weighted_f1 = 0;          ///< of the sign, on non-zero utterances; NaN when there are none
  double mae = 0;          ///< mean absolute error on all utterances; NaN when N = 0 or binary
  double correlation = 0;  ///< Pearson's r on all utterances; NaN when N < 2, constant, or binary
};

/// How sure of a label a program must be to say that it is there.
inline constexpr float kLabelThreshold = 0.5F;

/// Metrics of one of several labels (emotions of CMU-MOSEI): there or not.
struct LabelMetrics {
  std::int64_t count = 0;
  /// (recall of the positive + recall of the negative) / 2, "WA" of Zadeh et al. 2018; NaN when one
  /// of them does not occur
  double weighted_accuracy = 0;
  double weighted_f1 = 0;  ///< of both sides, by their utterances; NaN when count = 0
  double f1 = 0;           ///< of the positive side; NaN when it is neither true nor predicted
};

/// Metrics of one of several values.
struct ValueMetrics {
  std::int64_t count = 0;
  double ccc = 0;  ///< concordance correlation, in [-1,1]; NaN when count < 2 or both are constant
  double mae = 0;  ///< NaN when count = 0
  double correlation = 0;  ///< Pearson's r; NaN when count < 2 or one side is constant
};

/// Mean and spread of repeated measurements (folds, seeds).
struct MeanDeviation {
  double mean = 0;       ///< NaN for no values
  double deviation = 0;  ///< sample standard deviation (n - 1); NaN for fewer than two values
};

/// Index of the largest value; the lowest index wins a tie. Range: at least one value, none NaN.
std::int64_t argmax(std::span<const float> values);

/// Shapes: truth [N], each in [0,C); scores [N,C] row-major, any monotone score (logits,
/// probabilities). The prediction is the argmax, the lowest class winning a tie.
/// Throws ShapeError when the sizes disagree or classes < 1; DataError for a label out of range or
/// a score that is NaN or infinite, naming the row.
ClassMetrics class_metrics(std::span<const std::int64_t> truth, std::span<const float> scores,
                           std::int64_t classes);

/// The same from counts. Shapes: confusion [C,C] row-major, row = truth, every count >= 0.
/// Throws ShapeError when the size is not C*C or classes < 1.
ClassMetrics class_metrics_of(std::vector<std::int64_t> confusion, std::int64_t classes);

/// Shapes: truth [N], predicted [N].
/// Throws ShapeError when the sizes disagree; DataError for a NaN or infinite value, naming the
/// row.
SentimentMetrics sentiment_metrics(std::span<const float> truth, std::span<const float> predicted);

/// Metrics of a sentiment learned as two classes (0 = negative, 1 = positive). `mae` and
/// `correlation` are NaN: a class is no value.
/// Shapes: truth [N] real values; scores [N,2]. A tie is negative. Throws as sentiment_metrics.
SentimentMetrics binary_sentiment_metrics(std::span<const float> truth,
                                          std::span<const float> scores);

/// Shapes: truth [N] of 0 and 1; probabilities [N], positive above kLabelThreshold. Throws
/// ShapeError when the sizes disagree, DataError for what is no number.
LabelMetrics label_metrics(std::span<const float> truth, std::span<const float> probabilities);

/// Shapes: truth [N], predicted [N]. CCC is Lin's (1989): 2 cov / (var + var + (mean - mean)^2)
/// with variances over N. Throws as sentiment_metrics.
ValueMetrics value_metrics(std::span<const float> truth, std::span<const float> predicted);

/// Mean and sample deviation. A NaN among the values makes both NaN.
MeanDeviation mean_and_deviation(std::span<const double> values);

}  // namespace hardy
