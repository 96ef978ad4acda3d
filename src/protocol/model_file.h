// A trained recogniser on disk, as training writes and evaluates it: the bundle of
// include/hardy/bundle.h.
#pragma once

#include <filesystem>

#include "hardy/bundle.h"
#include "hardy/config.h"
#include "hardy/fit_outcome.h"
#include "hardy/tensor_file.h"
#include "train/fold_data.h"

namespace hardy {

/// A model file read back. Arrays: "model.<parameter>", "scaling.<modality>.mean", ".deviation",
/// ".lowest" and ".highest" (models of bundle formats below 4 have no limits); of a recogniser of
/// tuned features also "tuning.<modality>.<parameter>".
struct StoredModel {
  TensorFile file;
  BundleInfo info;
  Config config;
};

/// What a bundle says of a fit: modalities, labels, scores on validation and test, and calibrations
/// fitted on validation outputs alone.
BundleInfo describe_fit(const FitOutcome& outcome, const FoldData& data, const Config& config);

/// How the model's features were scaled; without limits in old models. Throws ArtifactError when
/// the file lacks an array.
Scaling stored_scaling(const StoredModel& model);

/// Adds scaling and description to a fit's arrays and writes the file. Whether the model reads
/// tuned features is seen by the arrays: a fit brings the nets it needs.
void save_model(const std::filesystem::path& file, const TensorFile& fit, const FoldData& data,
                const BundleInfo& info);

/// Throws ArtifactError when the file is no model, damaged, newer than this program or of another
/// method.
StoredModel load_model(const std::filesystem::path& file);

}  // namespace hardy
