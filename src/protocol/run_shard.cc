#include "protocol/run_shard.h"

#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/missing.h"
#include "hardy/split.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "pipeline/scheduler.h"
#include "protocol/fold_shelf.h"
#include "protocol/planned_fits.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

int worker_threads(const Config& config) {
  if (config.run.jobs > 0) return static_cast<int>(config.run.jobs);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Numbers of the group's fits in the shard; all of them unless it is divided by fits.
std::vector<std::size_t> own_fits(const Shard& shard, std::int64_t group, std::size_t fits) {
  std::vector<std::size_t> own;
  for (std::size_t f = 0; f < fits; ++f) {
    const auto number = group * static_cast<std::int64_t>(fits) + static_cast<std::int64_t>(f);
    const bool is_own = shard.part == ShardPart::kFits ? shard.holds(number) : shard.holds(group);
    if (is_own) own.push_back(f);
  }
  return own;
}

/// The folds of a divided run. Throws ConfigError.
std::vector<Fold> checked_folds(const Config& config, const Corpus& corpus) {
  const auto plan = parse_condition_plan(config.protocol.conditions, corpus.modality_names());
  if (plan.at != MissingAt::kTest) {
    throw ConfigError(fmt::format(
        "conditions '{}': models of masked data cannot be trained in shares; run them alone",
        config.protocol.conditions));
  }
  return check_request({.config = config}, corpus);
}

/// The shard of one run.
class VariantShare {
 public:
  VariantShare(const ShardRequest& request, const ShardVariant& variant, const Corpus& corpus,
               ShardProgress& progress)
      : request_(request),
        config_(variant.config),
        corpus_(corpus),
        progress_(progress),
        folds_(checked_folds(variant.config, corpus)),
        fits_(planned_fits(config_, corpus)),
        cache_(request.cache, request.checkpoint_interval_s),
        shelf_(corpus, folds_, protocol_device(config_)),
        prefix_(variant.label.empty() ? "" : variant.label + ", ") {}

  void run() {
    Scheduler scheduler({.jobs = worker_threads(config_),
                         .stop = request_.stop,
                         .start_worker = [] { use_one_thread(); },
                         .progress = &progress_});
    std::int64_t group = 0;
    for (const auto& fold : folds_) {
      for (const auto seed : config_.run.seeds) {
        const auto own = own_fits(request_.shard, group++, fits_.size());
        if (!own.empty()) add_group(scheduler, fold, seed, own);
      }
    }
    scheduler.run();
  }

 private:
  using Work = std::function<void(const FoldData&, TaskContext&)>;

  void add_group(Scheduler& scheduler, const Fold& fold, std::int64_t seed,
                 const std::vector<std::size_t>& own) {
    methods_.push_back(find_method(config_.protocol.method)
                           .on_fold({.corpus = corpus_,
                                     .fold = fold,
                                     .config = config_,
                                     .seed = seed,
                                     .patterns = trained_patterns(config_, corpus_),
                                     .cache = cache_,
                                     .costs = costs_}));
    FoldMethod* method = methods_.back().get();
    const auto where = fmt::format("{}fold {}, seed {}: ", prefix_, fold.index + 1, seed);
    const int priority = -static_cast<int>(methods_.size());
    const auto add = [&](const std::string& name, std::vector<TaskId> dependencies, double cost,
                         Work work) {
      shelf_.announce_task(fold.index);
      return scheduler.add(
          {.name = where + name,
           .dependencies = std::move(dependencies),
           .priority = priority,
           .cost = cost,
           .work = [this, index = fold.index, work = std::move(work)](TaskContext& context) {
             work(*shelf_.data(index), context);
             shelf_.end_task(index);
           }});
    };
    std::vector<TaskId> shared;
    for (auto& stage : method->shared_stages()) {
      shared.push_back(add(stage.name, {}, stage.cost, std::move(stage.work)));
    }
    if (request_.shard.part == ShardPart::kStages) {
      add("stages", shared, 1, [this](const FoldData&, TaskContext&) { progress_.count_done(); });
      return;
    }
    for (const auto f : own) {
      add(fits_[f].name, shared, method->fit_cost(),
          [this, method, f](const FoldData& data, TaskContext& context) {
            static_cast<void>(method->fit(data, fits_[f].trained, context));
            static_cast<void>(method->input_data(data, context));
            progress_.count_done();
          });
    }
  }

  const ShardRequest& request_;
  const Config& config_;
  const Corpus& corpus_;
  ShardProgress& progress_;
  std::vector<Fold> folds_;
  std::vector<PlannedFit> fits_;
  StageCache cache_;
  FoldShelf shelf_;
  StageCosts costs_;
  std::string prefix_;
  std::vector<std::unique_ptr<FoldMethod>> methods_;
};

}  // namespace

RunDivision division_of(const Config& config, const Corpus& corpus) {
  const auto folds = static_cast<std::int64_t>(make_folds(corpus, config.protocol).size());
  return {folds * static_cast<std::int64_t>(config.run.seeds.size()),
          static_cast<std::int64_t>(planned_fits(config, corpus).size())};
}

std::int64_t run_shard(const ShardRequest& request, const Corpus& corpus, ShardProgress& progress) {
  check(!request.cache.empty(), "a shard needs a cache that others can read");
  keep_freed_memory();
  use_one_thread();
  std::int64_t total = 0;
  for (const auto& variant : request.variants) {
    const auto division = division_of(variant.config, corpus);
    for (std::int64_t group = 0; group < division.groups; ++group) {
      const auto fits = static_cast<std::int64_t>(
          own_fits(request.shard, group, static_cast<std::size_t>(division.fits_per_group)).size());
      total += request.shard.part == ShardPart::kStages ? std::min<std::int64_t>(1, fits) : fits;
    }
  }
  progress.expect(total);
  for (const auto& variant : request.variants) {
    VariantShare(request, variant, corpus, progress).run();
  }
  return total;
}

}  // namespace hardy
