// Feature tuning (paper 3.3.1): per modality and fold, on the training part only.
#pragma once

#include "hardy/tensor_file.h"
#include "methods/hardymer/settings.h"
#include "train/epoch_loop.h"
#include "train/fold_data.h"

namespace hardy {

/// Trains one tuning net per modality with early stopping on the validation part, and maps every
/// utterance. Returns arrays "tuned.MODALITY" [N, d_m] and the nets without their heads,
/// "tuning.MODALITY.adapter1.weight" and so on.
TensorFile tune_features(const FoldData& data, const TuningConfig& config,
                         const StageServices& services);

/// The tuned features of a fold as a table like the plain one.
FeatureTable tuned_table(const FoldData& data, const TensorFile& tuned);

/// Whether a file holds tuning nets; cache entries of older versions do not.
bool has_tuning_nets(const TensorFile& file);

/// Copies the nets of one file into another.
void copy_tuning_nets(const TensorFile& source, TensorFile& target);

/// Scaled features mapped by the nets of a model, absent rows zero. Throws ArtifactError naming an
/// array that is missing or of another shape.
FeatureTable mapped_by_nets(const Corpus& corpus, const FeatureTable& scaled,
                            const TensorFile& model);

}  // namespace hardy
