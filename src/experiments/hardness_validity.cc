#include "experiments/hardness_validity.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "experiments/table_reader.h"
#include "hardy/errors.h"
#include "methods/hardymer/score.h"
#include "methods/hardymer/settings.h"
#include "metrics/rank_correlation.h"

namespace hardy {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// An incremental mean.
struct Mean {
  double sum = 0;
  std::int64_t count = 0;

  void add(double value) {
    sum += value;
    ++count;
  }

  [[nodiscard]] double value() const {
    return count == 0 ? kNone : sum / static_cast<double>(count);
  }
};

/// The estimates of one fold, seed and pattern.
struct FitScores {
  std::vector<std::size_t> utterances;
  std::vector<float> direct;
  std::vector<float> indirect;
  std::vector<double> score;
};

using GroupPlace = std::tuple<std::string, int, std::int64_t>;  // pattern, fold, seed

/// Measurements of one held-out utterance under one pattern.
struct HeldOut {
  Mean loss;
  Mean error;
};

std::vector<double> places_of(const std::vector<double>& values) {
  auto ranks = mean_ranks(values);
  const double most = std::max<double>(1, static_cast<double>(values.size()) - 1);
  for (auto& rank : ranks) rank = (rank - 1) / most;
  return ranks;
}

std::vector<double> doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

/// n_i of Eq. 18.
std::vector<double> support_counts(const std::vector<float>& score, std::int64_t k) {
  std::vector<double> counts;
  for (const float value : score) {
    counts.push_back(std::max(1.0, std::ceil(static_cast<double>(value) * static_cast<double>(k))));
  }
  return counts;
}

/// An estimate whose validity is reported, as a function of a group.
using Estimate = std::function<std::vector<double>(const FitScores&)>;

std::vector<std::pair<std::string, Estimate>> estimates_of(const Config& config) {
  std::vector<std::pair<std::string, Estimate>> list;
  list.emplace_back("direct", [](const FitScores& group) { return doubles(group.direct); });
  list.emplace_back("indirect", [](const FitScores& group) { return doubles(group.indirect); });
  for (const auto sign : {IndirectSign::kPaper, IndirectSign::kConsistency}) {
    HardnessConfig hardness = hardymer_settings(config).hardness;
    hardness.components = HardnessTerms::kBoth;
    hardness.indirect_sign = sign;
    list.emplace_back(fmt::format("score, {} sign", word_of(sign)),
                      [hardness](const FitScores& group) {
                        return doubles(unified_score(group.direct, group.indirect, hardness));
                      });
    for (const auto centre : {ScoreCentre::kPaper, ScoreCentre::kMiddle}) {
      hardness.centre = centre;
      list.emplace_back(
          fmt::format("supports, {} sign, {} centre", word_of(sign), word_of(centre)),
          [hardness, k = hardymer_settings(config).retrieval.k](const FitScores& group) {
            return support_counts(unified_score(group.direct, group.indirect, hardness), k);
          });
    }
  }
  return list;
}

/// The tables of the run.
class Evidence {
 public:
  Evidence(const RunFolder& run, const Corpus& corpus) : run_(run), corpus_(corpus) {
    for (std::int64_t i = 0; i < corpus.size(); ++i) {
      index_[corpus.utterances[static_cast<std::size_t>(i)].id] = static_cast<std::size_t>(i);
    }
    read_hardness();
    read_predictions();
  }

  [[nodiscard]] std::vector<std::string> patterns() const {
    std::vector<std::string> labels;
    for (const auto pattern : all_patterns(corpus_.modality_count())) {
      const auto label = pattern_label(pattern, corpus_.modality_names());
      const bool is_known = std::any_of(groups_.begin(), groups_.end(), [&](const auto& entry) {
        return std::get<0>(entry.first) == label;
      });
      if (is_known) labels.push_back(label);
    }
    return labels;
  }

  /// Mean rank of each utterance under a pattern (empty = all patterns); NaN = never trained on.
  [[nodiscard]] std::vector<double> mean_places(const std::string& pattern,
                                                const Estimate& estimate) const {
    std::vector<Mean> means(static_cast<std::size_t>(corpus_.size()));
    for (const auto& [place, group] : groups_) {
      if (!pattern.empty() && std::get<0>(place) != pattern) continue;
      const auto places = places_of(estimate(group));
      for (std::size_t i = 0; i < places.size(); ++i) means[group.utterances[i]].add(places[i]);
    }
    std::vector<double> result;
    for (const auto& mean : means) result.push_back(mean.value());
    return result;
  }

  /// The target of the estimates, by utterance; NaN = unknown.
  [[nodiscard]] std::vector<double> target(const std::string& name,
                                           const std::string& pattern) const {
    const auto n = static_cast<std::size_t>(corpus_.size());
    std::vector<double> values(n, kNone);
    if (name == "true difficulty") {
      for (std::size_t i = 0; i < corpus_.true_difficulty.size(); ++i) {
        values[i] = static_cast<double>(corpus_.true_difficulty[i]);
      }
      return values;
    }
    const auto found = held_out_.find(pattern);
    if (found == held_out_.end()) return values;
    for (std::size_t i = 0; i < n; ++i) {
      const HeldOut& measured = found->second[i];
      values[i] = name == "held-out loss" ? measured.loss.value() : measured.error.value();
    }
    return values;
  }

  [[nodiscard]] Stability stability_of(const std::string& pattern) const {
    std::map<int, std::vector<const FitScores*>> by_fold;
    for (const auto& [place, group] : groups_) {
      if (std::get<0>(place) == pattern) by_fold[std::get<1>(place)].push_back(&group);
    }
    Mean mean;
    for (const auto& [fold, groups] : by_fold) {
      for (std::size_t x = 0; x < groups.size(); ++x) {
        for (std::size_t y = x + 1; y < groups.size(); ++y) {
          const double correlation = rank_correlation(groups[x]->score, groups[y]->score);
          if (!std::isnan(correlation)) mean.add(correlation);
        }
      }
    }
    Stability stability = {pattern, mean.value(), mean.count, ""};
    if (mean.count == 0) stability.missing = "needs two seeds whose scores vary";
    return stability;
  }

  /// The supports of an utterance in the first fold and seed that trained on it.
  [[nodiscard]] std::map<std::string, std::vector<CaseSupport>> supports(
      const std::string& pattern) const {
    const TableReader table(run_.supports_file());
    const auto utterance = table.column("utterance");
    const auto fold = table.column("fold");
    const auto seed = table.column("seed");
    const auto label = table.column("pattern");
    const auto support = table.column("support");
    const auto distance = table.column("distance");
    std::map<std::string, std::vector<CaseSupport>> result;
    std::map<std::string, std::string> source;
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (table.text(row, label) != pattern) continue;
      const auto& id = table.text(row, utterance);
      const auto place = table.text(row, fold) + " " + table.text(row, seed);
      if (source.emplace(id, place).first->second != place) continue;
      const auto other = utterance_of(table, table.text(row, support));
      result[id].push_back({table.text(row, support), label_of(other),
                            corpus_.utterances[other].transcript, table.number(row, distance)});
    }
    return result;
  }

  [[nodiscard]] std::string label_of(std::size_t utterance) const {
    const float label = corpus_.utterances[utterance].label;
    if (std::isnan(label)) return "not labelled";
    if (corpus_.class_names.empty()) return fmt::format("{:.2f}", label);
    return corpus_.class_names[static_cast<std::size_t>(label)];
  }

  [[nodiscard]] const Corpus& corpus() const { return corpus_; }

 private:
  std::size_t utterance_of(const TableReader& table, const std::string& id) const {
    const auto found = index_.find(id);
    if (found == index_.end()) {
      throw DataError(fmt::format("{}: utterance {} is not in the corpus {}; give the run's corpus",
                                  table.file(), id, corpus_.source));
    }
    return found->second;
  }

  void read_hardness() {
    const TableReader table(run_.hardness_file());
    const auto utterance = table.column("utterance");
    const auto fold = table.column("fold");
    const auto seed = table.column("seed");
    const auto pattern = table.column("pattern");
    const auto direct = table.column("direct");
    const auto indirect = table.column("indirect");
    const auto score = table.column("score");
    for (std::size_t row = 0; row < table.rows(); ++row) {
      const double value = table.number(row, direct);
      const double shared = table.number(row, indirect);
      if (std::isnan(value) || std::isnan(shared)) continue;
      FitScores& group =
          groups_[{table.text(row, pattern), static_cast<int>(table.number(row, fold)),
                   static_cast<std::int64_t>(table.number(row, seed))}];
      group.utterances.push_back(utterance_of(table, table.text(row, utterance)));
      group.direct.push_back(static_cast<float>(value));
      group.indirect.push_back(static_cast<float>(shared));
      group.score.push_back(table.number(row, score));
    }
    if (groups_.empty()) {
      throw ArtifactError(fmt::format(
          "{}: holds no hardness; the run has to estimate it (hardymer.hardness.components and "
          "hardymer.retrieval.supports not \"none\")",
          table.file()));
    }
  }

  void read_predictions() {
    const TableReader table(run_.predictions_file());
    const auto utterance = table.column("utterance");
    const auto condition = table.column("condition");
    const auto truth = table.column("truth");
    const auto predicted = table.column("predicted");
    std::vector<std::size_t> probabilities;
    for (const auto& name : corpus_.class_names) probabilities.push_back(table.column("p_" + name));
    const auto n = static_cast<std::size_t>(corpus_.size());
    for (std::size_t row = 0; row < table.rows(); ++row) {
      auto& all = held_out_[table.text(row, condition)];
      all.resize(n);
      const auto u = utterance_of(table, table.text(row, utterance));
      if (!corpus_.values.empty() && corpus_.values[u] == 0) continue;  // neither class
      const bool is_scored =
          corpus_.utterances[u].is_labelled() && !table.text(row, predicted).empty();
      if (!is_scored) continue;
      HeldOut& measured = all[u];
      if (corpus_.class_names.empty()) {
        const double real = table.number(row, truth);
        const double guess = table.number(row, predicted);
        measured.loss.add((guess - real) * (guess - real));
        if (real != 0) measured.error.add((guess > 0) == (real > 0) ? 0 : 1);
      } else {
        const auto label = static_cast<std::size_t>(corpus_.utterances[u].label);
        constexpr double kLeast = 1e-12;  // bounds the loss of a confident error
        measured.loss.add(-std::log(std::max(kLeast, table.number(row, probabilities[label]))));
        measured.error.add(table.text(row, truth) == table.text(row, predicted) ? 0 : 1);
      }
    }
  }

  const RunFolder& run_;
  const Corpus& corpus_;
  std::map<std::string, std::size_t> index_;
  std::map<GroupPlace, FitScores> groups_;
  std::map<std::string, std::vector<HeldOut>> held_out_;  // by pattern, [N]
};

Validity validity_of(const Evidence& evidence, const std::string& name, const Estimate& estimate,
                     const std::string& target, const std::string& pattern) {
  const auto hardness = evidence.mean_places(pattern, estimate);
  const auto truth = evidence.target(target, pattern);
  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t i = 0; i < hardness.size(); ++i) {
    if (std::isnan(hardness[i]) || std::isnan(truth[i])) continue;
    x.push_back(hardness[i]);
    y.push_back(truth[i]);
  }
  Validity result = {
      name, target, pattern, static_cast<std::int64_t>(x.size()), rank_correlation(x, y), ""};
  if (x.empty()) {
    result.missing = target == "true difficulty"
                         ? "real data: nobody knows it"
                         : "no utterance is both trained on and held out; run with "
                           "protocol.split=kfold or group";
  } else if (std::isnan(result.correlation)) {
    result.missing = x.size() < 3 ? "fewer than three utterances" : "one side does not vary";
  }
  return result;
}

void add_cases(const Evidence& evidence, const Estimate& score, std::size_t count,
               HardnessReport& report) {
  const Corpus& corpus = evidence.corpus();
  const auto complete =
      pattern_label(Pattern::complete(corpus.modality_count()), corpus.modality_names());
  const auto places = evidence.mean_places("", score);
  const auto loss = evidence.target("held-out loss", complete);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!std::isnan(places[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return places[x] > places[y]; });
  auto supports = evidence.supports(complete);
  const auto case_of = [&](std::size_t i) {
    const Utterance& utterance = corpus.utterances[i];
    const double difficulty =
        corpus.true_difficulty.empty() ? kNone : static_cast<double>(corpus.true_difficulty[i]);
    return Case{utterance.id, evidence.label_of(i),  utterance.transcript, places[i], difficulty,
                loss[i],      supports[utterance.id]};
  };
  count = std::min(count, order.size() / 2);
  for (std::size_t i = 0; i < count; ++i) {
    report.hardest.push_back(case_of(order[i]));
    report.easiest.push_back(case_of(order[order.size() - 1 - i]));
  }
}

}  // namespace

HardnessReport examine_hardness(const RunFolder& run, const Corpus& corpus, std::size_t cases) {
  if (!run.is_complete()) {
    throw ArtifactError(
        fmt::format("{}: the run is not finished; the command that began it "
                    "continues it",
                    run.path().string()));
  }
  if (run.manifest().data_checksum != corpus.checksum) {
    throw DataError(fmt::format("{}: is not the corpus of the run {}; give that", corpus.source,
                                run.path().string()));
  }
  const Evidence evidence(run, corpus);
  const auto estimates = estimates_of(run.manifest().config);
  HardnessReport report;
  report.data_name = corpus.name;
  report.is_synthetic = corpus.is_synthetic;
  for (const char* target : {"true difficulty", "held-out loss", "held-out error"}) {
    for (const auto& [name, estimate] : estimates) {
      for (const auto& pattern : evidence.patterns()) {
        report.validity.push_back(validity_of(evidence, name, estimate, target, pattern));
      }
    }
  }
  for (const auto& pattern : evidence.patterns()) {
    report.stability.push_back(evidence.stability_of(pattern));
  }
  const auto own_score = [](const FitScores& group) { return group.score; };
  add_cases(evidence, own_score, cases, report);
  return report;
}

}  // namespace hardy
