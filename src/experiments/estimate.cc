#include "experiments/estimate.h"

#include <algorithm>
#include <set>

#include "config/stage_settings.h"

namespace hardy {
namespace {

/// What the hardness estimator's training depends on, with the defects that touch it.
std::string estimator_text(const Config& config) {
  const PublishedConfig& published = config.published;
  return estimator_settings(config) + (published.h4_masked_target ? "h4" : "") +
         (published.h9_dropped_attention ? "h9" : "") + (published.h14_swapped_mask ? "h14" : "");
}

std::string tuning_text(const Config& config) {
  return config_section_toml(config, {"tuning"}) + (config.published.h2_shared_tuning ? "h2" : "");
}

std::string pretraining_text(const Config& config) {
  return complete_stage_settings(config) +
         (config.recogniser.input == "tuned" ? tuning_text(config) : "");
}

double passes_of(const Config& config) {
  return config.retrieval.supports == "slots" ? static_cast<double>(config.retrieval.k + 1) : 1.0;
}

double fits_of(const Config& config, std::int64_t conditions) {
  double fits = 0;
  if (config.protocol.tracks != "unified") fits += static_cast<double>(conditions);
  if (config.protocol.tracks != "specialist") fits += 1;
  return fits;
}

}  // namespace

StageWork distinct_work(const Study& study, std::size_t count, std::int64_t conditions) {
  StageWork work;
  std::set<std::string> seen;
  for (std::size_t v = 0; v < std::min(count, study.variants.size()); ++v) {
    const Config config = variant_config(study, study.variants[v]);
    const bool retrieves = config.retrieval.supports != "none";
    const bool tunes =
        config.recogniser.input == "tuned" || (retrieves && config.retrieval.database == "tuned");
    if (tunes && seen.insert(tuning_text(config)).second) {
      work.preparation_epochs += static_cast<double>(config.tuning.epochs);
    }
    const bool estimates = retrieves && config.hardness.components != "none";
    if (estimates && seen.insert(estimator_text(config)).second) {
      work.preparations += 1;
      work.preparation_epochs +=
          2 * static_cast<double>(config.hardness.complete_epochs + config.hardness.pattern_epochs);
    }
    // Defect H1b trains the first stage once more, with another judge.
    const bool has_rival = config.published.h1b_complete_epochs;
    for (const char* judge : {"validation", "test"}) {
      if (judge == std::string("test") && !has_rival) continue;
      if (!seen.insert(pretraining_text(config) + judge).second) continue;
      work.pretrainings += 1;
      work.pretraining_epochs += static_cast<double>(config.recogniser.complete_epochs);
    }
    if (seen.insert(config_toml(config)).second) {
      const double fits = fits_of(config, conditions);
      work.fits += fits;
      work.fit_epochs +=
          fits * passes_of(config) * static_cast<double>(config.recogniser.pattern_epochs);
    }
  }
  return work;
}

StageCost line_through(double epochs1, double seconds1, double epochs2, double seconds2) {
  StageCost cost;
  if (epochs2 > epochs1) cost.epoch_s = std::max(0.0, (seconds2 - seconds1) / (epochs2 - epochs1));
  cost.once_s = std::max(0.0, seconds1 - epochs1 * cost.epoch_s);
  return cost;
}

double seconds_of(const StageWork& work, const EpochCosts& costs) {
  return work.preparations * costs.preparation.once_s +
         work.preparation_epochs * costs.preparation.epoch_s +
         work.pretrainings * costs.pretraining.once_s +
         work.pretraining_epochs * costs.pretraining.epoch_s + work.fits * costs.fit.once_s +
         work.fit_epochs * costs.fit.epoch_s;
}

}  // namespace hardy
