#include "analysis/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "hardy/metrics.h"

namespace hardy {
namespace {

TallyLayout layout_of(const Corpus& corpus) {
  if (corpus.label_kind == LabelKind::kValue) return {TaskKind::kValue, {}};
  return {corpus.values.empty() ? TaskKind::kClass : TaskKind::kBinary, corpus.class_names};
}

/// What TallyLayout::add takes: the value behind the classes of a sign, NaN when it is none.
double truth_of(const Corpus& corpus, std::size_t utterance) {
  // NaN where the utterance is not labelled.
  if (corpus.values.empty()) return static_cast<double>(corpus.utterances[utterance].label);
  const double value = static_cast<double>(corpus.values[utterance]);
  return value == 0 ? std::numeric_limits<double>::quiet_NaN() : value;
}

void add_evaluation(PredictionTableBuilder& builder, const Evaluation& evaluation,
                    const Corpus& corpus) {
  const std::size_t width = evaluation.outputs.size() / evaluation.utterances.size();
  for (std::size_t row = 0; row < evaluation.utterances.size(); ++row) {
    const auto i = static_cast<std::size_t>(evaluation.utterances[row]);
    const auto& utterance = corpus.utterances[i];
    const auto outputs = std::span(evaluation.outputs).subspan(row * width, width);
    double predicted = std::numeric_limits<double>::quiet_NaN();  // nothing was there to be read
    if (!(corpus.present_pattern(evaluation.utterances[row]) & evaluation.pattern).empty()) {
      predicted = corpus.label_kind == LabelKind::kValue ? static_cast<double>(outputs[0])
                                                         : static_cast<double>(argmax(outputs));
    }
    builder.add(corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].id, utterance.id,
                truth_of(corpus, i), predicted);
  }
}

}  // namespace

PredictionTable prediction_table(const std::vector<FitOutcome>& outcomes, const Corpus& corpus) {
  const auto names = corpus.modality_names();
  PredictionTableBuilder builder(layout_of(corpus), names);
  for (const FitOutcome& outcome : outcomes) {
    for (const Evaluation& evaluation : outcome.test) {
      if (outcome.track == "specialist" && evaluation.pattern != outcome.trained) continue;
      builder.start(outcome.track, pattern_label(evaluation.pattern, names), outcome.fold,
                    outcome.seed);
      add_evaluation(builder, evaluation, corpus);
    }
  }
  return builder.finish();
}

void add_intervals(Results& results, const PredictionTable& table,
                   const BootstrapOptions& options) {
  results.intervals = {options.level, options.resamples};
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
