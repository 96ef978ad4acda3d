#include "hardy/results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "analysis/headline.h"
#include "corpus/missing.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "metrics/calibration.h"

namespace hardy {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// Values of one metric under one track and condition: fold and seed -> value.
using Cell = std::map<std::pair<int, std::int64_t>, double>;

/// Mean of the values that are defined; NaN when none is.
double defined_mean(const std::vector<double>& values) {
  std::vector<double> defined;
  for (const double value : values) {
    if (!std::isnan(value)) defined.push_back(value);
  }
  return defined.empty() ? kUndefined : mean_and_deviation(defined).mean;
}

MeanDeviation defined_spread(const std::map<std::int64_t, std::vector<double>>& groups) {
  std::vector<double> means;
  for (const auto& [key, values] : groups) {
    const double mean = defined_mean(values);
    if (!std::isnan(mean)) means.push_back(mean);
  }
  if (means.empty()) return {kUndefined, kUndefined};
  return mean_and_deviation(means);
}

Summary summarise(const Cell& cell) {
  std::map<std::int64_t, std::vector<double>> by_seed;
  std::map<std::int64_t, std::vector<double>> by_fold;
  for (const auto& [place, value] : cell) {
    by_fold[place.first].push_back(value);
    by_seed[place.second].push_back(value);
  }
  Summary summary;
  const MeanDeviation over_seeds = defined_spread(by_seed);
  summary.mean = over_seeds.mean;
  summary.seed_deviation = over_seeds.deviation;
  summary.fold_deviation = defined_spread(by_fold).deviation;
  return summary;
}

/// A weighted mean over conditions within each fold and seed; left out if one of them is undefined.
Cell mean_cell(const std::vector<std::pair<const Cell*, double>>& cells) {
  std::map<std::pair<int, std::int64_t>, std::pair<double, std::size_t>> sums;
  for (const auto& [cell, share] : cells) {
    for (const auto& [place, value] : *cell) {
      sums[place].first += share * value;
      ++sums[place].second;
    }
  }
  Cell mean;
  for (const auto& [place, sum] : sums) {
    if (sum.second == cells.size()) mean[place] = sum.first;
  }
  return mean;
}

void add_class_metrics(Score& score, const ClassMetrics& metrics,
                       const ProbabilityMetrics& probabilities, double calibrated_ece,
                       const Corpus& corpus) {
  score.metrics = {{"wa", metrics.wa},
                   {"ua", metrics.ua},
                   {"weighted_f1", metrics.weighted_f1},
                   {"macro_f1", metrics.macro_f1},
                   {"auroc", probabilities.auroc},
                   {"brier", probabilities.brier},
                   {"ece", probabilities.ece},
                   {"calibrated_ece", calibrated_ece},
                   {"aurc", probabilities.aurc},
                   {"excess_aurc", probabilities.excess_aurc}};
  for (std::size_t c = 0; c < corpus.class_names.size(); ++c) {
    score.metrics.push_back({"recall." + corpus.class_names[c], metrics.recall[c]});
  }
  score.confusion = metrics.confusion;
}

/// Several labels: weighted accuracy, weighted F1 and F1 of each, then their means; several values:
/// CCC, MAE and correlation of each, then their means. Shapes: outputs [n, T].
void add_target_metrics(Score& score, const std::vector<std::int64_t>& utterances,
                        const std::vector<float>& outputs, const Corpus& corpus) {
  const std::size_t width = corpus.target_names.size();
  std::vector<std::vector<MetricValue>> each;
  for (std::size_t t = 0; t < width; ++t) {
    std::vector<float> truth;
    std::vector<float> predicted;
    for (std::size_t row = 0; row < utterances.size(); ++row) {
      truth.push_back(corpus.targets[static_cast<std::size_t>(utterances[row]) * width + t]);
      predicted.push_back(outputs[row * width + t]);
    }
    if (corpus.label_kind == LabelKind::kValues) {
      const ValueMetrics metrics = value_metrics(truth, predicted);
      each.push_back(
          {{"ccc", metrics.ccc}, {"mae", metrics.mae}, {"correlation", metrics.correlation}});
    } else {
      const LabelMetrics metrics = label_metrics(truth, predicted);
      each.push_back({{"wa", metrics.weighted_accuracy},
                      {"weighted_f1", metrics.weighted_f1},
                      {"f1", metrics.f1}});
    }
  }
  for (std::size_t k = 0; k < each[0].size(); ++k) {
    std::vector<double> values;
    for (const auto& metrics : each) values.push_back(metrics[k].value);
    score.metrics.push_back({"mean_" + each[0][k].name, defined_mean(values)});
  }
  for (std::size_t t = 0; t < width; ++t) {
    for (const auto& metric : each[t]) {
      score.metrics.push_back({metric.name + "." + corpus.target_names[t], metric.value});
    }
  }
}

/// Fills tracks, conditions, seeds and metrics from the scores.
void list_axes(Results& results) {
  std::set<std::string> tracks;
  std::set<std::int64_t> seeds;
  for (const Score& score : results.scores) {
    tracks.insert(score.track);
    seeds.insert(score.seed);
    const auto& known = results.conditions;
    if (std::find(known.begin(), known.end(), score.condition) == known.end()) {
      results.conditions.push_back(score.condition);
    }
  }
  results.tracks.assign(tracks.begin(), tracks.end());
  results.seeds.assign(seeds.begin(), seeds.end());
  std::sort(results.conditions.begin(), results.conditions.end(),
            [](const Condition& x, const Condition& y) { return comes_before(x, y); });
  if (results.scores.empty()) return;
  for (const auto& metric : results.scores.front().metrics) results.metrics.push_back(metric.name);
}

/// Removes the values of metrics that are not applicable.
void withhold(Results& results) {
  for (const auto& [metric, reason] : results.not_applicable) {
    for (auto& score : results.scores) {
      for (auto& value : score.metrics) {
        if (value.name == metric) value.value = kUndefined;
      }
    }
  }
}

/// Fills the headline: the metrics of the labels that some score defines.
void choose_headline(Results& results, const Corpus& corpus) {
  for (const auto& name : headline_of(corpus)) {
    const auto is_defined = [&](const Score& score) {
      return std::any_of(score.metrics.begin(), score.metrics.end(),
                         [&](const MetricValue& metric) {
                           return metric.name == name && !std::isnan(metric.value);
                         });
    };
    if (std::any_of(results.scores.begin(), results.scores.end(), is_defined)) {
      results.headline.push_back(name);
    }
  }
}

/// Adds the summaries of one track and metric: each condition, then their means.
void summarise_metric(Results& results, const std::string& track, std::size_t metric) {
  std::vector<Condition> conditions;
  std::vector<Cell> cells;
  for (const Condition& condition : results.conditions) {
    Cell cell;
    for (const Score& score : results.scores) {
      if (score.track != track || score.condition != condition) continue;
      cell[{score.fold, score.seed}] = score.metrics[metric].value;
    }
    if (cell.empty()) continue;
    conditions.push_back(condition);
    cells.push_back(std::move(cell));
  }
  const auto add = [&](const Cell& cell, const std::string& condition) {
    Summary summary = summarise(cell);
    summary.track = track;
    summary.condition = condition;
    summary.metric = results.metrics[metric];
    results.summaries.push_back(std::move(summary));
  };
  for (std::size_t c = 0; c < cells.size(); ++c) {
    add(cells[c], condition_label(conditions[c], results.modality_names));
  }
  const auto modalities = static_cast<int>(results.modality_names.size());
  for (const auto& mean : condition_means(conditions, modalities)) {
    std::vector<std::pair<const Cell*, double>> weighted;
    for (const auto& [c, share] : mean.weights) weighted.emplace_back(&cells[c], share);
    add(mean_cell(weighted), mean.label);
  }
}

/// Notes on utterances that were not scored, by condition: the largest number over tracks and
/// seeds, which all have the same utterances.
std::vector<std::string> notes_of(const std::vector<Score>& scores,
                                  const std::vector<std::string>& modality_names) {
  struct Left {
    std::map<int, std::int64_t> unread;
    std::map<int, std::int64_t> unlabelled;
    std::map<int, std::int64_t> all;
  };

  const auto total = [](const std::map<int, std::int64_t>& by_fold) {
    std::int64_t sum = 0;
    for (const auto& [fold, count] : by_fold) sum += count;
    return sum;
  };
  std::map<std::uint32_t, Left> by_condition;
  for (const Score& score : scores) {
    if (!score.condition.is_pattern())
      continue;  // masks leave every utterance at least one modality
    Left& left = by_condition[score.condition.pattern.bits()];
    left.unread[score.fold] = score.unread;
    left.unlabelled[score.fold] = score.unlabelled;
    left.all[score.fold] = score.utterances + score.unread + score.unlabelled;
  }
  std::vector<std::string> notes;
  std::int64_t unlabelled = 0;
  for (const Pattern pattern : all_patterns(static_cast<int>(modality_names.size()))) {
    const auto found = by_condition.find(pattern.bits());
    if (found == by_condition.end()) continue;
    unlabelled = std::max(unlabelled, total(found->second.unlabelled));
    const auto unread = total(found->second.unread);
    if (unread == 0) continue;
    notes.push_back(
        fmt::format("{{{}}}: {} of {} utterances have none of its modalities and are not scored",
                    pattern_label(pattern, modality_names), unread, total(found->second.all)));
  }
  if (unlabelled > 0) {
    notes.push_back(fmt::format("{} utterances are not labelled and not scored", unlabelled));
  }
  return notes;
}

}  // namespace

const Summary* Results::find(const std::string& track, const std::string& condition,
                             const std::string& metric) const {
  for (const Summary& summary : summaries) {
    if (summary.track == track && summary.condition == condition && summary.metric == metric) {
      return &summary;
    }
  }
  return nullptr;
}

double temperature_of(const FitOutcome& outcome, const Condition& condition) {
  if (!outcome.calibrations || !condition.is_pattern()) return kUndefined;
  for (const auto& calibration : *outcome.calibrations) {
    if (calibration.pattern == condition.pattern) return calibration.temperature;
  }
  return 1;
}

Score score_evaluation(const Evaluation& evaluation, const Corpus& corpus, double temperature) {
  Score score;
  score.condition = evaluation.condition;
  check(!evaluation.utterances.empty(), "an evaluation holds no utterance");
  // The sign learned as two classes is scored by the values behind the classes.
  const bool is_binary = !corpus.values.empty();
  const std::size_t width = evaluation.outputs.size() / evaluation.utterances.size();
  std::vector<float> truth;
  std::vector<float> outputs;
  std::vector<std::int64_t> scored;
  for (std::size_t row = 0; row < evaluation.utterances.size(); ++row) {
    const std::int64_t i = evaluation.utterances[row];
    check(i >= 0 && i < corpus.size(), "an evaluation names an utterance outside the corpus");
    const auto place = static_cast<std::size_t>(i);
    if (!corpus.utterances[place].is_labelled()) {
      ++score.unlabelled;
    } else if (!corpus.is_scored(i, evaluation.condition.pattern)) {
      ++score.unread;
    } else {
      scored.push_back(i);
      truth.push_back(is_binary ? corpus.values[place] : corpus.utterances[place].label);
      const auto first = evaluation.outputs.begin() + static_cast<std::ptrdiff_t>(row * width);
      outputs.insert(outputs.end(), first, first + static_cast<std::ptrdiff_t>(width));
    }
  }
  score.utterances = static_cast<std::int64_t>(scored.size());
  if (!corpus.target_names.empty()) {
    add_target_metrics(score, scored, outputs, corpus);
    return score;
  }
  if (corpus.label_kind == LabelKind::kClass && !is_binary) {
    const std::vector<std::int64_t> classes(truth.begin(), truth.end());
    const bool is_known = !std::isnan(temperature) && !classes.empty();
    add_class_metrics(score, class_metrics(classes, outputs, corpus.class_count()),
                      probability_metrics(classes, outputs, corpus.class_count()),
                      is_known
                          ? calibration_error(classes, outputs, corpus.class_count(), temperature)
                          : kUndefined,
                      corpus);
    return score;
  }
  if (is_binary) {
    const SentimentMetrics metrics = binary_sentiment_metrics(truth, outputs);
    score.metrics = {{"acc2_non0", metrics.accuracy}, {"f1_non0", metrics.weighted_f1}};
    return score;
  }
  const SentimentMetrics metrics = sentiment_metrics(truth, outputs);
  score.metrics = {{"acc2_non0", metrics.accuracy},
                   {"f1_non0", metrics.weighted_f1},
                   {"acc2_has0", metrics.has0_accuracy},
                   {"f1_has0", metrics.has0_f1},
                   {"acc3", metrics.acc3},
                   {"acc5", metrics.acc5},
                   {"acc7", metrics.acc7},
                   {"mae", metrics.mae},
                   {"correlation", metrics.correlation},
                   {"ccc", metrics.ccc}};
  return score;
}

std::vector<std::string> table_columns(const Results& results) {
  const auto& names = results.modality_names;
  const auto modalities = static_cast<int>(names.size());
  std::vector<std::string> columns;
  std::vector<std::string> complete;
  std::vector<std::string> masks;
  for (const Condition& condition : results.conditions) {
    auto& list = !condition.is_pattern()                              ? masks
                 : condition.pattern == Pattern::complete(modalities) ? complete
                                                                      : columns;
    list.push_back(condition_label(condition, names));
  }
  for (const auto& mean : condition_means(results.conditions, modalities)) {
    (mean.label == kAverageLabel ? columns : masks).push_back(mean.label);
  }
  columns.insert(columns.end(), complete.begin(), complete.end());
  columns.insert(columns.end(), masks.begin(), masks.end());
  return columns;
}

Results make_results(const std::vector<FitOutcome>& outcomes, const Corpus& corpus,
                     std::vector<std::string> folds) {
  Results results;
  results.data_name = corpus.name;
  results.is_synthetic = corpus.is_synthetic;
  results.class_names = corpus.class_names;
  results.modality_names = corpus.modality_names();
  results.folds = std::move(folds);
  const auto is_before = [](const Score& x, const Score& y) {
    if (x.track != y.track) return x.track < y.track;
    if (x.condition != y.condition) return comes_before(x.condition, y.condition);
    return std::tie(x.fold, x.seed) < std::tie(y.fold, y.seed);
  };
  for (const FitOutcome& outcome : outcomes) {
    for (const Evaluation& evaluation : outcome.test) {
      if (outcome.track == "specialist" && evaluation.condition != outcome.trained) continue;
      Score score =
          score_evaluation(evaluation, corpus, temperature_of(outcome, evaluation.condition));
      score.track = outcome.track;
      score.fold = outcome.fold;
      score.seed = outcome.seed;
      results.scores.push_back(std::move(score));
    }
  }
  std::sort(results.scores.begin(), results.scores.end(), is_before);
  const auto twin =
      std::adjacent_find(results.scores.begin(), results.scores.end(),
                         [&](const Score& x, const Score& y) { return !is_before(x, y); });
  check(twin == results.scores.end(), "two fits claim the same track, condition, fold and seed");
  list_axes(results);
  results.notes = notes_of(results.scores, results.modality_names);
  results.not_applicable = find_not_applicable(results.metrics, outcomes, corpus);
  withhold(results);
  choose_headline(results, corpus);
  for (const auto& track : results.tracks) {
    for (std::size_t metric = 0; metric < results.metrics.size(); ++metric) {
      summarise_metric(results, track, metric);
    }
  }
  return results;
}

std::vector<Pattern> parse_conditions(const std::string& text,
                                      const std::vector<std::string>& modality_names) {
  return parse_condition_plan(text, modality_names).patterns;
}

}  // namespace hardy
