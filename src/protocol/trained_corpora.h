// The corpora that a run trains on: its own, and one for each set of masks with models of its own.
#pragma once

#include <memory>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/missing.h"
#include "hardy/split.h"
#include "protocol/fold_shelf.h"

namespace hardy {

/// A corpus that models are trained on.
struct TrainedCorpus {
  const Corpus* corpus = nullptr;
  std::unique_ptr<Corpus> masked;  ///< owns `corpus` when it is masked
  const MaskSpec* spec = nullptr;  ///< the masks; null for the run's own
  std::unique_ptr<FoldShelf> shelf;
};

/// The run's own where something is trained on it: patterns, or masks at test. Arguments outlive
/// the result. Shapes: masks [masks of the plan] of [N].
std::vector<std::unique_ptr<TrainedCorpus>> make_trained_corpora(
    const Corpus& corpus, const std::vector<Fold>& folds, const ConditionPlan& plan,
    const std::vector<std::vector<Pattern>>& masks, at::Device device);

}  // namespace hardy
