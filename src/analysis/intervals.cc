#include "analysis/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "hardy/metrics.h"

namespace hardy {
namespace {

void add_evaluation(PredictionTableBuilder& builder, const Evaluation& evaluation,
                    const Corpus& corpus) {
  const std::size_t width = evaluation.outputs.size() / evaluation.utterances.size();
  const bool is_value = corpus.label_kind == LabelKind::kValue;
  const auto targets = static_cast<std::size_t>(corpus.target_count());
  for (std::size_t row = 0; row < evaluation.utterances.size(); ++row) {
    const auto i = static_cast<std::size_t>(evaluation.utterances[row]);
    const auto& utterance = corpus.utterances[i];
    const auto outputs = std::span(evaluation.outputs).subspan(row * width, width);
    double predicted =
        std::numeric_limits<double>::quiet_NaN();  // no available modality: no prediction
    const auto present = corpus.present_pattern(evaluation.utterances[row]);
    if (!(present & evaluation.condition.pattern).empty()) {
      predicted = targets > 0 ? 0
                  : is_value  ? static_cast<double>(outputs[0])
                              : static_cast<double>(argmax(outputs));
    }
    const auto row_of_targets = utterance.is_labelled()
                                    ? std::span(corpus.targets).subspan(i * targets, targets)
                                    : std::span<const float>();
    builder.add({.dialogue = corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].id,
                 .utterance = utterance.id,
                 .speaker = utterance.speaker,
                 .truth = scored_truth(corpus, i),
                 .predicted = predicted,
                 .outputs = is_value ? std::span<const float>() : outputs,
                 .targets = row_of_targets});
  }
}

}  // namespace

TallyLayout layout_of(const Corpus& corpus) {
  if (corpus.label_kind == LabelKind::kValue) return {TaskKind::kValue, {}};
  if (corpus.label_kind == LabelKind::kLabels) return {TaskKind::kLabels, corpus.target_names};
  if (corpus.label_kind == LabelKind::kValues) return {TaskKind::kValues, corpus.target_names};
  return {corpus.values.empty() ? TaskKind::kClass : TaskKind::kBinary, corpus.class_names};
}

double scored_truth(const Corpus& corpus, std::size_t utterance) {
  // NaN if the utterance is not labelled.
  if (corpus.values.empty()) return static_cast<double>(corpus.utterances[utterance].label);
  const double value = static_cast<double>(corpus.values[utterance]);
  return value == 0 ? std::numeric_limits<double>::quiet_NaN() : value;
}

PredictionTable prediction_table(const std::vector<FitOutcome>& outcomes, const Corpus& corpus) {
  const auto names = corpus.modality_names();
  PredictionTableBuilder builder(layout_of(corpus), names);
  for (const FitOutcome& outcome : outcomes) {
    for (const Evaluation& evaluation : outcome.test) {
      if (outcome.track == "specialist" && evaluation.condition != outcome.trained) continue;
      builder.start(outcome.track, evaluation.condition, outcome.fold, outcome.seed);
      add_evaluation(builder, evaluation, corpus);
    }
  }
  return builder.finish();
}

void add_intervals(Results& results, const PredictionTable& table,
                   const BootstrapOptions& options) {
  results.intervals = {options.level, options.resamples, table.clusters, cluster_count(table)};
  const auto resampled = table.metric_names();
  for (Summary& summary : results.summaries) {
    if (std::find(resampled.begin(), resampled.end(), summary.metric) != resampled.end()) continue;
    summary.no_interval = "it is not resampled";
  }
  for (const Resampled& number : resample(table, options)) {
    const auto summary = std::find_if(
        results.summaries.begin(), results.summaries.end(), [&](const Summary& candidate) {
          return candidate.track == number.track && candidate.condition == number.condition &&
                 candidate.metric == number.metric;
        });
    if (summary == results.summaries.end()) continue;
    const Interval interval = interval_of(number, options.level);
    summary->low = interval.low;
    summary->high = interval.high;
    summary->no_interval = interval.missing;
  }
}

std::string disagreement(const Results& results, const std::vector<Resampled>& numbers) {
  constexpr double kRounding = 1e-9;
  for (const Resampled& number : numbers) {
    // Results of earlier versions have fewer metrics.
    const auto& metrics = results.metrics;
    if (std::find(metrics.begin(), metrics.end(), number.metric) == metrics.end()) continue;
    const Summary* summary = results.find(number.track, number.condition, number.metric);
    const double stored =
        summary == nullptr ? std::numeric_limits<double>::quiet_NaN() : summary->mean;
    const bool agrees = std::isnan(stored) ? std::isnan(number.estimate)
                                           : std::abs(stored - number.estimate) <= kRounding;
    if (agrees) continue;
    return fmt::format("{}, {{{}}}, {} is {} in the results and {} by the predictions",
                       number.track, number.condition, number.metric, stored, number.estimate);
  }
  return "";
}

}  // namespace hardy
