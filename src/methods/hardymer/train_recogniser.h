// Trains the recogniser (paper 3.3.3, methods.md 1.7): complete-modality pretraining, shared by
// every condition, then the hardness-aware curriculum on one pattern or on all.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hardy/modality.h"
#include "hardy/tensor_file.h"
#include "methods/hardymer/curriculum.h"
#include "methods/hardymer/seams.h"
#include "methods/hardymer/settings.h"
#include "train/epoch_loop.h"
#include "train/fold_data.h"

namespace hardy {

/// Stage 1: complete input, one head per modality, sum of cross-entropies. Returns the parameters
/// ("model.<name>") that the pretraining touches and those it leaves at their initial values.
TensorFile pretrain_recogniser(const FoldData& data, const RecogniserConfig& config,
                               const StageServices& services);

/// Makes a judge of epochs from the outputs of the model being trained.
using MakeJudge = std::function<EpochJudge(const PredictDialogues& predict)>;

/// The same training without patience; the epoch is kept that the judge prefers by the joint head.
TensorFile pretrain_recogniser_judged(const FoldData& data, const RecogniserConfig& config,
                                      const StageServices& services, const MakeJudge& make_judge);

/// Training plan of the second stage.
struct CurriculumPlan {
  std::vector<Pattern> patterns;   ///< one: specialist; several: unified, drawn uniformly
  std::vector<Supports> supports;  ///< by pattern, rows of FoldData::train; empty = no supports
};

/// A trained recogniser and how it came about.
struct TrainedRecogniser {
  TensorFile model;  ///< "model.<name>" arrays
  std::vector<CurvePoint> curve;
};

/// Stage 2, from the pretrained parameters: cross-entropy plus `reconstruction_weight` times the
/// reconstruction error of the missing modalities. Supports enter as `retrieval.supports` says:
/// `weights`: support j is one more visit of j in its own dialogue under the query's pattern, i.e.
/// a weight on j's loss (unified: j's pattern is drawn with probability proportional to its
/// visits); `slots`: one pass per rank, in which each utterance is replaced by its support of that
/// rank and an utterance without one drops out. The epoch with the best validation loss is kept.
/// Variants depart from it at `seams`: judge, mask, gradients.
TrainedRecogniser train_recogniser(const FoldData& data, const Config& config,
                                   const TensorFile& pretrained, const CurriculumPlan& plan,
                                   const StageServices& services,
                                   const HardyMerSeams& seams = own_seams());

/// Runs a trained recogniser over whole dialogues under one pattern. Outputs: class probabilities
/// or values, utterance by utterance of the dialogues in order. Shapes: -> [n, C] row-major.
std::vector<float> predict_dialogues(const FoldData& data, const RecogniserConfig& config,
                                     const TensorFile& model,
                                     const std::vector<std::int64_t>& dialogues, Pattern pattern);

}  // namespace hardy
