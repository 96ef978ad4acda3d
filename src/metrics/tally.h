// The additive part of the metrics: counts and sums of single utterances, from which the metrics of
// any set of utterances follow. Resampling adds them up instead of scoring predictions again.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace hardy {

/// What is recognised; decides which metrics there are.
enum class TaskKind {
  kClass,  ///< one of C classes
  kValue,  ///< a real value, judged by its sign and by its error
  kBinary  ///< the sign of a real value, learned as two classes (0 = negative, 1 = positive)
};

/// How utterances are counted and what the counts mean. A tally is a row of `width()` numbers;
/// tallies of disjoint sets of utterances add up.
class TallyLayout {
 public:
  TallyLayout() = default;

  /// `class_names` are [C] for kClass and [2] for kBinary, and ignored for kValue.
  TallyLayout(TaskKind task, std::vector<std::string> class_names);

  [[nodiscard]] TaskKind task() const { return task_; }

  [[nodiscard]] const std::vector<std::string>& class_names() const { return class_names_; }

  [[nodiscard]] std::size_t width() const;

  /// Names in the order of `metrics`: those of score_evaluation (include/hardy/results.h).
  [[nodiscard]] const std::vector<std::string>& metric_names() const { return metric_names_; }

  /// Counts one utterance. kClass: both are class indices. kValue: both are values. kBinary: truth
  /// is the value, predicted the class; a value of exactly 0 is not counted.
  void add(std::span<double> tally, double truth, double predicted) const;

  /// The metrics of a tally, NaN where they are not defined. Shapes: tally [width()], values
  /// [number of metrics].
  void metrics(std::span<const double> tally, std::span<double> values) const;

  /// "" when at least two classes (signs) are among the truth, else the one that is, or "none".
  [[nodiscard]] std::string only_class(std::span<const double> tally) const;

 private:
  TaskKind task_ = TaskKind::kClass;
  std::vector<std::string> class_names_;
  std::vector<std::string> metric_names_;
};

/// Whether more of this metric is better ("mae" is the exception).
bool is_higher_better(const std::string& metric);

/// The values a metric can take.
struct MetricRange {
  double low = 0;
  double high = 1;
};

MetricRange metric_range(const std::string& metric);

}  // namespace hardy
