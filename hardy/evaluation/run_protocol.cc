#include "hardy/evaluation/run_protocol.h"

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

#include "hardy/core/checksum.h"
#include "hardy/core/errors.h"
#include "hardy/data/split.h"
#include "hardy/evaluation/fold_shelf.h"
#include "hardy/evaluation/intervals.h"
#include "hardy/evaluation/model_file.h"
#include "hardy/evaluation/results_json.h"
#include "hardy/evaluation/results_text.h"
#include "hardy/evaluation/stages.h"
#include "hardy/tensor/threads.h"

namespace hardy {
namespace {

/// CPU seconds of the calling thread.
double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

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

/// Throws DataError when the corpus cannot be used at all.
const Corpus& usable(const Corpus& corpus) {
  if (corpus.modality_count() < 2) {
    throw DataError(fmt::format(
        "{}: the corpus has one modality; recognition under missing modalities needs two or more",
        corpus.source));
  }
  return corpus;
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

/// What a group of fits (one fold, one seed) shares.
struct Group {
  int fold = 0;
  std::int64_t seed = 0;
  Curriculum curriculum;
};

/// One run in progress: corpus, folds, tasks, and what the tasks leave behind.
class Protocol {
 public:
  Protocol(const ProtocolRequest& request, const Corpus& corpus, Progress& progress)
      : request_(request),
        config_(request.config),
        corpus_(usable(corpus)),
        progress_(progress),
        device_(device_of(config_)),
        folds_(make_folds(corpus, config_.protocol)),
        conditions_(parse_conditions(config_.protocol.conditions, corpus.modality_names())),
        folder_(make_folder(request, corpus, folds_)),
        cache_(request.cache.empty() ? folder_.path() / "stages" : request.cache) {
    shelf_ = std::make_unique<FoldShelf>(corpus, folds_, device_);
  }

  ProtocolResult run() {
    const auto started = std::chrono::steady_clock::now();
    ProtocolResult result;
    result.timings.started = utc_now();
    Scheduler scheduler({.jobs = jobs(),
                         .stop = request_.stop,
                         .start_worker = [] { use_one_thread(); },
                         .progress = &progress_});
    add_tasks(scheduler);
    scheduler.run();
    if (config_.run.models != "none" && config_.recogniser.input == "tuned") {
      progress_.note(
          "no models were stored: a recogniser of tuned features needs the tuning nets too");
    }
    std::vector<std::string> names;
    for (const auto& fold : folds_) names.push_back(fold.name);
    result.folder = folder_.path();
    result.results = make_results(outcomes_, corpus_, names);
    add_intervals(result.results, prediction_table(outcomes_, corpus_));
    result.validation = make_results(on_validation(outcomes_), corpus_, names);
    write_hardness();
    write_predictions(folder_, outcomes_, corpus_);
    write_curves(folder_, outcomes_, corpus_);
    if (!result.validation.scores.empty()) write_validation(folder_, result.validation);
    write_results(folder_, result.results);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
    result.timings.wall_s = wall.count();
    finish_timings(result.timings);
    return result;
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
    return config_.protocol.tracks == "both" || config_.protocol.tracks == track;
  }

  [[nodiscard]] std::vector<Pattern> curriculum_patterns() const {
    const auto unified = unified_patterns(corpus_.modality_count(), conditions_);
    return has_track("unified") ? unified : conditions_;
  }

  void add_tasks(Scheduler& scheduler) {
    int priority = 0;
    for (const auto& fold : folds_) {
      if (!is_wanted(fold)) continue;
      for (const auto seed : config_.run.seeds) {
        auto group = std::make_shared<Group>();
        group->fold = fold.index;
        group->seed = seed;
        groups_.push_back(group);
        add_group(scheduler, group, --priority);
      }
    }
  }

  void add_group(Scheduler& scheduler, const std::shared_ptr<Group>& group, int priority) {
    const auto where = fmt::format("fold {}, seed {}", group->fold + 1, group->seed);
    using Work = std::function<void(const FoldStages&, TaskContext&)>;
    const auto add = [&](const std::string& what, std::vector<TaskId> dependencies, double cost,
                         Work work) {
      shelf_->announce_task(group->fold);
      return scheduler.add({.name = where + ": " + what,
                            .dependencies = std::move(dependencies),
                            .priority = priority,
                            .cost = cost,
                            .work = [this, what, group, work = std::move(work)](TaskContext& c) {
                              const double before = thread_cpu_s();
                              const auto data = shelf_->data(group->fold);
                              work(FoldStages(*data, config_, group->seed, cache_), c);
                              shelf_->end_task(group->fold);
                              note_cost(what, thread_cpu_s() - before);
                            }});
    };
    const auto& recogniser = config_.recogniser;
    const auto& hardness = config_.hardness;
    const auto curriculum =
        add("hardness and neighbours", {},
            1 + 2 * static_cast<double>(hardness.complete_epochs + hardness.pattern_epochs) +
                static_cast<double>(config_.tuning.epochs),
            [this, group](const FoldStages& stages, TaskContext& context) {
              group->curriculum = stages.curriculum(curriculum_patterns(), context);
            });
    const auto pretraining =
        add("pretraining", {}, 1 + static_cast<double>(recogniser.complete_epochs),
            [](const FoldStages& stages, TaskContext& context) {
              // Fetched again from the cache by every fit.
              static_cast<void>(stages.pretrained(context));
            });
    const double passes =
        config_.retrieval.supports == "slots" ? static_cast<double>(config_.retrieval.k + 1) : 1.0;
    const double cost = 1 + passes * static_cast<double>(recogniser.pattern_epochs);
    const auto names = corpus_.modality_names();
    if (has_track("specialist")) {
      for (const auto condition : conditions_) {
        add(fmt::format("specialist {{{}}}", pattern_label(condition, names)),
            {curriculum, pretraining}, cost,
            [this, group, condition](const FoldStages& stages, TaskContext& context) {
              fit(stages, *group, "specialist", {condition}, {condition}, context);
            });
      }
    }
    if (has_track("unified")) {
      add("unified", {curriculum, pretraining}, cost,
          [this, group](const FoldStages& stages, TaskContext& context) {
            fit(stages, *group, "unified", unified_patterns(corpus_.modality_count(), conditions_),
                conditions_, context);
          });
    }
  }

  /// Trains (or fetches) one recogniser, runs it over the held-out parts and keeps both.
  void fit(const FoldStages& stages, const Group& group, const std::string& track,
           const std::vector<Pattern>& trained, const std::vector<Pattern>& evaluated,
           TaskContext& context) {
    const double before = thread_cpu_s();
    const auto arrays = stages.fit(trained, group.curriculum, context);
    const auto data = stages.input_data(context);
    FitOutcome outcome;
    outcome.track = track;
    outcome.trained = track == "unified" ? Pattern::complete(corpus_.modality_count()) : trained[0];
    outcome.fold = group.fold;
    outcome.seed = group.seed;
    outcome.curve = curve_of(arrays);
    for (const auto pattern : evaluated) {
      outcome.test.push_back(evaluate(data, arrays, data.fold.test, pattern));
      if (!data.fold.validation.empty()) {
        outcome.validation.push_back(evaluate(data, arrays, data.fold.validation, pattern));
      }
    }
    outcome.train_cpu_s = thread_cpu_s() - before;
    const bool is_kept = config_.run.models == "all" || config_.run.models == track;
    if (is_kept && config_.recogniser.input == "plain") {
      save_model(folder_.model_file({track, outcome.trained, group.fold, group.seed}), arrays, data,
                 describe_fit(outcome, data, config_));
    }
    const std::lock_guard lock(mutex_);
    outcomes_.push_back(std::move(outcome));
  }

  [[nodiscard]] Evaluation evaluate(const FoldData& data, const TensorFile& arrays,
                                    const std::vector<std::int64_t>& dialogues,
                                    Pattern pattern) const {
    return {pattern, utterances_of(corpus_, dialogues),
            predict_dialogues(data, config_.recogniser, arrays, dialogues, pattern)};
  }

  static std::vector<CurvePoint> curve_of(const TensorFile& arrays) {
    std::vector<CurvePoint> curve;
    const auto values = arrays.floats("curve.values");
    const auto places = arrays.integers("curve.places");
    for (std::size_t i = 0; i < values.size(); ++i) {
      curve.push_back({"recogniser.patterns", places[2 * i],
                       places[2 * i + 1] == 1 ? "validation_loss" : "train_loss",
                       static_cast<double>(values[i])});
    }
    return curve;
  }

  void write_hardness() const {
    auto hardness = start_hardness_table(folder_);
    auto supports = start_supports_table(folder_);
    const auto names = corpus_.modality_names();
    for (const auto& group : groups_) {
      const auto train =
          utterances_of(corpus_, folds_[static_cast<std::size_t>(group->fold)].train);
      const Curriculum& curriculum = group->curriculum;
      for (std::size_t p = 0; p < curriculum.supports.size(); ++p) {
        const auto label = pattern_label(curriculum.patterns[p], names);
        for (std::size_t i = 0; i < train.size(); ++i) {
          const auto& id = corpus_.utterances[static_cast<std::size_t>(train[i])].id;
          const auto& list = curriculum.supports[p].of[i];
          add_row(hardness, {.utterance = id,
                             .fold = group->fold,
                             .seed = group->seed,
                             .pattern = label,
                             .direct = static_cast<double>(curriculum.direct[p][i]),
                             .indirect = static_cast<double>(curriculum.indirect[i]),
                             .score = static_cast<double>(curriculum.score[p][i]),
                             .supports = static_cast<std::int64_t>(list.size())});
          const auto k = static_cast<std::size_t>(config_.retrieval.k);
          for (std::size_t rank = 0; rank < list.size(); ++rank) {
            const auto utterance = train[static_cast<std::size_t>(list[rank])];
            add_row(supports,
                    {.utterance = id,
                     .fold = group->fold,
                     .seed = group->seed,
                     .pattern = label,
                     .rank = static_cast<std::int64_t>(rank + 1),
                     .support = corpus_.utterances[static_cast<std::size_t>(utterance)].id,
                     .distance = static_cast<double>(curriculum.distances[p][i * k + rank])});
          }
        }
      }
    }
    hardness.commit();
    supports.commit();
  }

  void note_cost(const std::string& stage, double cpu_s) {
    const std::lock_guard lock(mutex_);
    cost_[stage] += cpu_s;
  }

  void finish_timings(RunTimings& timings) const {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    timings.finished = utc_now();
    timings.jobs = jobs();
    timings.cpu_s = process_cpu_s() - cpu_before_s_;
    timings.peak_memory_bytes = std::int64_t{usage.ru_maxrss} * 1024;
    timings.cache = cache_.statistics();
    timings.stage_cpu_s.assign(cost_.begin(), cost_.end());
    write_timings(folder_, timings);
  }

  const ProtocolRequest& request_;
  const Config& config_;
  const Corpus& corpus_;
  Progress& progress_;
  at::Device device_;  // before the folder: what cannot run leaves nothing behind
  std::vector<Fold> folds_;
  std::vector<Pattern> conditions_;
  RunFolder folder_;
  StageCache cache_;
  double cpu_before_s_ = process_cpu_s();  ///< a process may run several protocols
  std::unique_ptr<FoldShelf> shelf_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::mutex mutex_;  // guards what follows
  std::vector<FitOutcome> outcomes_;
  std::map<std::string, double> cost_;
};

}  // namespace

ProtocolResult run_protocol(const ProtocolRequest& request, const Corpus& corpus,
                            Progress& progress) {
  keep_freed_memory();
  use_one_thread();
  return Protocol(request, corpus, progress).run();
}

}  // namespace hardy
