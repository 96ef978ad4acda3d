// The additive part of the metrics: counts and sums of single utterances, from which the metrics of
// any set of utterances follow. Resampling adds tallies instead of scoring predictions again.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "metrics/registry.h"

namespace hardy {

/// Kinds of prediction tasks; each has its own metrics.
enum class TaskKind {
  kClass,   ///< one of C classes
  kValue,   ///< a real value, scored by its sign and its error
  kBinary,  ///< the sign of a real value, learned as two classes (0 = negative, 1 = positive)
  kLabels,  ///< several labels, each present or not
  kValues   ///< several real values
};

/// Layout of a tally: a row of `width()` numbers. Tallies of disjoint sets of utterances add up.
class TallyLayout {
 public:
  TallyLayout() = default;

  /// `class_names` are [C] for kClass, [2] for kBinary, the names of the labels or values [T] for
  /// kLabels and kValues, and ignored for kValue.
  TallyLayout(TaskKind task, std::vector<std::string> class_names);

  [[nodiscard]] TaskKind task() const { return task_; }

  [[nodiscard]] const std::vector<std::string>& class_names() const { return class_names_; }

  /// Whether utterances have several labels or values (add_targets).
  [[nodiscard]] bool has_targets() const {
    return task_ == TaskKind::kLabels || task_ == TaskKind::kValues;
  }

  [[nodiscard]] std::size_t width() const;

  /// Names in the order of `metrics`: those of score_evaluation (include/hardy/results.h) that add
  /// up, which are all but calibrated_ece and areas.
  [[nodiscard]] const std::vector<std::string>& metric_names() const { return metric_names_; }

  /// Counts one utterance. kClass: both are class indices, and `probabilities` are [C], or empty
  /// when unknown; metrics of probabilities are then NaN. kValue: both are values. kBinary: truth
  /// is the value, predicted the class; a value of exactly 0 is not counted.
  void add(std::span<double> tally, double truth, double predicted,
           std::span<const float> probabilities = {}) const;

  /// Counts one utterance of kLabels (truth 0 or 1; outputs are probabilities) or kValues. Shapes:
  /// both [T].
  void add_targets(std::span<double> tally, std::span<const float> truth,
                   std::span<const float> outputs) const;

  /// The metrics of a tally, NaN where they are not defined. Shapes: tally [width()], values
  /// [number of metrics].
  void metrics(std::span<const double> tally, std::span<double> values) const;

  /// "" when at least two of the classes (signs, bins) that `metric` distinguishes occur in the
  /// truth, otherwise the only one, or "none". "" also for a metric that distinguishes none, and
  /// for several labels, whose metrics are then NaN.
  [[nodiscard]] std::string only_class(std::span<const double> tally,
                                       const std::string& metric) const;

 private:
  void add_class(std::span<double> tally, std::size_t truth, std::size_t predicted,
                 std::span<const float> probabilities) const;
  void class_values(std::span<const double> tally, std::span<double> values) const;
  void name_targets();
  [[nodiscard]] std::size_t target_width() const;
  void target_values(std::span<const double> tally, std::span<double> values) const;

  TaskKind task_ = TaskKind::kClass;
  std::vector<std::string> class_names_;
  std::vector<std::string> metric_names_;
};

}  // namespace hardy
