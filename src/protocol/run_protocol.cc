#include "protocol/run_protocol.h"

#include <sys/resource.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
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
#include "hardy/split.h"
#include "methods/fold_stage.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "pipeline/cpu_time.h"
#include "protocol/fold_shelf.h"
#include "protocol/model_file.h"

namespace hardy {
namespace {

/// CPU seconds of the process so far.
double process_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

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
        conditions_(parse_conditions(config_.protocol.conditions, corpus.modality_names())),
        folder_(make_folder(request, corpus, folds_)),
        cache_(request.cache.empty() ? folder_.path() / "stages" : request.cache,
               request.checkpoint_interval_s) {
    shelf_ = std::make_unique<FoldShelf>(corpus, folds_, device_);
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
    write_tables();
    if (!request_.only_validation) write_predictions(folder_, outcomes_, corpus_);
    write_curves(folder_, outcomes_, corpus_);
    if (!result.validation.scores.empty()) write_validation(folder_, result.validation);
    write_results(folder_, result.results);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
    result.timings.wall_s = wall.count();
    finish_timings(result.timings);
    return result;
  }

  /// Trains (or fetches) one model, runs it over the held-out parts and keeps both: a specialist
  /// for one pattern under that pattern, the unified model under every condition.
  void fit(const FitTask& task, TaskContext& context) {
    const auto& [plain, group, track, trained] = task;
    const auto& evaluated = track == "unified" ? conditions_ : trained;
    const auto arrays = group.method->fit(plain, trained, context);
    const auto data = group.method->input_data(plain, context);
    FitOutcome outcome;
    outcome.track = track;
    outcome.trained = track == "unified" ? Pattern::complete(corpus_.modality_count()) : trained[0];
    outcome.fold = group.fold;
    outcome.seed = group.seed;
    outcome.curve = curve_of(arrays);
    outcome.train_cpu_s = FoldStage::cpu_seconds(arrays);
    const double before = thread_cpu_s();
    for (const auto pattern : evaluated) {
      if (!request_.only_validation) {
        outcome.test.push_back(evaluate(data, arrays, data.fold.test, pattern));
      }
      if (!data.fold.validation.empty()) {
        outcome.validation.push_back(evaluate(data, arrays, data.fold.validation, pattern));
      }
    }
    note_prediction(outcome, arrays, thread_cpu_s() - before);
    const bool is_kept =
        config_.run.models == KeptModels::kAll || word_of(config_.run.models) == track;
    if (is_kept && !method_.storage_problem(config_)) {
      save_model(folder_.model_file({track, outcome.trained, group.fold, group.seed}), arrays, data,
                 describe_fit(outcome, data, config_));
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

  /// Every pattern that some fit trains on.
  [[nodiscard]] std::vector<Pattern> trained_patterns() const {
    const auto unified = unified_patterns(corpus_.modality_count(), conditions_);
    return has_track("unified") ? unified : conditions_;
  }

  void add_tasks(Scheduler& scheduler, const FitFunction& fit) {
    int priority = 0;
    for (const auto& fold : folds_) {
      if (!is_wanted(fold)) continue;
      for (const auto seed : config_.run.seeds) {
        auto group = std::make_shared<Group>();
        group->fold = fold.index;
        group->seed = seed;
        group->method = method_.on_fold({.corpus = corpus_,
                                         .fold = fold,
                                         .config = config_,
                                         .seed = seed,
                                         .patterns = trained_patterns(),
                                         .cache = cache_,
                                         .costs = costs_});
        groups_.push_back(group);
        add_group(scheduler, group, --priority, fit);
      }
    }
  }

  void add_group(Scheduler& scheduler, const std::shared_ptr<Group>& group, int priority,
                 const FitFunction& fit) {
    const auto where = fmt::format("fold {}, seed {}", group->fold + 1, group->seed);
    using Work = std::function<void(const FoldData&, TaskContext&)>;
    const auto add = [&](const std::string& what, std::vector<TaskId> dependencies, double cost,
                         Work work) {
      shelf_->announce_task(group->fold);
      return scheduler.add({.name = where + ": " + what,
                            .dependencies = std::move(dependencies),
                            .priority = priority,
                            .cost = cost,
                            .work = [this, what, group, work = std::move(work)](TaskContext& c) {
                              const double before = thread_cpu_s();
                              work(*shelf_->data(group->fold), c);
                              shelf_->end_task(group->fold);
                              note_cost(what, thread_cpu_s() - before);
                            }});
    };
    std::vector<TaskId> shared;
    for (auto& stage : group->method->shared_stages()) {
      shared.push_back(add(stage.name, {}, stage.cost, std::move(stage.work)));
    }
    const double cost = group->method->fit_cost();
    const auto names = corpus_.modality_names();
    if (has_track("specialist")) {
      for (const auto condition : conditions_) {
        add(fmt::format("specialist {{{}}}", pattern_label(condition, names)), shared, cost,
            [&fit, group, condition](const FoldData& data, TaskContext& context) {
              fit({data, *group, "specialist", {condition}}, context);
            });
      }
    }
    if (has_track("unified")) {
      add("unified", shared, cost, [this, &fit, group](const FoldData& data, TaskContext& context) {
        fit({data, *group, "unified", unified_patterns(corpus_.modality_count(), conditions_)},
            context);
      });
    }
  }

  [[nodiscard]] Evaluation evaluate(const FoldData& data, const TensorFile& arrays,
                                    const std::vector<std::int64_t>& dialogues,
                                    Pattern pattern) const {
    return {pattern, utterances_of(corpus_, dialogues),
            method_.predict(data, config_, arrays, dialogues, pattern)};
  }

  void write_tables() const {
    std::vector<const FoldMethod*> fits;
    for (const auto& group : groups_) fits.push_back(group->method.get());
    method_.write_tables(folder_, config_, fits);
  }

  void note_prediction(const FitOutcome& outcome, const TensorFile& model, double cpu_s) {
    std::int64_t utterances = 0;
    for (const auto* part : {&outcome.test, &outcome.validation}) {
      for (const auto& evaluation : *part) {
        utterances += static_cast<std::int64_t>(evaluation.utterances.size());
      }
    }
    std::int64_t parameters = 0;
    for (const auto& [name, array] : model.arrays) {
      if (!name.starts_with("model.") && !name.starts_with("tuning.")) continue;
      std::int64_t values = 1;
      for (const auto size : array.shape) values *= size;
      parameters += values;
    }
    const std::lock_guard lock(mutex_);
    run_costs_.predict_cpu_s += cpu_s;
    run_costs_.predicted_utterances += utterances;
    run_costs_.parameters = std::max(run_costs_.parameters, parameters);
  }

  void note_cost(const std::string& stage, double cpu_s) {
    const std::lock_guard lock(mutex_);
    cost_[stage] += cpu_s;
  }

  /// What training took, whichever run it was computed in, and what this run's predictions took.
  [[nodiscard]] RunCosts total_costs() const {
    RunCosts costs = run_costs_;
    costs.shared_cpu_s = costs_.total();
    for (const auto& outcome : outcomes_) {
      (outcome.track == "unified" ? costs.unified_cpu_s : costs.specialist_cpu_s) +=
          outcome.train_cpu_s;
      costs.shared_cpu_s -= outcome.train_cpu_s;
    }
    return costs;
  }

  void finish_timings(RunTimings& timings) const {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    // The clock may have been set back meanwhile.
    timings.finished = std::max(utc_now(), timings.started);
    timings.jobs = jobs();
    timings.cpu_s = process_cpu_s() - cpu_before_s_;
    timings.peak_memory_bytes = std::int64_t{usage.ru_maxrss} * 1024;
    timings.cache = cache_.statistics();
    timings.stage_cpu_s.assign(cost_.begin(), cost_.end());
    timings.costs = total_costs();
    write_timings(folder_, timings);
  }

  const ProtocolRequest& request_;
  const Config& config_;
  const Method& method_;
  const Corpus& corpus_;
  Progress& progress_;
  at::Device device_;  // before the folder: what cannot run leaves nothing behind
  std::vector<Fold> folds_;
  std::vector<Pattern> conditions_;
  RunFolder folder_;
  StageCache cache_;
  double cpu_before_s_ = process_cpu_s();  ///< a process may run several protocols
  StageCosts costs_;
  std::unique_ptr<FoldShelf> shelf_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::mutex mutex_;  // guards what follows
  std::vector<FitOutcome> outcomes_;
  std::map<std::string, double> cost_;
  RunCosts run_costs_;
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
