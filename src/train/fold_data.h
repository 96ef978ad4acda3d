// One fold of a corpus, prepared for training: scaled features, parts, targets.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/split.h"
#include "nn/batch.h"
#include "train/objective.h"
#include "train/scaling.h"

namespace hardy {

/// Data shared by the stages of one fold. Immutable after construction; safe from several threads.
struct FoldData {
  const Corpus* corpus = nullptr;
  Fold fold;
  std::vector<std::int64_t> train;  ///< utterances of the training dialogues, ascending
  Scaling scaling;                  ///< fitted on `train`
  FeatureTable table;               ///< scaled features of every utterance
  std::shared_ptr<const Objective> objective;

  /// Index in `train` of a training utterance. Requires: the utterance is in the training part.
  [[nodiscard]] std::int64_t train_row(std::int64_t utterance) const {
    return train_rows[static_cast<std::size_t>(utterance)];
  }

  std::vector<std::int64_t> train_rows;  ///< [N], -1 outside the training part
};

/// Scales `features` with the statistics of the fold's training part. The test part is scaled but
/// does not enter the statistics.
FoldData make_fold_data(const Corpus& corpus, const FeatureTable& features, const Fold& fold,
                        std::shared_ptr<const Objective> objective);

}  // namespace hardy
