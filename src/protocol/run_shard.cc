#include "protocol/run_shard.h"

#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "corpus/missing.h"
#include "hardy/errors.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "pipeline/scheduler.h"
#include "protocol/fold_shelf.h"
#include "protocol/masks.h"
#include "protocol/planned_fits.h"
#include "protocol/run_protocol.h"
#include "protocol/trained_corpora.h"

namespace hardy {
namespace {

int worker_threads(const Config& config) {
  if (config.run.jobs > 0) return static_cast<int>(config.run.jobs);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Numbers of the group's fits in the shard; all of them unless it is divided by fits. `fits`: of
/// the group.
std::vector<std::size_t> own_fits(const Shard& shard, const RunDivision& division,
                                  std::int64_t group, std::size_t fits) {
  std::vector<std::size_t> own;
  for (std::size_t f = 0; f < fits; ++f) {
    const auto number = group * division.fits_per_group + static_cast<std::int64_t>(f);
    const bool is_own = shard.part == ShardPart::kFits ? shard.holds(number) : shard.holds(group);
    if (is_own) own.push_back(f);
  }
  return own;
}

/// Number of fits of the shard in a run, or of groups under ShardPart::kStages.
std::int64_t size_of(const Shard& shard, const Config& config, const Corpus& corpus) {
  const auto plan = checked_plan(config, corpus);
  const auto division = division_of(config, corpus);
  std::vector<std::size_t> fits;  // of each training corpus
  if (trains_as_it_is(plan)) fits.push_back(planned_fits(config, corpus).size());
  if (has_own_models(plan)) {
    fits.resize(fits.size() + plan.masks.size(), planned_fits(config, corpus, true).size());
  }
  const auto groups = division.groups / static_cast<std::int64_t>(fits.size());
  std::int64_t total = 0;
  for (std::int64_t group = 0; group < division.groups; ++group) {
    const auto corpus_number = static_cast<std::size_t>(group / groups);
    const auto own = own_fits(shard, division, group, fits[corpus_number]).size();
    const bool by_groups = shard.part == ShardPart::kStages;
    total += static_cast<std::int64_t>(by_groups ? std::min<std::size_t>(1, own) : own);
  }
  return total;
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
        folds_(check_request({.config = config_}, corpus)),
        plan_(checked_plan(config_, corpus)),
        division_(division_of(config_, corpus)),
        trained_(make_trained_corpora(corpus, folds_, plan_, drawn_masks(plan_, corpus),
                                      protocol_device(config_))),
        cache_(request.cache, request.checkpoint_interval_s),
        prefix_(variant.label.empty() ? "" : variant.label + ", ") {}

  void run() {
    Scheduler scheduler({.jobs = worker_threads(config_),
                         .stop = request_.stop,
                         .start_worker = [] { use_one_thread(); },
                         .progress = &progress_});
    std::int64_t group = 0;
    for (const auto& data : trained_) {
      OwnFits own{planned_fits(config_, corpus_, data->spec != nullptr), {}};
      for (const auto& fold : folds_) {
        for (const auto seed : config_.run.seeds) {
          own.numbers = own_fits(request_.shard, division_, group++, own.fits.size());
          if (!own.numbers.empty()) add_group(scheduler, *data, fold, seed, own);
        }
      }
    }
    scheduler.run();
  }

 private:
  using Work = std::function<void(const FoldData&, TaskContext&)>;

  /// The shard's fits of one group.
  struct OwnFits {
    std::vector<PlannedFit> fits;      ///< of the whole group
    std::vector<std::size_t> numbers;  ///< of the shard, into `fits`
  };

  void add_group(Scheduler& scheduler, const TrainedCorpus& data, const Fold& fold,
                 std::int64_t seed, const OwnFits& own) {
    const bool is_masked = data.spec != nullptr;
    FoldShelf& shelf = *data.shelf;
    methods_.push_back(find_method(config_.protocol.method)
                           .on_fold({.corpus = *data.corpus,
                                     .fold = fold,
                                     .config = config_,
                                     .seed = seed,
                                     .patterns = trained_patterns(config_, corpus_, is_masked),
                                     .cache = cache_,
                                     .costs = costs_}));
    FoldMethod* method = methods_.back().get();
    const auto where = fmt::format("{}fold {}, seed {}{}: ", prefix_, fold.index + 1, seed,
                                   is_masked ? ", " + data.spec->label : "");
    const int priority = -static_cast<int>(methods_.size());
    const auto add = [&](const std::string& name, std::vector<TaskId> dependencies, double cost,
                         Work work) {
      shelf.announce_task(fold.index);
      return scheduler.add(
          {.name = where + name,
           .dependencies = std::move(dependencies),
           .priority = priority,
           .cost = cost,
           .work = [&shelf, index = fold.index, work = std::move(work)](TaskContext& context) {
             work(*shelf.data(index), context);
             shelf.end_task(index);
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
    for (const auto f : own.numbers) {
      add(own.fits[f].name, shared, method->fit_cost(),
          [this, method, patterns = own.fits[f].trained](const FoldData& part,
                                                         TaskContext& context) {
            static_cast<void>(method->fit(part, patterns, context));
            static_cast<void>(method->input_data(part, context));
            progress_.count_done();
          });
    }
  }

  const ShardRequest& request_;
  const Config& config_;
  const Corpus& corpus_;
  ShardProgress& progress_;
  std::vector<Fold> folds_;
  ConditionPlan plan_;
  RunDivision division_;
  std::vector<std::unique_ptr<TrainedCorpus>> trained_;
  StageCache cache_;
  StageCosts costs_;
  std::string prefix_;
  std::vector<std::unique_ptr<FoldMethod>> methods_;
};

}  // namespace

std::int64_t run_shard(const ShardRequest& request, const Corpus& corpus, ShardProgress& progress) {
  check(!request.cache.empty(), "a shard needs a cache that others can read");
  keep_freed_memory();
  use_one_thread();
  std::int64_t total = 0;
  for (const auto& variant : request.variants) {
    total += size_of(request.shard, variant.config, corpus);
  }
  progress.expect(total);
  for (const auto& variant : request.variants) {
    VariantShare(request, variant, corpus, progress).run();
  }
  return total;
}

}  // namespace hardy
