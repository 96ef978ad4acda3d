// Every metric by name: title, convention, direction. docs/metrics.md has the definitions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// Labels that a metric applies to.
enum class MetricLabels {
  kClasses,   ///< one class per utterance
  kValues,    ///< a real value per utterance; signs learned as two classes have acc2_non0, f1_non0
  kLabelSets  ///< several labels per utterance, each present or not
};

/// Range of a metric.
struct MetricRange {
  double low = 0;
  double high = 1;
};

/// One metric.
struct MetricInfo {
  std::string name;        ///< name in files and options, e.g. "acc2_has0"
  std::string title;       ///< title in tables, e.g. "Acc-2 has0"
  std::string convention;  ///< convention in one line
  MetricLabels labels = MetricLabels::kClasses;
  bool is_higher_better = true;
  bool is_share = true;  ///< in [0, 1]; differences are given in points
  MetricRange range;
  /// Depends on classes, signs or bins, so that it is meaningless if the truth has only one of
  /// them.
  bool needs_two_classes = true;
};

/// All metrics, in the order of docs/metrics.md. Families such as "recall.<class>" are listed once,
/// under that name.
const std::vector<MetricInfo>& all_metrics();

/// The metric of a name or of a family's member ("recall.angry"); null for an unknown name.
const MetricInfo* find_metric(std::string_view name);

/// The name in files of a metric that a user typed: common synonyms ("uar", "corr") and names of
/// earlier versions ("accuracy" for values) are accepted. `known`: metrics of the results. Throws
/// ConfigError naming the nearest of `known` when it is none of them.
std::string metric_named(const std::string& typed, const std::vector<std::string>& known);

/// "Acc-2 has0"; the argument itself for an unknown name.
std::string metric_title(const std::string& name);

/// Whether a larger value is better.
bool is_higher_better(const std::string& metric);

/// Whether the metric is in [0, 1] and shown in percent and points.
bool is_share(const std::string& metric);

MetricRange metric_range(const std::string& metric);

}  // namespace hardy
