#include "protocol/run_protocol.h"

#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/intervals.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/checksum.h"
#include "hardy/check.h"
#include "hardy/errors.h"
#include "hardy/missing.h"
#include "hardy/split.h"
#include "methods/fold_stage.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "pipeline/cpu_time.h"
#include "protocol/masks.h"
#include "protocol/model_file.h"
#include "protocol/run_costs.h"
#include "protocol/trained_corpora.h"

namespace hardy {
namespace {

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

at::Device device_of(const Config& config) {
  if (config.run.device == "cuda" && !at::hasCUDA()) {
    throw ConfigError("--device cuda: this build of libtorch has no CUDA or finds no GPU; use cpu");
  }
  return at::Device(config.run.device);
}

/// Patterns of the unified track: all of them while that is a sensible number, else those reported.
std::vector<Pattern> unified_patterns(int modalities, const std::vector<Pattern>& conditions) {
  constexpr int kMostForAll = 6;
  return modalities <= kMostForAll ? all_patterns(modalities) : conditions;
}

/// The same fits seen on their validation parts.
std::vector<FitOutcome> on_validation(std::vector<FitOutcome> outcomes) {
  for (auto& outcome : outcomes) outcome.test = std::move(outcome.validation);
  return outcomes;
}

/// The method on one fold under one seed.
struct Group {
  int fold = 0;
  std::int64_t seed = 0;
  TrainedCorpus* data = nullptr;
  std::unique_ptr<FoldMethod> method;
};

/// One model to be trained: a specialist of one pattern, or the unified model of several.
struct FitTask {
  const FoldData& data;
  const Group& group;
  std::string track;
  std::vector<Pattern> trained;
};

using FitFunction = std::function<void(const FitTask& task, TaskContext& context)>;

/// One run in progress: corpus, folds, tasks, and what the tasks leave behind.
class Protocol {
 public:
  Protocol(const ProtocolRequest& request, const Corpus& corpus, Progress& progress)
      : request_(request),
        config_(request.config),
        method_(find_method(config_.protocol.method)),
        corpus_(corpus),
        progress_(progress),
        device_(device_of(config_)),
        folds_(check_request(request, corpus)),
        plan_(checked_plan(config_, corpus)),
        folder_(make_folder(request, corpus, folds_)),
        cache_(request.cache.empty() ? folder_.path() / "stages" : request.cache,
               request.checkpoint_interval_s) {
    for (const auto& spec : plan_.masks) {
      masks_.push_back(draw_masks(corpus, spec, plan_.mask_seed));
    }
    trained_ = make_trained_corpora(corpus, folds_, plan_, masks_, device_);
  }

  /// Trains every model by `fit`, after the stages that it shares with others, and writes the run
  /// folder.
  ProtocolResult run(const FitFunction& fit) {
    const auto started = std::chrono::steady_clock::now();
    ProtocolResult result;
    result.timings.started = utc_now();
    Scheduler scheduler({.jobs = jobs(),
                         .stop = request_.stop,
                         .start_worker = [] { use_one_thread(); },
                         .progress = &progress_});
    add_tasks(scheduler, fit);
    scheduler.run();
    const auto storage_problem = method_.storage_problem(config_);
    if (config_.run.models != KeptModels::kNone && storage_problem) {
      progress_.note("no models were stored: " + *storage_problem);
    }
    std::vector<std::string> names;
    for (const auto& fold : folds_) names.push_back(fold.name);
    result.folder = folder_.path();
    result.results = make_results(outcomes_, corpus_, names);
    // Several labels or values per utterance have no tallies to be resampled.
    if (!request_.only_validation && corpus_.target_names.empty()) {
      add_intervals(result.results, prediction_table(outcomes_, corpus_));
    }
    result.results.method = config_.protocol.method;
    result.results.defects = caveats_of(config_);
    result.validation = make_results(on_validation(outcomes_), corpus_, names);
    result.validation.method = config_.protocol.method;
    result.validation.defects = result.results.defects;
    describe_masks(plan_, corpus_, tested(), result.results);
    describe_masks(plan_, corpus_, tested(), result.validation);
    write_tables();
    if (!request_.only_validation) write_predictions(folder_, outcomes_, corpus_);
    write_curves(folder_, outcomes_, corpus_);
    if (!result.validation.scores.empty()) write_validation(folder_, result.validation);
    write_results(folder_, result.results);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
    result.timings.wall_s = wall.count();
    // The clock may have been set back meanwhile.
    result.timings.finished = std::max(utc_now(), result.timings.started);
    result.timings.jobs = jobs();
    result.timings.cache = cache_.statistics();
    cost_book_.finish(outcomes_, costs_.total(), result.timings);
    write_timings(folder_, result.timings);
    return result;
  }

  /// Trains (or fetches) one model, runs it over the held-out parts and keeps both: a specialist
  /// for one pattern under that pattern, the unified model under every condition, a model of masked
  /// data under its masks.
  void fit(const FitTask& task, TaskContext& context) {
    const auto& [plain, group, track, trained] = task;
    const auto arrays = group.method->fit(plain, trained, context);
    const auto data = group.method->input_data(plain, context);
    const MaskSpec* spec = group.data->spec;
    const auto complete = Pattern::complete(corpus_.modality_count());
    FitOutcome outcome;
    outcome.track = track;
    outcome.trained = spec != nullptr ? Condition(corpus_.modality_count(), spec->label)
                                      : Condition(track == "unified" ? complete : trained[0]);
    outcome.fold = group.fold;
    outcome.seed = group.seed;
    outcome.curve = curve_of(arrays);
    outcome.train_cpu_s = FoldStage::cpu_seconds(arrays);
    const double before = thread_cpu_s();
    if (spec != nullptr) {
      const bool is_whole = plan_.at == MissingAt::kTraining;
      evaluate(is_whole ? unmasked(data, arrays) : data, arrays, outcome.trained, outcome);
    } else {
      for (const auto pattern : track == "unified" ? plan_.patterns : trained) {
        evaluate(data, arrays, pattern, outcome);
      }
      for (std::size_t i = 0; track == "unified" && i < masks_.size() && is_masked_at_test(); ++i) {
        evaluate(with_masks(data, masks_[i]), arrays,
                 Condition(corpus_.modality_count(), plan_.masks[i].label), outcome);
      }
    }
    cost_book_.add_prediction(outcome, arrays, thread_cpu_s() - before);
    const bool is_kept =
        config_.run.models == KeptModels::kAll || word_of(config_.run.models) == track;
    if (is_kept && spec == nullptr && !method_.storage_problem(config_)) {
      save_model(folder_.model_file({track, outcome.trained.pattern, group.fold, group.seed}),
                 arrays, data, describe_fit(outcome, data, config_));
    }
    const std::lock_guard lock(mutex_);
    outcomes_.push_back(std::move(outcome));
  }

 private:
  static RunFolder make_folder(const ProtocolRequest& request, const Corpus& corpus,
                               const std::vector<Fold>& folds) {
    std::vector<std::string> names;
    for (const auto& fold : folds) names.push_back(fold.name);
    auto manifest = make_manifest(request.command, request.config, corpus, names);
    manifest.only_fold = request.only_fold;
    auto folder = request.folder;
    if (folder.empty()) {
      Config named = request.config;
      named.run.jobs = 0;
      const auto digest = sha256(config_toml(named) + corpus.checksum + request.command);
      std::string name = corpus.name.substr(0, corpus.name.find(' '));
      std::replace(name.begin(), name.end(), '/', '-');
      folder = std::filesystem::path("runs") / fmt::format("{}-{}", name, digest.substr(0, 8));
    }
    return RunFolder::create(folder, manifest,
                             request.overwrite ? ExistingRun::kOverwrite : ExistingRun::kResume);
  }

  [[nodiscard]] bool is_wanted(const Fold& fold) const {
    return !request_.only_fold || *request_.only_fold == fold.index;
  }

  [[nodiscard]] int jobs() const {
    if (config_.run.jobs > 0) return static_cast<int>(config_.run.jobs);
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  [[nodiscard]] bool has_track(const std::string& track) const {
    return config_.protocol.tracks == Tracks::kBoth || word_of(config_.protocol.tracks) == track;
  }

  /// The utterances of all test parts of this run.
  [[nodiscard]] std::vector<std::int64_t> tested() const {
    std::set<std::int64_t> utterances;
    for (const auto& fold : folds_) {
      if (!is_wanted(fold)) continue;
      for (const auto i : utterances_of(corpus_, fold.test)) utterances.insert(i);
    }
    return {utterances.begin(), utterances.end()};
  }

  [[nodiscard]] std::vector<Pattern> patterns_of_unified() const {
    return unified_patterns(corpus_.modality_count(), plan_.patterns);
  }

  /// Every pattern that some fit on this corpus trains on.
  [[nodiscard]] std::vector<Pattern> trained_patterns(const TrainedCorpus& data) const {
    if (has_track("unified")) return patterns_of_unified();
    if (data.spec == nullptr) return plan_.patterns;
    return {Pattern::complete(corpus_.modality_count())};
  }

  void add_tasks(Scheduler& scheduler, const FitFunction& fit) {
    int priority = 0;
    for (const auto& data : trained_) {
      for (const auto& fold : folds_) {
        if (!is_wanted(fold)) continue;
        for (const auto seed : config_.run.seeds) {
          add_group(scheduler, make_group(*data, fold, seed), --priority, fit);
        }
      }
    }
  }

  std::shared_ptr<Group> make_group(TrainedCorpus& data, const Fold& fold, std::int64_t seed) {
    auto group = std::make_shared<Group>();
    group->fold = fold.index;
    group->seed = seed;
    group->data = &data;
    group->method = method_.on_fold({.corpus = *data.corpus,
                                     .fold = fold,
                                     .config = config_,
                                     .seed = seed,
                                     .patterns = trained_patterns(data),
                                     .cache = cache_,
                                     .costs = costs_});
    groups_.push_back(group);
    return group;
  }

  void add_group(Scheduler& scheduler, const std::shared_ptr<Group>& group, int priority,
                 const FitFunction& fit) {
    FoldShelf& shelf = *group->data->shelf;
    const MaskSpec* spec = group->data->spec;
    const auto where = fmt::format("fold {}, seed {}{}", group->fold + 1, group->seed,
                                   spec == nullptr ? "" : ", " + spec->label);
    using Work = std::function<void(const FoldData&, TaskContext&)>;
    const auto add = [&](const std::string& what, std::vector<TaskId> dependencies, double cost,
                         Work work) {
      shelf.announce_task(group->fold);
      return scheduler.add(
          {.name = where + ": " + what,
           .dependencies = std::move(dependencies),
           .priority = priority,
           .cost = cost,
           .work = [this, what, group, &shelf, work = std::move(work)](TaskContext& c) {
             const double before = thread_cpu_s();
             work(*shelf.data(group->fold), c);
             shelf.end_task(group->fold);
             cost_book_.add_stage(what, thread_cpu_s() - before);
           }});
    };
    std::vector<TaskId> shared;
    for (auto& stage : group->method->shared_stages()) {
      shared.push_back(add(stage.name, {}, stage.cost, std::move(stage.work)));
    }
    const double cost = group->method->fit_cost();
    const auto names = corpus_.modality_names();
    if (has_track("specialist")) {
      const std::vector<Pattern> complete = {Pattern::complete(corpus_.modality_count())};
      for (const auto condition : spec == nullptr ? plan_.patterns : complete) {
        add(fmt::format("specialist {{{}}}", pattern_label(condition, names)), shared, cost,
            [&fit, group, condition](const FoldData& data, TaskContext& context) {
              fit({data, *group, "specialist", {condition}}, context);
            });
      }
    }
    if (has_track("unified")) {
      add("unified", shared, cost, [this, &fit, group](const FoldData& data, TaskContext& context) {
        fit({data, *group, "unified", patterns_of_unified()}, context);
      });
    }
  }

  [[nodiscard]] bool is_masked_at_test() const { return plan_.at == MissingAt::kTest; }

  /// The data as they are, scaled as the model of masked data reads them.
  [[nodiscard]] FoldData unmasked(const FoldData& masked, const TensorFile& arrays) const {
    FoldData whole = masked;
    whole.corpus = &corpus_;
    whole.table = apply_scaling(make_feature_table(corpus_, device_), masked.scaling);
    whole.table = method_.stored_input(whole, config_, arrays);
    return whole;
  }

  /// Outputs on the held-out parts; what is missing follows from `data` and the pattern.
  void evaluate(const FoldData& data, const TensorFile& arrays, const Condition& condition,
                FitOutcome& outcome) const {
    const auto add = [&](const std::vector<std::int64_t>& dialogues,
                         std::vector<Evaluation>& list) {
      list.push_back({condition, utterances_of(corpus_, dialogues),
                      method_.predict(data, config_, arrays, dialogues, condition.pattern)});
    };
    if (!request_.only_validation) add(data.fold.test, outcome.test);
    if (!data.fold.validation.empty()) add(data.fold.validation, outcome.validation);
  }

  void write_tables() const {
    std::vector<const FoldMethod*> fits;
    for (const auto& group : groups_) {
      if (group->data->spec == nullptr) fits.push_back(group->method.get());
    }
    method_.write_tables(folder_, config_, fits);
  }

  const ProtocolRequest& request_;
  const Config& config_;
  const Method& method_;
  const Corpus& corpus_;
  Progress& progress_;
  at::Device device_;  // before the folder: what cannot run leaves nothing behind
  std::vector<Fold> folds_;
  ConditionPlan plan_;
  std::vector<std::vector<Pattern>> masks_;  // of plan_.masks
  RunFolder folder_;
  StageCache cache_;
  CostBook cost_book_;  ///< from here on: a process may run several protocols
  StageCosts costs_;
  std::vector<std::unique_ptr<TrainedCorpus>> trained_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::mutex mutex_;  // guards what follows
  std::vector<FitOutcome> outcomes_;
};

}  // namespace

std::vector<Fold> check_request(const ProtocolRequest& request, const Corpus& corpus) {
  const Config& config = request.config;
  require_trainable(corpus, config.protocol);
  auto folds = make_folds(corpus, config.protocol);
  if (request.only_fold && *request.only_fold >= static_cast<int>(folds.size())) {
    std::vector<std::string> names;
    for (const auto& fold : folds) names.push_back(fold.name);
    throw ConfigError(fmt::format("--fold {}: this corpus has {} folds: {}", *request.only_fold + 1,
                                  folds.size(), fmt::join(names, ", ")));
  }
  std::vector<Fold> wanted;
  for (const auto& fold : folds) {
    if (!request.only_fold || *request.only_fold == fold.index) wanted.push_back(fold);
  }
  const Method& method = find_method(config.protocol.method);
  if (const auto problem = method.problem_with(corpus, wanted, config)) {
    throw DataError(fmt::format("{}: {} cannot serve this corpus: {}", corpus.source,
                                declared_method(config.protocol.method).title, *problem));
  }
  return folds;
}

ProtocolResult run_protocol(const ProtocolRequest& request, const Corpus& corpus,
                            Progress& progress) {
  keep_freed_memory();
  use_one_thread();
  Protocol protocol(request, corpus, progress);
  return protocol.run(
      [&](const FitTask& task, TaskContext& context) { protocol.fit(task, context); });
}

}  // namespace hardy
