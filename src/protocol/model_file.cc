#include "protocol/model_file.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/calibrate_fit.h"
#include "analysis/coverage_fit.h"
#include "corpus/unseen.h"
#include "hardy/errors.h"
#include "hardy/results.h"
#include "hardy/version.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/tune_features.h"
#include "pipeline/manifest.h"

namespace hardy {
namespace {

void add_scores(const std::vector<Evaluation>& evaluations, const char* part, const Corpus& corpus,
                BundleInfo& info) {
  for (const auto& evaluation : evaluations) {
    if (!evaluation.condition.is_pattern()) continue;
    const Score score = score_evaluation(evaluation, corpus);
    BundleScore stored{part, evaluation.condition.pattern, score.utterances, {}};
    for (const auto& metric : score.metrics) {
      if (!std::isnan(metric.value)) stored.metrics[metric.name] = metric.value;
    }
    info.scores.push_back(std::move(stored));
  }
}

}  // namespace

BundleInfo describe_fit(const FitOutcome& outcome, const FoldData& data, const Config& config) {
  const Corpus& corpus = *data.corpus;
  BundleInfo info;
  info.track = outcome.track;
  info.trained = outcome.trained.pattern;
  info.fold = outcome.fold;
  info.seed = outcome.seed;
  for (const auto& modality : corpus.modalities) {
    info.modalities.push_back({modality.name, modality.width});
    info.makers.push_back(modality.maker);
  }
  info.class_names = corpus.class_names;
  info.label_kind = label_kind_name(corpus.label_kind);
  info.target_names = corpus.target_names;
  info.seen = seen_marks(corpus, known_dialogues(data.fold));
  info.encoder = hardymer_settings(config).recogniser.encoder;
  info.data_name = corpus.name;
  info.data_checksum = corpus.checksum;
  info.is_synthetic = corpus.is_synthetic;
  info.test_dialogues = data.fold.test;
  info.program_version = program_version();
  info.config_toml = config_toml(kept_config(config));  // equal runs write equal models
  info.calibrations = outcome.calibrations ? *outcome.calibrations
                                           : calibrations_of(calibration_part(outcome), corpus);
  info.coverage = coverage_scores_of(calibration_part(outcome), corpus);
  add_scores(outcome.validation, "validation", corpus, info);
  add_scores(outcome.test, "test", corpus, info);
  return info;
}

Scaling stored_scaling(const StoredModel& model) {
  constexpr float kNoLimit = std::numeric_limits<float>::max();
  Scaling scaling;
  for (const auto& modality : model.info.modalities) {
    const auto fetch = [&](const char* what) {
      const auto values = model.file.floats("scaling." + modality.name + what);
      return at::tensor(std::vector<float>(values.begin(), values.end()));
    };
    const bool has_limits = model.info.limits_features;
    scaling.mean.push_back(fetch(".mean"));
    scaling.deviation.push_back(fetch(".deviation"));
    const auto& mean = scaling.mean.back();
    scaling.lowest.push_back(has_limits ? fetch(".lowest") : at::full_like(mean, -kNoLimit));
    scaling.highest.push_back(has_limits ? fetch(".highest") : at::full_like(mean, kNoLimit));
  }
  return scaling;
}

void save_model(const std::filesystem::path& file, const TensorFile& fit, const FoldData& data,
                const BundleInfo& info, const TensorFile& reliability) {
  TensorFile contents;
  BundleInfo described = info;
  described.reads_tuned = has_tuning_nets(fit);
  described.limits_features = true;
  copy_tuning_nets(fit, contents);
  for (const auto& [name, array] : fit.arrays) {
    if (name.starts_with("model.")) contents.arrays.emplace(name, array);
  }
  for (std::size_t m = 0; m < data.scaling.mean.size(); ++m) {
    const auto prefix = "scaling." + data.corpus->modalities[m].name;
    const auto width = data.scaling.mean[m].size(0);
    contents.add(prefix + ".mean", {width}, to_floats(data.scaling.mean[m]));
    contents.add(prefix + ".deviation", {width}, to_floats(data.scaling.deviation[m]));
    contents.add(prefix + ".lowest", {width}, to_floats(data.scaling.lowest[m]));
    contents.add(prefix + ".highest", {width}, to_floats(data.scaling.highest[m]));
  }
  contents.arrays.insert(reliability.arrays.begin(), reliability.arrays.end());
  set_bundle_info(contents, described);
  save_tensor_file(file, contents);
}

StoredModel load_model(const std::filesystem::path& file) {
  StoredModel model;
  model.file = load_tensor_file(file);
  model.info = read_bundle_info(view_of(model.file), file.string());
  model.config = parse_config(model.info.config_toml, file.string(), Config{});
  hardymer_settings(model.config).recogniser.encoder = model.info.encoder;
  return model;
}

}  // namespace hardy
