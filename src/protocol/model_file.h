// Model files as training writes and evaluation reads them; the format is that of hardy/bundle.h.
#pragma once

#include <filesystem>

#include "hardy/bundle.h"
#include "hardy/config.h"
#include "hardy/results.h"
#include "hardy/tensor_file.h"
#include "train/fold_data.h"

namespace hardy {

/// A model file in memory. Arrays: "model.PARAMETER", "scaling.MODALITY.mean", ".deviation",
/// ".lowest" and ".highest" (bundle formats below 4 have no clip range); with tuned input also
/// "tuning.MODALITY.PARAMETER"; with a validation part also "reliability.MODALITY.*".
struct StoredModel {
  TensorFile file;
  BundleInfo info;
  Config config;
};

/// Description of a fit: modalities, labels, scores on validation and test, and calibrations and
/// scores for prediction sets from validation outputs only.
BundleInfo describe_fit(const FitOutcome& outcome, const FoldData& data, const Config& config);

/// The scaling of the model's features; without clip range in old models. Throws ArtifactError when
/// the file lacks an array.
Scaling stored_scaling(const StoredModel& model);

/// Adds scaling and description to the arrays of a fit and writes the file. The arrays decide
/// whether the model reads tuned features: a fit contains the nets it needs. `reliability`: the
/// estimate of the fold (train/fit_reliability.h).
void save_model(const std::filesystem::path& file, const TensorFile& fit, const FoldData& data,
                const BundleInfo& info, const TensorFile& reliability);

/// Throws ArtifactError when the file is no model, damaged, newer than this program or of another
/// method.
StoredModel load_model(const std::filesystem::path& file);

}  // namespace hardy
