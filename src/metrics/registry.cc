#include "metrics/registry.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/wording.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

MetricInfo share(const char* name, const char* title, const char* convention, MetricLabels labels) {
  return {name, title, convention, labels, true, true, {0, 1}, true};
}

MetricInfo probability(const char* name, const char* title, const char* convention, bool is_higher,
                       double high) {
  return {name, title, convention, MetricLabels::kClasses, is_higher, false, {0, high}, false};
}

MetricInfo error_of_values(const char* name, const char* title, const char* convention,
                           bool is_higher, MetricRange range) {
  return {name, title, convention, MetricLabels::kValues, is_higher, false, range, false};
}

std::vector<MetricInfo> make_metrics() {
  constexpr auto kClasses = MetricLabels::kClasses;
  constexpr auto kValues = MetricLabels::kValues;
  constexpr auto kSets = MetricLabels::kLabelSets;
  return {
      share("wa", "WA", "share of all utterances recognised (weighted accuracy)", kClasses),
      share("ua", "UA", "mean recall over the classes of the test part", kClasses),
      share("weighted_f1", "F1 weighted", "F1 of each class, weighted by its utterances", kClasses),
      share("macro_f1", "F1 macro", "mean F1 over classes in truth or predictions", kClasses),
      share("recall.<class>", "recall", "share of the class's utterances recognised", kClasses),
      probability("auroc", "AUROC", "area under the ROC curve, one class against the rest, mean",
                  true, 1),
      probability("brier", "Brier", "squared error of the probabilities, summed over classes",
                  false, 2),
      probability("ece", "ECE", "|confidence - accuracy| over 15 equal bins of confidence", false,
                  1),
      probability("calibrated_ece", "ECE calibrated",
                  "ECE of the calibrated probabilities, which predictions have", false, 1),
      probability("aurc", "AURC", "area under the risk-coverage curve of confidence", false, 1),
      probability("excess_aurc", "AURC excess",
                  "AURC minus that of a confidence that puts every error last", false, 1),
      share("acc2_non0", "Acc-2 non0", "negative against positive; values of 0 are left out",
            kValues),
      share("f1_non0", "F1 non0", "weighted F1 of negative against positive, without values of 0",
            kValues),
      share("acc2_has0", "Acc-2 has0", "negative against non-negative, values of 0 included",
            kValues),
      share("f1_has0", "F1 has0", "weighted F1 of negative against non-negative", kValues),
      share("acc3", "Acc-3", "values clipped to [-1, 1] and rounded", kValues),
      share("acc5", "Acc-5", "values clipped to [-2, 2] and rounded", kValues),
      share("acc7", "Acc-7", "values clipped to [-3, 3] and rounded", kValues),
      error_of_values("mae", "MAE", "mean absolute error, all values", false, {0, kInfinity}),
      error_of_values("correlation", "Corr", "Pearson's correlation, all values", true, {-1, 1}),
      error_of_values("ccc", "CCC", "concordance correlation, all values", true, {-1, 1}),
      share("mean_wa", "mean wAcc", "(recall + specificity) / 2, mean over labels", kSets),
      share("mean_weighted_f1", "mean F1 weighted", "weighted F1 of yes and no, mean over labels",
            kSets),
      share("mean_f1", "mean F1", "F1 of yes, mean over labels", kSets),
      share("wa.<label>", "wAcc", "(recall + specificity) / 2 of one label", kSets),
      share("weighted_f1.<label>", "F1 weighted", "weighted F1 of yes and no of one label", kSets),
      share("f1.<label>", "F1", "F1 of yes of one label", kSets),
      error_of_values("mean_ccc", "mean CCC", "concordance correlation, mean over the values", true,
                      {-1, 1}),
      error_of_values("mean_mae", "mean MAE", "mean absolute error, mean over the values", false,
                      {0, kInfinity}),
      error_of_values("mean_correlation", "mean Corr",
                      "Pearson's correlation, mean over the values", true, {-1, 1}),
      error_of_values("ccc.<value>", "CCC", "concordance correlation of one value", true, {-1, 1}),
      error_of_values("mae.<value>", "MAE", "mean absolute error of one value", false,
                      {0, kInfinity}),
      error_of_values("correlation.<value>", "Corr", "Pearson's correlation of one value", true,
                      {-1, 1}),
  };
}

/// Common synonyms, and names of earlier versions.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kOtherNames = {{
    {"accuracy", "acc2_non0"},
    {"accuracy", "wa"},
    {"acc", "wa"},
    {"war", "wa"},
    {"uar", "ua"},
    {"weighted_f1", "f1_non0"},
    {"f1", "weighted_f1"},
    {"f1", "f1_non0"},
    {"corr", "correlation"},
    {"pearson", "correlation"},
}};

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

const std::vector<MetricInfo>& all_metrics() {
  static const std::vector<MetricInfo> metrics = make_metrics();
  return metrics;
}

const MetricInfo* find_metric(std::string_view name) {
  for (const MetricInfo& metric : all_metrics()) {
    const auto place = metric.name.find('<');
    if (place == std::string::npos
            ? metric.name == name
            : name.size() > place && name.substr(0, place) == metric.name.substr(0, place)) {
      return &metric;
    }
  }
  return nullptr;
}

std::string metric_named(const std::string& typed, const std::vector<std::string>& known) {
  if (has(known, typed)) return typed;
  std::string plain;
  for (const char letter : typed) {
    plain += letter == '-' ? '_' : static_cast<char>(std::tolower(static_cast<int>(letter)));
  }
  if (has(known, plain)) return plain;
  for (const auto& [other, name] : kOtherNames) {
    if (other == plain && has(known, name)) return std::string(name);
  }
  const std::string nearest = nearest_name(plain, known);
  const MetricInfo* metric = find_metric(plain);
  throw ConfigError(fmt::format(
      "metric '{}': {}{}; there are {} (docs/metrics.md)", typed,
      metric == nullptr ? "there is no such metric" : "these labels do not have it",
      nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest), fmt::join(known, ", ")));
}

std::string metric_title(const std::string& name) {
  const MetricInfo* metric = find_metric(name);
  if (metric == nullptr) return name;
  const auto dot = name.find('.');
  return dot == std::string::npos ? metric->title : metric->title + " " + name.substr(dot + 1);
}

bool is_higher_better(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return info == nullptr || info->is_higher_better;
}

bool is_share(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return info == nullptr || info->is_share;
}

MetricRange metric_range(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return info == nullptr ? MetricRange{} : info->range;
}

}  // namespace hardy
