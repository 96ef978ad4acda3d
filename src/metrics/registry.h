// Every metric by name: what it is called in tables, what it counts, which way is better.
// docs/metrics.md defines them all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// The labels that a metric judges.
enum class MetricLabels {
  kClasses,   ///< one class per utterance
  kValues,    ///< a real value per utterance; signs learned as two classes have acc2_non0, f1_non0
  kLabelSets  ///< several labels per utterance, each there or not
};

/// The values a metric can take.
struct MetricRange {
  double low = 0;
  double high = 1;
};

/// One metric.
struct MetricInfo {
  std::string name;        ///< in files and options, e.g. "acc2_has0"
  std::string title;       ///< in tables, e.g. "Acc-2 has0"
  std::string convention;  ///< what it counts, in one line
  MetricLabels labels = MetricLabels::kClasses;
  bool is_higher_better = true;
  bool is_share = true;  ///< in [0, 1]; differences are told in points
  MetricRange range;
  /// Judges classes, signs or bins, so that truth with one of them only tells nothing.
  bool needs_two_classes = true;
};

/// All metrics, in the order of docs/metrics.md. Families such as "recall.<class>" are listed once,
/// under that name.
const std::vector<MetricInfo>& all_metrics();

/// The metric of a name or of a family's member ("recall.angry"); nullptr when there is none.
const MetricInfo* find_metric(std::string_view name);

/// The name in files for what someone typed: other common names ("uar", "corr") and names of
/// earlier versions ("accuracy" for values) are understood. `known` are the metrics at hand.
/// Throws ConfigError naming the nearest of `known` when it is none of them.
std::string metric_named(const std::string& typed, const std::vector<std::string>& known);

/// "Acc-2 has0"; the name itself for what is no metric.
std::string metric_title(const std::string& name);

/// Whether more of this metric is better.
bool is_higher_better(const std::string& metric);

/// Whether it lies in [0, 1] and is told in percent and points.
bool is_share(const std::string& metric);

MetricRange metric_range(const std::string& metric);

}  // namespace hardy
