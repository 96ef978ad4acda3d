// The reliability estimate of a model's modalities (src/inference/reliability.h), fitted on
// features alone: no label, and no example of damage.
#pragma once

#include <map>
#include <mutex>

#include "hardy/tensor_file.h"
#include "train/fold_data.h"

namespace hardy {

/// The arrays "reliability.MODALITY.*" of every modality that training and validation utterances
/// have: principal directions of the training part, and the strangeness of the validation part's
/// utterances. Test utterances are not read. Requires: `data` has plain scaled features and a fold.
TensorFile fit_reliability(const FoldData& data);

/// The estimate of each fold, made for the first of its models that is stored. Safe from several
/// threads.
class ReliabilityShelf {
 public:
  /// Requires: equal folds of one corpus have the same data. Valid as long as this object.
  const TensorFile& estimate_of(const FoldData& data);

 private:
  std::mutex mutex_;
  std::map<int, TensorFile> estimates_;  ///< by Fold::index
};

}  // namespace hardy
