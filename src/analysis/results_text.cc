#include "analysis/results_text.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/prediction_table.h"
#include "formats/csv.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const auto& field : fields) line += (line.empty() ? "" : ",") + csv_field(field);
  return line + "\n";
}

std::string csv_number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

/// Outcomes in a fixed order, independent of the order in which fits finished.
std::vector<const FitOutcome*> in_order(const std::vector<FitOutcome>& outcomes) {
  std::vector<const FitOutcome*> sorted;
  for (const auto& outcome : outcomes) sorted.push_back(&outcome);
  const auto key = [](const FitOutcome* outcome) {
    return std::tuple(outcome->track, outcome->trained.pattern.count(),
                      outcome->trained.pattern.bits(), outcome->trained.missing, outcome->fold,
                      outcome->seed);
  };
  std::sort(sorted.begin(), sorted.end(),
            [&](const auto* x, const auto* y) { return key(x) < key(y); });
  return sorted;
}

std::size_t output_width(const std::vector<FitOutcome>& outcomes) {
  for (const auto& outcome : outcomes) {
    for (const auto& evaluation : outcome.test) {
      return evaluation.outputs.size() / evaluation.utterances.size();
    }
  }
  return 1;
}

/// Several labels or values: "joy sadness" or "0.5 0.25", as truth and as prediction; then the
/// outputs and the truths, number by number.
void add_targets(CsvFile& table, const Corpus& corpus, std::size_t place,
                 std::span<const float> outputs, bool is_read) {
  const std::size_t width = corpus.target_names.size();
  const auto truth = std::span(corpus.targets).subspan(place * width, width);
  const auto text_of = [&](std::span<const float> numbers) {
    std::string text;
    for (std::size_t t = 0; t < width; ++t) {
      if (corpus.label_kind == LabelKind::kValues) {
        text += fmt::format("{}{}", t == 0 ? "" : " ", numbers[t]);
      } else if (numbers[t] > kLabelThreshold) {
        text += (text.empty() ? "" : " ") + corpus.target_names[t];
      }
    }
    return text;
  };
  const bool is_labelled = corpus.utterances[place].is_labelled();
  table.add(is_labelled ? text_of(truth) : "").add(is_read ? text_of(outputs) : "");
  for (const float output : outputs) table.add(is_read ? output : NAN);
  for (const float number : truth) table.add(is_labelled ? number : NAN);
}

/// The columns of one prediction behind its index: truth, predicted, outputs. `is_read`: whether at
/// least one available modality was present; otherwise there is no prediction.
void add_outputs(CsvFile& table, const Corpus& corpus, std::size_t place,
                 std::span<const float> outputs, bool is_read) {
  const auto& names = corpus.class_names;
  const Utterance& utterance = corpus.utterances[place];
  if (!corpus.target_names.empty()) {
    add_targets(table, corpus, place, outputs, is_read);
    return;
  }
  if (corpus.label_kind == LabelKind::kValue) {
    table.add(utterance.label).add(is_read ? outputs[0] : NAN);
    return;
  }
  check(names.size() == outputs.size(), "a prediction has another number of outputs than classes");
  // A value of exactly 0 belongs to neither class and is not scored: no truth.
  const bool has_truth =
      utterance.is_labelled() && (corpus.values.empty() || corpus.values[place] != 0);
  table.add(has_truth ? std::string_view(names[static_cast<std::size_t>(utterance.label)]) : "");
  table.add(is_read ? std::string_view(names[static_cast<std::size_t>(argmax(outputs))]) : "");
  for (const float output : outputs) table.add(is_read ? output : NAN);
}

}  // namespace

std::string results_csv(const Results& results) {
  std::string text = "track,condition,fold,seed,utterances,metric,value,method\n";
  for (const Score& score : results.scores) {
    const std::string condition = condition_label(score.condition, results.modality_names);
    for (const auto& metric : score.metrics) {
      text += csv_line({score.track, condition, std::to_string(score.fold),
                        std::to_string(score.seed), std::to_string(score.utterances), metric.name,
                        csv_number(metric.value), results.method});
    }
  }
  for (const Summary& summary : results.summaries) {
    const auto add = [&](const char* what, double value) {
      text += csv_line({summary.track, summary.condition, what, what, "", summary.metric,
                        csv_number(value), results.method});
    };
    add("mean", summary.mean);
    add("deviation over seeds", summary.seed_deviation);
    add("deviation over folds", summary.fold_deviation);
    if (results.intervals.level == 0) continue;
    add("interval low", summary.low);
    add("interval high", summary.high);
  }
  return text;
}

void write_predictions(const RunFolder& folder, const std::vector<FitOutcome>& outcomes,
                       const Corpus& corpus) {
  const std::size_t width = output_width(outcomes);
  std::vector<std::string> header = {"utterance", "dialogue", "track", "condition",
                                     "fold",      "seed",     "truth", "predicted"};
  for (const auto& name : corpus.class_names) header.push_back("p_" + name);
  const std::string truth = corpus.label_kind == LabelKind::kLabels ? kLabelTruth : kValueTruth;
  for (const auto& name : corpus.target_names) header.push_back("p_" + name);
  for (const auto& name : corpus.target_names) header.push_back(truth + name);
  header.emplace_back("method");
  header.emplace_back("speaker");
  CsvFile table(folder.predictions_file(), header);
  const auto& method = folder.manifest().config.protocol.method;
  const auto names = corpus.modality_names();
  for (const FitOutcome* outcome : in_order(outcomes)) {
    for (const Evaluation& evaluation : outcome->test) {
      const std::string condition = condition_label(evaluation.condition, names);
      for (std::size_t row = 0; row < evaluation.utterances.size(); ++row) {
        const auto place = static_cast<std::size_t>(evaluation.utterances[row]);
        const auto& utterance = corpus.utterances[place];
        table.add(utterance.id);
        table.add(corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].id);
        table.add(outcome->track).add(condition);
        table.add(std::int64_t{outcome->fold}).add(outcome->seed);
        const auto available =
            corpus.present_pattern(evaluation.utterances[row]) & evaluation.condition.pattern;
        add_outputs(table, corpus, place, std::span(evaluation.outputs).subspan(row * width, width),
                    !available.empty());
        table.add(method).add(utterance.speaker);
        table.end_row();
      }
    }
  }
  table.commit();
}

void write_curves(const RunFolder& folder, const std::vector<FitOutcome>& outcomes,
                  const Corpus& corpus) {
  CsvFile table(folder.curves_file(),
                {"track", "trained", "fold", "seed", "stage", "epoch", "name", "value"});
  const auto names = corpus.modality_names();
  for (const FitOutcome* outcome : in_order(outcomes)) {
    for (const CurvePoint& point : outcome->curve) {
      table.add(outcome->track).add(condition_label(outcome->trained, names));
      table.add(std::int64_t{outcome->fold}).add(outcome->seed);
      table.add(point.stage).add(point.epoch).add(point.name).add(point.value);
      table.end_row();
    }
  }
  table.commit();
}

}  // namespace hardy
