#include "hardy/results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/metrics.h"

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

/// Mean over the proper conditions within each fold and seed; left out where one of them is.
Cell average_cell(const std::vector<const Cell*>& cells) {
  std::map<std::pair<int, std::int64_t>, std::vector<double>> values;
  for (const Cell* cell : cells) {
    for (const auto& [place, value] : *cell) values[place].push_back(value);
  }
  Cell average;
  for (const auto& [place, list] : values) {
    if (list.size() == cells.size()) average[place] = mean_and_deviation(list).mean;
  }
  return average;
}

void add_class_metrics(Score& score, const ClassMetrics& metrics, const Corpus& corpus) {
  score.metrics = {{"wa", metrics.wa},
                   {"ua", metrics.ua},
                   {"weighted_f1", metrics.weighted_f1},
                   {"macro_f1", metrics.macro_f1}};
  for (std::size_t c = 0; c < corpus.class_names.size(); ++c) {
    score.metrics.push_back({"recall." + corpus.class_names[c], metrics.recall[c]});
  }
  score.confusion = metrics.confusion;
}

/// Of several labels: each one's weighted accuracy, weighted F1 and F1, then their means; of
/// several values each one's CCC, MAE and correlation, then their means. Shapes: outputs [n, T].
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
  std::set<std::uint32_t> conditions;
  std::set<std::int64_t> seeds;
  for (const Score& score : results.scores) {
    tracks.insert(score.track);
    conditions.insert(score.condition.bits());
    seeds.insert(score.seed);
  }
  results.tracks.assign(tracks.begin(), tracks.end());
  results.seeds.assign(seeds.begin(), seeds.end());
  for (const Pattern pattern : all_patterns(static_cast<int>(results.modality_names.size()))) {
    if (conditions.contains(pattern.bits())) results.conditions.push_back(pattern);
  }
  if (results.scores.empty()) return;
  for (const auto& metric : results.scores.front().metrics) results.metrics.push_back(metric.name);
  const std::string& leading = results.metrics.front();
  std::vector<std::string> wanted = {"wa", "ua", "weighted_f1"};
  if (leading == "accuracy") wanted = {"accuracy", "weighted_f1", "mae", "correlation"};
  if (leading == "mean_wa") wanted = {"mean_wa", "mean_weighted_f1", "mean_f1"};
  if (leading == "mean_ccc") wanted = {"mean_ccc", "mean_mae", "mean_correlation"};
  for (const auto& name : wanted) {
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

/// Adds the summaries of one track and metric: each condition, then their average.
void summarise_metric(Results& results, const std::string& track, std::size_t metric) {
  std::map<std::uint32_t, Cell> cells;
  for (const Score& score : results.scores) {
    if (score.track != track) continue;
    cells[score.condition.bits()][{score.fold, score.seed}] = score.metrics[metric].value;
  }
  const auto complete = Pattern::complete(static_cast<int>(results.modality_names.size()));
  std::vector<const Cell*> proper;
  const auto add = [&](const Cell& cell, const std::string& condition) {
    Summary summary = summarise(cell);
    summary.track = track;
    summary.condition = condition;
    summary.metric = results.metrics[metric];
    results.summaries.push_back(std::move(summary));
  };
  for (const Pattern condition : results.conditions) {
    const auto cell = cells.find(condition.bits());
    if (cell == cells.end()) continue;
    if (condition != complete) proper.push_back(&cell->second);
    add(cell->second, pattern_label(condition, results.modality_names));
  }
  if (proper.size() >= 2) add(average_cell(proper), "average");
}

/// What was not scored, condition by condition: the largest number over tracks and seeds, because
/// every one of them sees the same utterances.
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
    Left& left = by_condition[score.condition.bits()];
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

/// Every pattern of up to three modalities; of more, which a table could not show, those with one
/// modality, those that lack one, and the complete one.
std::vector<Pattern> table_conditions(const std::vector<Pattern>& patterns) {
  const int modalities = patterns.back().count();
  if (modalities <= 3) return patterns;
  std::vector<Pattern> chosen;
  for (const Pattern pattern : patterns) {
    if (pattern.count() == 1 || pattern.count() >= modalities - 1) chosen.push_back(pattern);
  }
  return chosen;
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

Score score_evaluation(const Evaluation& evaluation, const Corpus& corpus) {
  Score score;
  score.condition = evaluation.pattern;
  check(!evaluation.utterances.empty(), "an evaluation holds no utterance");
  // The sign learned as two classes is judged by the values behind the classes.
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
    } else if (!corpus.is_scored(i, evaluation.pattern)) {
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
    add_class_metrics(score, class_metrics(classes, outputs, corpus.class_count()), corpus);
    return score;
  }
  const SentimentMetrics metrics =
      is_binary ? binary_sentiment_metrics(truth, outputs) : sentiment_metrics(truth, outputs);
  score.metrics = {{"accuracy", metrics.accuracy},
                   {"weighted_f1", metrics.weighted_f1},
                   {"mae", metrics.mae},
                   {"correlation", metrics.correlation}};
  return score;
}

std::vector<std::string> table_columns(const Results& results) {
  const auto& names = results.modality_names;
  const auto complete = Pattern::complete(static_cast<int>(names.size()));
  std::vector<std::string> columns;
  std::vector<std::string> last;
  for (const Pattern condition : results.conditions) {
    (condition == complete ? last : columns).push_back(pattern_label(condition, names));
  }
  if (columns.size() >= 2) columns.emplace_back("average");
  columns.insert(columns.end(), last.begin(), last.end());
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
  const auto patterns = all_patterns(corpus.modality_count());
  const auto order = [&](const Score& score) {
    const auto place = std::find(patterns.begin(), patterns.end(), score.condition);
    return std::tuple(score.track, place - patterns.begin(), score.fold, score.seed);
  };
  for (const FitOutcome& outcome : outcomes) {
    for (const Evaluation& evaluation : outcome.test) {
      if (outcome.track == "specialist" && evaluation.pattern != outcome.trained) continue;
      Score score = score_evaluation(evaluation, corpus);
      score.track = outcome.track;
      score.fold = outcome.fold;
      score.seed = outcome.seed;
      results.scores.push_back(std::move(score));
    }
  }
  std::sort(results.scores.begin(), results.scores.end(),
            [&](const Score& x, const Score& y) { return order(x) < order(y); });
  const auto twin =
      std::adjacent_find(results.scores.begin(), results.scores.end(),
                         [&](const Score& x, const Score& y) { return order(x) == order(y); });
  check(twin == results.scores.end(), "two fits claim the same track, condition, fold and seed");
  list_axes(results);
  results.notes = notes_of(results.scores, results.modality_names);
  for (const auto& track : results.tracks) {
    for (std::size_t metric = 0; metric < results.metrics.size(); ++metric) {
      summarise_metric(results, track, metric);
    }
  }
  return results;
}

std::vector<Pattern> parse_conditions(const std::string& text,
                                      const std::vector<std::string>& modality_names) {
  auto patterns = all_patterns(static_cast<int>(modality_names.size()));
  if (text == "all") return patterns;
  if (text == "table") return table_conditions(patterns);
  std::set<std::uint32_t> wanted;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    if (item.find_first_not_of(' ') != std::string::npos) {
      wanted.insert(parse_pattern(item, modality_names).bits());
    }
    begin = end + 1;
  }
  if (wanted.empty()) {
    throw ConfigError(fmt::format("conditions '{}' name nothing; write e.g. \"{}\"", text,
                                  pattern_label(patterns.back(), modality_names)));
  }
  std::vector<Pattern> chosen;
  for (const Pattern pattern : patterns) {
    if (wanted.contains(pattern.bits())) chosen.push_back(pattern);
  }
  return chosen;
}

}  // namespace hardy
