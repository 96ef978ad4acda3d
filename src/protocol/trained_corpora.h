// Training corpora of a run: the run's own, and one per set of masks that has its own models.
#pragma once

#include <memory>
#include <vector>

#include "corpus/missing.h"
#include "hardy/corpus.h"
#include "hardy/split.h"
#include "protocol/fold_shelf.h"

namespace hardy {

/// A training corpus.
struct TrainedCorpus {
  const Corpus* corpus = nullptr;
  std::unique_ptr<Corpus> masked;  ///< owns `corpus` if masked
  const MaskSpec* spec = nullptr;  ///< the masks; null for the run's own
  std::unique_ptr<FoldShelf> shelf;
};

/// The training corpora of a plan: the run's own if patterns or masks at test need it, then the
/// masked ones. Requires: the arguments outlive the result. Shapes: masks [masks of the plan] of
/// [N].
std::vector<std::unique_ptr<TrainedCorpus>> make_trained_corpora(
    const Corpus& corpus, const std::vector<Fold>& folds, const ConditionPlan& plan,
    const std::vector<std::vector<Pattern>>& masks, at::Device device);

}  // namespace hardy
