#include "protocol/run_protocol.h"

#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/calibrate_fit.h"
#include "analysis/intervals.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/checksum.h"
#include "corpus/missing.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/split.h"
#include "methods/fold_stage.h"
#include "methods/method.h"
#include "nn/numerics.h"
#include "nn/threads.h"
#include "pipeline/cpu_time.h"
#include "pipeline/shard_progress.h"
#include "protocol/evaluate_fit.h"
#include "protocol/masks.h"
#include "protocol/model_file.h"
#include "protocol/planned_fits.h"
#include "protocol/run_costs.h"
#include "protocol/trained_corpora.h"
#include "train/fit_reliability.h"

namespace hardy {
namespace {

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

/// The method on one fold under one seed.
struct Group {
  std::int64_t number = 0;  ///< numbered fold by fold
  int fold = 0;
  std::int64_t seed = 0;
  TrainedCorpus* data = nullptr;
  std::unique_ptr<FoldMethod> method;
  std::atomic<bool> lacks_stages = false;  ///< whether a shared stage is missing from the cache
};

/// One model to be trained: a specialist of one pattern, or the unified model of several.
struct FitTask {
  const FoldData& data;
  const Group& group;
  std::string track;
  std::vector<Pattern> trained;
};

using FitFunction = std::function<void(const FitTask& task, TaskContext& context)>;

/// One run: corpus, folds, tasks and their results.
class Protocol {
 public:
  Protocol(const ProtocolRequest& request, const Corpus& corpus, Progress& progress)
      : request_(request),
        config_(request.config),
        method_(find_method(config_.protocol.method)),
        corpus_(corpus),
        progress_(progress),
        device_(protocol_device(config_)),
        folds_(check_request(request, corpus)),
        plan_(checked_plan(config_, corpus)),
        folder_(make_folder(request, corpus, folds_)),
        cache_(request.cache.empty() ? folder_.path() / kStageFolder : request.cache,
               request.checkpoint_interval_s,
               request.from_cache ? MissingResult::kRefuse : MissingResult::kCompute),
        division_(division_of(config_, corpus)),
        masks_(drawn_masks(plan_, corpus)) {
    trained_ = make_trained_corpora(corpus, folds_, plan_, masks_, device_);
  }

  /// Trains every model by `fit`, after its shared stages, and writes the run folder.
  ProtocolResult run(const FitFunction& fit) {
    return folder_.while_owned([&] { return run_and_write(fit); });
  }

  /// Trains (or fetches) one model, evaluates it on the held-out parts and keeps both: a specialist
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
      evaluate(group, is_whole ? unmasked(data, arrays) : data, arrays, outcome.trained, outcome);
    } else {
      for (const auto pattern : track == "unified" ? plan_.patterns : trained) {
        context.throw_if_stopping();
        evaluate(group, data, arrays, pattern, outcome);
      }
      for (std::size_t i = 0; track == "unified" && i < masks_.size() && is_masked_at_test(); ++i) {
        context.throw_if_stopping();
        evaluate(group, with_masks(data, masks_[i]), arrays,
                 Condition(corpus_.modality_count(), plan_.masks[i].label), outcome);
      }
    }
    outcome.calibrations = calibrations_of(calibration_part(outcome), corpus_);
    cost_book_.add_prediction(outcome, arrays, thread_cpu_s() - before);
    const bool is_kept =
        config_.run.models == KeptModels::kAll || word_of(config_.run.models) == track;
    if (is_kept && spec == nullptr && !method_.storage_problem(config_)) {
      folder_.check_owner();
      BundleInfo info = describe_fit(outcome, data, config_);
      for (const auto& score : request_.fold_scores) {
        if (track == "unified" || score.pattern == outcome.trained.pattern) {
          info.scores.push_back(score);
        }
      }
      save_model(folder_.model_file({track, outcome.trained.pattern, group.fold, group.seed}),
                 arrays, data, info, reliability_.estimate_of(plain));
    }
    const std::lock_guard lock(mutex_);
    outcomes_.push_back(std::move(outcome));
  }

 private:
  ProtocolResult run_and_write(const FitFunction& fit) {
    const auto started = std::chrono::steady_clock::now();
    ProtocolResult result;
    result.timings.started = utc_now();
    Scheduler scheduler({.jobs = jobs(),
                         .stop = request_.stop,
                         .start_worker = [] { use_one_thread(); },
                         .progress = &progress_});
    add_tasks(scheduler, fit);
    scheduler.run();
    if (!missing_.empty()) throw_missing();
    require_unchanged(corpus_);
    folder_.check_owner();
    const auto storage_problem = method_.storage_problem(config_);
    if (config_.run.models != KeptModels::kNone && storage_problem) {
      progress_.note("no models were stored: " + *storage_problem);
    }
    std::vector<std::string> names;
    for (const auto& fold : folds_) names.push_back(fold.name);
    result.folder = folder_.path();
    result.results = make_results(outcomes_, corpus_, names);
    if (has_tests()) add_intervals(result.results, prediction_table(outcomes_, corpus_));
    result.results.method = config_.protocol.method;
    result.results.defects = caveats_of(config_);
    result.validation = make_results(on_validation(outcomes_), corpus_, names);
    result.validation.method = result.results.method;
    result.validation.defects = result.results.defects;
    describe_masks(plan_, corpus_, tested(), result.results);
    describe_masks(plan_, corpus_, tested(), result.validation);
    write_tables();
    if (has_tests()) write_predictions(folder_, outcomes_, corpus_);
    write_curves(folder_, outcomes_, corpus_);
    if (!result.validation.scores.empty()) write_validation(folder_, result.validation);
    folder_.check_owner();
    write_results(folder_, result.results);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
    result.timings.wall_s = wall.count();
    result.timings.finished = utc_now();
    result.timings.jobs = jobs();
    result.timings.cache = cache_.statistics();
    cost_book_.finish(outcomes_, costs_.total(), result.timings);
    write_timings(folder_, result.timings);
    return result;
  }

  static RunFolder make_folder(const ProtocolRequest& request, const Corpus& corpus,
                               const std::vector<Fold>& folds) {
    std::vector<std::string> names;
    for (const auto& fold : folds) names.push_back(fold.name);
    auto manifest = make_manifest(request.command, request.config, corpus, names);
    manifest.only_fold = request.only_fold;
    manifest.numerics = numerics_class();
    const auto existing = request.overwrite ? ExistingRun::kOverwrite : ExistingRun::kResume;
    auto run = RunFolder::create(run_folder_of(request, corpus), manifest, existing);
    run.while_owned([&] { write_location(run, request.config.data); });
    return run;
  }

  [[nodiscard]] bool is_wanted(const Fold& fold) const {
    return !request_.only_fold || *request_.only_fold == fold.index;
  }

  [[nodiscard]] int jobs() const {
    if (config_.run.jobs > 0) return static_cast<int>(config_.run.jobs);
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  /// Utterances of all test parts of this run.
  [[nodiscard]] std::vector<std::int64_t> tested() const {
    std::set<std::int64_t> utterances;
    for (const auto& fold : folds_) {
      if (!is_wanted(fold)) continue;
      for (const auto i : utterances_of(corpus_, fold.test)) utterances.insert(i);
    }
    return {utterances.begin(), utterances.end()};
  }

  void add_tasks(Scheduler& scheduler, const FitFunction& fit) {
    std::int64_t number = 0;
    for (const auto& data : trained_) {
      for (const auto& fold : folds_) {
        for (const auto seed : config_.run.seeds) {
          auto group = std::make_shared<Group>();
          group->number = number++;
          if (!is_wanted(fold)) continue;
          group->fold = fold.index;
          group->seed = seed;
          group->data = data.get();
          group->method = method_.on_fold(
              {.corpus = *data->corpus,
               .fold = fold,
               .config = config_,
               .seed = seed,
               .patterns = trained_patterns(config_, corpus_, data->spec != nullptr),
               .cache = cache_,
               .costs = costs_});
          groups_.push_back(group);
          add_group(scheduler, group, -static_cast<int>(groups_.size()), fit);
        }
      }
    }
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
      const Work find_stage = [group, work = std::move(stage.work)](const FoldData& data,
                                                                    TaskContext& context) {
        try {
          work(data, context);
        } catch (const MissingStage&) {
          group->lacks_stages = true;
        }
      };
      shared.push_back(add(stage.name, {}, stage.cost, find_stage));
    }
    const auto fits = planned_fits(config_, corpus_, spec != nullptr);
    for (std::size_t f = 0; f < fits.size(); ++f) {
      const MissingFit place = {
          request_.variant, where + ": " + fits[f].name, group->number,
          group->number * division_.fits_per_group + static_cast<std::int64_t>(f)};
      add(fits[f].name, shared, group->method->fit_cost(),
          [this, &fit, group, planned = fits[f], place](const FoldData& data,
                                                        TaskContext& context) {
            const FitTask task = {data, *group, planned.track, planned.trained};
            if (!is_found([&] { fit(task, context); }, *group)) note_missing(place);
          });
    }
  }

  /// Whether the fit is in the cache, for a run that only collects.
  template <typename Fit>
  static bool is_found(const Fit& fit, const Group& group) {
    if (group.lacks_stages) return false;
    try {
      fit();
      return true;
    } catch (const MissingStage&) {
      return false;
    }
  }

  void note_missing(const MissingFit& place) {
    const std::lock_guard lock(mutex_);
    missing_.push_back(place);
  }

  [[noreturn]] void throw_missing() {
    std::sort(missing_.begin(), missing_.end(),
              [](const MissingFit& x, const MissingFit& y) { return x.number < y.number; });
    throw MissingFits(missing_text(folder_.path(), missing_), missing_);
  }

  [[nodiscard]] bool has_tests() const { return !request_.only_validation && !request_.all_data; }

  [[nodiscard]] bool is_masked_at_test() const { return plan_.at == MissingAt::kTest; }

  /// The unmasked data with the scaling of the model of masked data.
  [[nodiscard]] FoldData unmasked(const FoldData& masked, const TensorFile& arrays) const {
    FoldData whole = masked;
    whole.corpus = &corpus_;
    whole.table = apply_scaling(make_feature_table(corpus_, device_), masked.scaling);
    whole.table = method_.stored_input(whole, config_, arrays);
    return whole;
  }

  /// Outputs on the held-out parts; `data` and the pattern decide what is missing.
  void evaluate(const Group& group, const FoldData& data, const TensorFile& arrays,
                const Condition& condition, FitOutcome& outcome) const {
    evaluate_fit({method_, *group.method, config_, arrays}, data, condition, has_tests(), outcome);
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
  at::Device
      device_;  // initialised before the folder, so that a refused request leaves nothing behind
  std::vector<Fold> folds_;
  ConditionPlan plan_;
  RunFolder folder_;
  StageCache cache_;
  RunDivision division_;
  std::vector<std::vector<Pattern>> masks_;  // of plan_.masks
  CostBook cost_book_;                       ///< starts here: a process may run several protocols
  StageCosts costs_;
  std::vector<std::unique_ptr<TrainedCorpus>> trained_;
  std::vector<std::shared_ptr<Group>> groups_;
  ReliabilityShelf reliability_;
  std::mutex mutex_;  // guards the members below
  std::vector<FitOutcome> outcomes_;
  std::vector<MissingFit> missing_;
};

}  // namespace

ProtocolResult run_protocol(const ProtocolRequest& request, const Corpus& corpus,
                            Progress& progress) {
  keep_freed_memory();
  use_one_thread();
  Protocol protocol(request, corpus, progress);
  return protocol.run(
      [&](const FitTask& task, TaskContext& context) { protocol.fit(task, context); });
}

}  // namespace hardy
