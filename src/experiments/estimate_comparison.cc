#include "experiments/estimate_comparison.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "base/shared_files.h"
#include "hardy/split.h"
#include "methods/hardymer/settings.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kBriefEpochs = 1;
constexpr std::int64_t kLongerEpochs = 3;

/// CPU seconds of one fold and seed.
struct FoldCost {
  double shared_s = 0;
  double fit_s = 0;      ///< of one fit
  double predict_s = 0;  ///< of one track
};

/// Runs short trainings in a temporary folder.
class MethodTrials {
 public:
  MethodTrials(const StudyRequest& request, const Corpus& corpus, Progress& progress)
      : request_(request),
        corpus_(corpus),
        progress_(progress),
        folder_(temporary_name(request.folder / "trials")) {}

  ~MethodTrials() { remove(); }

  MethodTrials(const MethodTrials&) = delete;
  MethodTrials& operator=(const MethodTrials&) = delete;

  /// Measures one fold, seed and unified model with the epochs of `config`.
  FoldCost measure(Config config) {
    config.protocol.tracks = Tracks::kUnified;
    config.run.seeds = {config.run.seeds.front()};
    config.run.models = KeptModels::kNone;
    const ProtocolRequest protocol = {.command = "train",
                                      .config = config,
                                      .only_fold = 0,
                                      .folder = folder_ / std::to_string(runs_++),
                                      .cache = folder_ / "stages",
                                      .overwrite = true,
                                      .stop = request_.stop};
    const auto done = run_protocol(protocol, corpus_, progress_);
    const RunCosts& costs = done.timings.costs;
    cpu_s_ += done.timings.cpu_s;
    return {costs.shared_cpu_s, costs.unified_cpu_s, costs.predict_cpu_s};
  }

  [[nodiscard]] double cpu_s() const { return cpu_s_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    fs::remove(request_.folder, ignored);  // only if it is empty
  }

  const StudyRequest& request_;
  const Corpus& corpus_;
  Progress& progress_;
  fs::path folder_;
  int runs_ = 0;
  double cpu_s_ = 0;
};

/// The settings with one epoch per stage, and three in stage `stage` (-1: none).
Config with_few_epochs(const Config& config, const MethodDeclaration& method, int stage) {
  Config brief = config;
  MethodDeclaration part = method;
  part.patience.clear();
  for (std::size_t s = 0; s < method.epochs.size(); ++s) {
    part.epochs = {method.epochs[s]};
    const auto epochs = static_cast<int>(s) == stage ? kLongerEpochs : kBriefEpochs;
    for (const auto& limit : epoch_limits(part, config, epochs, 0)) set_config_field(brief, limit);
  }
  return brief;
}

FoldCost cost_of(const Config& config, MethodTrials& trials) {
  const auto& method = declared_method(config.protocol.method);
  const auto totals = stage_epochs(method, config);
  const FoldCost few = trials.measure(with_few_epochs(config, method, -1));
  FoldCost cost = few;
  for (std::size_t s = 0; s < totals.size(); ++s) {
    const auto longer = std::min(kLongerEpochs, totals[s]);
    if (longer <= kBriefEpochs) continue;
    const FoldCost more = trials.measure(with_few_epochs(config, method, static_cast<int>(s)));
    const double factor =
        static_cast<double>(totals[s] - kBriefEpochs) / static_cast<double>(longer - kBriefEpochs);
    cost.shared_s += factor * std::max(0.0, more.shared_s - few.shared_s);
    cost.fit_s += factor * std::max(0.0, more.fit_s - few.fit_s);
  }
  return cost;
}

}  // namespace

ComparisonEstimate estimate_comparison(const StudyRequest& request, const CompareOptions& options,
                                       const Corpus& corpus, Progress& progress) {
  const Config& base = request.study.base;
  const auto folds = static_cast<double>(make_folds(corpus, base.protocol).size());
  const auto conditions = static_cast<double>(
      parse_conditions(base.protocol.conditions, corpus.modality_names()).size());
  const auto seeds = static_cast<double>(base.run.seeds.size());
  const bool has_specialists = base.protocol.tracks != Tracks::kUnified;
  const bool has_unified = base.protocol.tracks != Tracks::kSpecialist;
  const double fits = (has_specialists ? conditions : 0) + (has_unified ? 1 : 0);
  const double tracks = (has_specialists ? 1 : 0) + (has_unified ? 1 : 0);
  ComparisonEstimate estimate;
  estimate.jobs = study_jobs(base);
  for (const auto& variant : request.study.variants) {
    const Config config = variant_config(request.study, variant);
    MethodTrials trials(request, corpus, progress);
    const FoldCost cost = cost_of(config, trials);
    const auto& method = declared_method(config.protocol.method);
    const auto points = static_cast<double>(tuning_points(method, options).size());
    MethodEstimate own = {
        method.name,
        folds * (seeds + points) * (cost.shared_s + fits * cost.fit_s + tracks * cost.predict_s)};
    estimate.cpu_s += own.cpu_s;
    estimate.calibration_cpu_s += trials.cpu_s();
    estimate.methods.push_back(std::move(own));
  }
  return estimate;
}

}  // namespace hardy
