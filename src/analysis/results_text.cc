#include "analysis/results_text.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/csv.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

constexpr std::size_t kColumnsPerBlock = 8;

std::string display_name(const std::string& metric) {
  if (metric == "wa") return "WA";
  if (metric == "ua") return "UA";
  if (metric == "weighted_f1") return "F1";
  if (metric == "accuracy") return "Acc";
  if (metric == "mae") return "MAE";
  if (metric == "mean_wa") return "WA";
  if (metric == "mean_weighted_f1") return "wF1";
  if (metric == "mean_f1") return "F1";
  if (metric == "mean_ccc") return "CCC";
  if (metric == "mean_mae") return "MAE";
  if (metric == "mean_correlation") return "Corr";
  return metric == "correlation" ? "Corr" : metric;
}

std::string plural(std::size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

bool has_intervals(const Results& results) {
  return std::any_of(results.summaries.begin(), results.summaries.end(),
                     [](const Summary& summary) { return !std::isnan(summary.low); });
}

/// Says why the table has no intervals; "" when it has some or none were asked for.
std::string missing_intervals(const Results& results) {
  if (has_intervals(results)) return "";
  for (const Summary& summary : results.summaries) {
    if (summary.no_interval.empty()) continue;
    return fmt::format("\nintervals are not computable because {}\n", summary.no_interval);
  }
  return "";
}

std::string title_of(const Results& results, bool is_over_seeds) {
  std::set<int> tested;  // `hardy train` fits one fold of several
  for (const Score& score : results.scores) tested.insert(score.fold);
  const auto folds = tested.size();
  // Names given by our own generators say it already.
  const bool must_say = results.is_synthetic && !results.data_name.ends_with("(synthetic)");
  std::string title =
      fmt::format("{}{}: {}, test, {}, {}", results.data_name, must_say ? " (synthetic)" : "",
                  declared_method(results.method).title, plural(folds, "fold"),
                  plural(results.seeds.size(), "seed"));
  std::string below;
  if (is_over_seeds) below = "its deviation over seeds";
  if (!is_over_seeds && folds > 1) below = "its deviation over folds";
  if (has_intervals(results)) {
    below += fmt::format("{}its {:g} % interval", below.empty() ? "" : " and ",
                         100 * results.intervals.level);
    if (!is_over_seeds) below += " (of one seed: without the spread of training)";
  }
  if (!below.empty()) title += "; below each mean " + below;
  if (results.defects.empty()) return title + "\n";
  return fmt::format(
      "{}\nPUBLISHED DEFECTS ARE ON: these numbers are not results of the method. On: {}\n", title,
      fmt::join(results.defects, ", "));
}

/// `text` at the right end of `width` columns.
std::string right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.4f}", value); }

/// The blocks of columns of one table.
class Table {
 public:
  Table(const Results& results, bool is_over_seeds)
      : results_(results), is_over_seeds_(is_over_seeds) {}

  [[nodiscard]] std::string block(const std::vector<std::string>& columns) const {
    std::string text = fmt::format("{:<12}{:<8}", "track", "metric");
    for (const auto& column : columns) text += right(column, width_of(column));
    text += '\n';
    for (const auto& track : results_.tracks) {
      for (const auto& metric : results_.headline) text += rows(track, metric, columns);
    }
    return text;
  }

 private:
  static std::size_t width_of(const std::string& column) {
    return std::max<std::size_t>(9, column.size() + 2);
  }

  [[nodiscard]] std::string rows(const std::string& track, const std::string& metric,
                                 const std::vector<std::string>& columns) const {
    std::string means = fmt::format("{:<12}{:<8}", track, display_name(metric));
    std::string deviations = fmt::format("{:<12}{:<8}", "", "");
    std::string lows = fmt::format("{:<12}{:<8}", "", "from");
    std::string highs = fmt::format("{:<12}{:<8}", "", "to");
    bool has_deviation = false;
    bool has_interval = false;
    for (const auto& column : columns) {
      const Summary* summary = results_.find(track, column, metric);
      const double mean = summary == nullptr ? NAN : summary->mean;
      const double low = summary == nullptr ? NAN : summary->low;
      lows += right(number(low), width_of(column));
      highs += right(number(summary == nullptr ? NAN : summary->high), width_of(column));
      has_interval = has_interval || !std::isnan(low);
      const double deviation = summary == nullptr ? NAN
                               : is_over_seeds_   ? summary->seed_deviation
                                                  : summary->fold_deviation;
      means += right(number(mean), width_of(column));
      // "±" is one column wide but two bytes long.
      deviations += std::isnan(deviation)
                        ? std::string(width_of(column), ' ')
                        : right(fmt::format("±{:.4f}", deviation), width_of(column) + 1);
      has_deviation = has_deviation || !std::isnan(deviation);
    }
    deviations.erase(deviations.find_last_not_of(' ') + 1);
    std::string text = means + "\n";
    if (has_deviation) text += deviations + "\n";
    if (has_interval) text += lows + "\n" + highs + "\n";
    return text;
  }

  const Results& results_;
  bool is_over_seeds_;
};

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const auto& field : fields) line += (line.empty() ? "" : ",") + csv_field(field);
  return line + "\n";
}

std::string csv_number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

/// Outcomes in a fixed order, whatever order the fits finished in.
std::vector<const FitOutcome*> in_order(const std::vector<FitOutcome>& outcomes) {
  std::vector<const FitOutcome*> sorted;
  for (const auto& outcome : outcomes) sorted.push_back(&outcome);
  const auto key = [](const FitOutcome* outcome) {
    return std::tuple(outcome->track, outcome->trained.count(), outcome->trained.bits(),
                      outcome->fold, outcome->seed);
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

/// Of several labels: "joy sadness" or "0.5 0.25" by turns as truth and prediction; outputs apart.
void add_targets(CsvFile& table, const Corpus& corpus, std::size_t place,
                 std::span<const float> outputs) {
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
  table.add(corpus.utterances[place].is_labelled() ? text_of(truth) : "").add(text_of(outputs));
  for (const float output : outputs) table.add(output);
}

/// The columns of one prediction after its place: truth, predicted, outputs.
/// `is_read`: whether at least one available modality was there; nothing is predicted from nothing.
void add_outputs(CsvFile& table, const Corpus& corpus, std::size_t place,
                 std::span<const float> outputs, bool is_read) {
  const auto& names = corpus.class_names;
  const Utterance& utterance = corpus.utterances[place];
  if (!corpus.target_names.empty()) {
    add_targets(table, corpus, place, outputs);
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

std::string results_table(const Results& results) {
  const bool is_over_seeds = results.seeds.size() > 1;
  std::string text = title_of(results, is_over_seeds);
  const Table table(results, is_over_seeds);
  const auto columns = table_columns(results);
  for (std::size_t begin = 0; begin < columns.size(); begin += kColumnsPerBlock) {
    const auto end = std::min(begin + kColumnsPerBlock, columns.size());
    const auto at = [&](std::size_t i) { return columns.begin() + static_cast<std::ptrdiff_t>(i); };
    text += "\n" + table.block({at(begin), at(end)});
  }
  text += missing_intervals(results);
  for (const auto& note : results.notes) text += fmt::format("\nnote: {}\n", note);
  return text;
}

std::string results_csv(const Results& results) {
  std::string text = "track,condition,fold,seed,utterances,metric,value,method\n";
  for (const Score& score : results.scores) {
    const std::string condition = pattern_label(score.condition, results.modality_names);
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
  for (const auto& name : corpus.target_names) header.push_back("p_" + name);
  header.emplace_back("method");
  CsvFile table(folder.predictions_file(), header);
  const auto& method = folder.manifest().config.protocol.method;
  const auto names = corpus.modality_names();
  for (const FitOutcome* outcome : in_order(outcomes)) {
    for (const Evaluation& evaluation : outcome->test) {
      const std::string condition = pattern_label(evaluation.pattern, names);
      for (std::size_t row = 0; row < evaluation.utterances.size(); ++row) {
        const auto place = static_cast<std::size_t>(evaluation.utterances[row]);
        const auto& utterance = corpus.utterances[place];
        table.add(utterance.id);
        table.add(corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].id);
        table.add(outcome->track).add(condition);
        table.add(std::int64_t{outcome->fold}).add(outcome->seed);
        add_outputs(
            table, corpus, place, std::span(evaluation.outputs).subspan(row * width, width),
            !(corpus.present_pattern(evaluation.utterances[row]) & evaluation.pattern).empty());
        table.add(method);
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
      table.add(outcome->track).add(pattern_label(outcome->trained, names));
      table.add(std::int64_t{outcome->fold}).add(outcome->seed);
      table.add(point.stage).add(point.epoch).add(point.name).add(point.value);
      table.end_row();
    }
  }
  table.commit();
}

}  // namespace hardy
