// Feature tuning (paper 3.3.1): per modality and fold, on the training part only.
#pragma once

#include <functional>

#include "hardy/tensor_file.h"
#include "methods/hardymer/settings.h"
#include "train/epoch_loop.h"
#include "train/fold_data.h"

namespace hardy {

/// What feature tuning returns beside its nets.
enum class TunedResult { kFeatures, kNothing };

/// Where the mapped features of modality m are to be written, [N, d_m].
using TableMemory = std::function<at::Tensor(std::size_t m)>;

/// Trains one tuning net per modality, stopped on the validation part, and maps every utterance.
/// Returns arrays "tuned.<modality>" [N, d_m] and the nets without their heads,
/// "tuning.<modality>.adapter1.weight" and so on.
TensorFile tune_features(const FoldData& data, const TuningConfig& config,
                         const StageServices& services,
                         TunedResult wanted = TunedResult::kFeatures);

/// The tuned features of a fold as a table like the plain one.
FeatureTable tuned_table(const FoldData& data, const TensorFile& tuned);

/// Whether a file holds tuning nets; cache entries of older versions do not.
bool has_tuning_nets(const TensorFile& file);

/// Copies the nets of one file into another.
void copy_tuning_nets(const TensorFile& source, TensorFile& target);

/// Scaled features mapped by the nets of a model, absent rows zero. Throws ArtifactError naming an
/// array that is missing or of another shape.
FeatureTable mapped_by_nets(const Corpus& corpus, const FeatureTable& scaled,
                            const TensorFile& model, const TableMemory& memory = nullptr);

}  // namespace hardy
