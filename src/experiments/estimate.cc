#include "experiments/estimate.h"

#include <algorithm>
#include <set>

#include "methods/hardymer/settings.h"
#include "methods/hardymer_published/defects.h"

namespace hardy {
namespace {

/// Settings of the estimator's stages, with the defects that affect them.
std::string estimator_text(const Config& config) {
  return estimator_settings(config) + estimator_defects(published_settings(config));
}

std::string tuning_text(const Config& config) {
  return config_section_toml(config, {"hardymer.tuning"}) +
         (published_settings(config).h2_shared_tuning ? "h2" : "");
}

std::string pretraining_text(const Config& config) {
  return complete_stage_settings(config) +
         (hardymer_settings(config).recogniser.input == FeatureKind::kTuned ? tuning_text(config)
                                                                            : "");
}

double fits_of(const Config& config, std::int64_t conditions) {
  double fits = 0;
  if (config.protocol.tracks != Tracks::kUnified) fits += static_cast<double>(conditions);
  if (config.protocol.tracks != Tracks::kSpecialist) fits += 1;
  return fits;
}

}  // namespace

StageWork distinct_work(const Study& study, std::size_t count, std::int64_t conditions) {
  StageWork work;
  std::set<std::string> seen;
  for (std::size_t v = 0; v < std::min(count, study.variants.size()); ++v) {
    const Config config = variant_config(study, study.variants[v]);
    const HardyMerSettings& settings = hardymer_settings(config);
    if (settings.needs_tuning() && seen.insert(tuning_text(config)).second) {
      work.preparation_epochs += static_cast<double>(settings.tuning.epochs);
    }
    if (settings.uses_hardness() && seen.insert(estimator_text(config)).second) {
      const auto& hardness = settings.hardness;
      work.preparations += 1;
      work.preparation_epochs +=
          2 * static_cast<double>(hardness.complete_epochs + hardness.pattern_epochs);
    }
    // Defect H1b trains the first stage once more, with another epoch criterion.
    const bool has_rival = published_settings(config).h1b_complete_epochs;
    for (const char* judge : {"validation", "test"}) {
      if (judge == std::string("test") && !has_rival) continue;
      if (!seen.insert(pretraining_text(config) + judge).second) continue;
      work.pretrainings += 1;
      work.pretraining_epochs += static_cast<double>(settings.recogniser.complete_epochs);
    }
    if (seen.insert(config_toml(config)).second) {
      const double fits = fits_of(config, conditions);
      work.fits += fits;
      work.fit_epochs +=
          fits * settings.passes() * static_cast<double>(settings.recogniser.pattern_epochs);
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
