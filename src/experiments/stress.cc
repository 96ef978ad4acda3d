#include "experiments/stress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/headline.h"
#include "hardy/errors.h"
#include "hardy/mapped_file.h"
#include "hardy/results.h"
#include "metrics/registry.h"

namespace hardy {
namespace {

std::size_t place_of(std::int64_t index) { return static_cast<std::size_t>(index); }

/// The value of a metric. Throws ConfigError where the labels do not have it or it is not defined.
double value_of(const Score& score, const std::string& metric) {
  std::vector<std::string> known;
  for (const auto& one : score.metrics) {
    known.push_back(one.name);
    if (one.name != metric) continue;
    if (!std::isnan(one.value)) return one.value;
    throw ConfigError(fmt::format(
        "metric {} is not defined on these utterances; choose another, e.g. --metric {}", metric,
        score.metrics.front().name));
  }
  throw ConfigError(
      fmt::format("the labels have no metric '{}'; they have {}", metric, fmt::join(known, ", ")));
}

/// A pass of all models over the corpus, with or without damage.
struct Pass {
  int damaged = -1;  ///< modality; -1 = none
  const DamageRequest* request = nullptr;
  Pattern available;
};

/// Sums over models.
struct PassSums {
  StressScore score;
  std::int64_t utterances = 0;
  std::int64_t touched = 0;
  std::vector<std::int64_t> judged;     ///< [M] utterances that have the modality (or the damage)
  std::vector<std::int64_t> suspected;  ///< [M] of them
};

class StressRun {
 public:
  StressRun(const std::vector<StressedModel>& models, const Corpus& corpus,
            const MatchedClasses& classes, const StressPlan& plan)
      : models_(models), corpus_(corpus), classes_(classes), plan_(plan), metric_(plan.metric) {
    if (metric_.empty()) metric_ = headline_of(corpus).front();
  }

  [[nodiscard]] const std::string& metric() const { return metric_; }

  /// Runs every model; scores are means over them.
  PassSums run(const Pass& pass) {
    PassSums sums;
    sums.score.plain = 0;
    sums.score.set_aside = plan_.set_aside_rate > 0 ? 0 : sums.score.set_aside;
    sums.judged.assign(corpus_.modalities.size(), 0);
    sums.suspected = sums.judged;
    const auto share = 1 / static_cast<double>(models_.size());
    for (const auto& model : models_) {
      DamagedModality damage;
      if (pass.request != nullptr) {
        DamageRequest request = *pass.request;
        request.mean = model.means[request.modality];
        request.deviation = model.deviations[request.modality];
        damage = damage_modality(corpus_, model.dialogues, request);
        sums.touched += std::count(damage.touched.begin(), damage.touched.end(), 1);
      }
      sums.score.plain += share * score(model, pass, damage, 0, sums);
      if (plan_.set_aside_rate > 0) {
        sums.score.set_aside += share * score(model, pass, damage, plan_.set_aside_rate, sums);
      }
    }
    return sums;
  }

 private:
  /// The utterances of a dialogue as views of the corpus's features, or of the damaged ones.
  void show(const Dialogue& dialogue, const Pass& pass, const DamagedModality& damage) {
    views_.clear();
    std::vector<std::string> speakers;
    for (auto u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
      UtteranceView view;
      for (std::size_t m = 0; m < corpus_.modalities.size(); ++m) {
        const auto& modality = corpus_.modalities[m];
        if (modality.present[place_of(u)] == 0) continue;
        view.features[m] = static_cast<int>(m) == pass.damaged
                               ? damage.features.data() + u * modality.width
                               : modality.row(u).data();
      }
      const auto& name = corpus_.utterances[place_of(u)].speaker;
      if (!name.empty()) {
        const auto known = std::find(speakers.begin(), speakers.end(), name);
        view.speaker = known - speakers.begin();
        if (known == speakers.end()) speakers.push_back(name);
      }
      views_.push_back(view);
    }
  }

  /// Counts whose modality was judged and suspected: with damage those with damage.
  void count(const Dialogue& dialogue, const Pass& pass, const DamagedModality& damage,
             const Predictions& predictions, PassSums& sums) const {
    for (std::int64_t i = 0; i < predictions.count; ++i) {
      const auto u = place_of(dialogue.first + i);
      for (std::size_t m = 0; m < corpus_.modalities.size(); ++m) {
        const bool is_wanted = pass.damaged < 0
                                   ? corpus_.modalities[m].present[u] != 0
                                   : static_cast<int>(m) == pass.damaged && damage.touched[u] != 0;
        if (!is_wanted) continue;
        ++sums.judged[m];
        sums.suspected[m] += predictions.suspected[place_of(i)].has(static_cast<int>(m)) ? 1 : 0;
      }
    }
  }

  double score(const StressedModel& model, const Pass& pass, const DamagedModality& damage,
               double rate, PassSums& sums) {
    PredictOptions options;
    options.available = pass.available;
    options.set_aside_rate = rate;
    Evaluation evaluation{pass.available, {}, {}};
    const bool is_classes = corpus_.label_kind == LabelKind::kClass;
    for (const auto d : model.dialogues) {
      const auto& dialogue = corpus_.dialogues[place_of(d)];
      show(dialogue, pass, damage);
      const auto predictions = model.recogniser.predict(views_, workspace_, options);
      const auto outputs = is_classes ? predictions.raw_probabilities : predictions.probabilities;
      evaluation.outputs.insert(evaluation.outputs.end(), outputs.begin(), outputs.end());
      for (std::int64_t i = 0; i < dialogue.count; ++i) {
        evaluation.utterances.push_back(dialogue.first + i);
      }
      if (rate > 0) count(dialogue, pass, damage, predictions, sums);
    }
    if (classes_.changes_outputs()) evaluation.outputs = classes_.merge(evaluation.outputs);
    const Score score = score_evaluation(evaluation, corpus_);
    if (rate == 0) sums.utterances += score.utterances;
    return value_of(score, metric_);
  }

  const std::vector<StressedModel>& models_;
  const Corpus& corpus_;
  const MatchedClasses& classes_;
  const StressPlan& plan_;
  std::string metric_;
  Workspace workspace_;
  std::vector<UtteranceView> views_;
};

double share_of(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

StressedModel load_stressed(const std::filesystem::path& file,
                            std::vector<std::int64_t> dialogues) {
  StressedModel model{Recogniser::load(file), std::move(dialogues), {}, {}};
  const MappedFile mapped(file, Residence::kMapped);
  const auto contents = view_tensor_file(mapped.bytes(), file.string());
  for (const auto& modality : model.recogniser.info().modalities) {
    const auto mean = contents.floats("scaling." + modality.name + ".mean");
    const auto deviation = contents.floats("scaling." + modality.name + ".deviation");
    model.means.emplace_back(mean.begin(), mean.end());
    model.deviations.emplace_back(deviation.begin(), deviation.end());
  }
  return model;
}

StressResult stress_models(const std::vector<StressedModel>& models, const Corpus& corpus,
                           const MatchedClasses& classes, const StressPlan& plan,
                           const std::function<void(double)>& step) {
  check(!models.empty(), "there is no model to stress");
  StressRun run(models, corpus, classes, plan);
  const auto complete = Pattern::complete(corpus.modality_count());
  const auto per_modality = 1 + plan.damages.size() * plan.severities.size();
  const auto passes = static_cast<double>(1 + plan.modalities.size() * per_modality);
  double done = 0;
  StressResult result;
  result.metric = run.metric();
  result.is_error = !is_higher_better(result.metric);
  result.models = static_cast<std::int64_t>(models.size());
  const PassSums clean = run.run({-1, nullptr, complete});
  result.clean = clean.score;
  result.utterances = clean.utterances;
  step(++done / passes);
  for (const int m : plan.modalities) {
    const auto place = static_cast<std::size_t>(m);
    StressModality& modality = result.modalities.emplace_back();
    modality.modality = m;
    const Pattern others(complete.bits() & ~(std::uint32_t{1} << place));
    modality.missing = run.run({-1, nullptr, others}).score.plain;
    if (plan.set_aside_rate > 0) {
      modality.false_alarms = share_of(clean.suspected[place], clean.judged[place]);
    }
    step(++done / passes);
    for (const auto damage : plan.damages) {
      for (const double severity : plan.severities) {
        const DamageRequest request{damage, severity, place, plan.seed, {}, {}};
        const PassSums sums = run.run({m, &request, complete});
        StressCell& cell = result.cells.emplace_back();
        cell.modality = m;
        cell.damage = damage;
        cell.severity = severity;
        cell.touched = sums.touched;
        if (sums.touched > 0) cell.score = sums.score;
        if (plan.set_aside_rate > 0) {
          cell.suspected = share_of(sums.suspected[place], sums.judged[place]);
        }
        step(++done / passes);
      }
    }
  }
  return result;
}

}  // namespace hardy
