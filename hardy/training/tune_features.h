// Feature tuning (paper 3.3.1, methods.md 1.7): per modality and fold, on the training part only.
#pragma once

#include "hardy/config/config.h"
#include "hardy/core/tensor_file.h"
#include "hardy/training/epoch_loop.h"
#include "hardy/training/fold_data.h"

namespace hardy {

/// Trains one tuning net per modality, stopped on the validation part, and maps every utterance.
/// Returns arrays "tuned.<modality>" [N, d_m].
TensorFile tune_features(const FoldData& data, const TuningConfig& config,
                         const StageServices& services);

/// The tuned features of a fold as a table like the plain one.
FeatureTable tuned_table(const FoldData& data, const TensorFile& tuned);

}  // namespace hardy
