// Trains the recogniser (paper 3.3.3): complete-modality pretraining, shared by every condition,
// then the hardness-aware curriculum on one pattern or on all.
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

/// Stage 1: complete input, one head per modality, sum of cross-entropies. Returns all parameters
/// ("model.NAME"), also those that the pretraining leaves at their initial values.
TensorFile pretrain_recogniser(const FoldData& data, const RecogniserConfig& config,
                               const StageServices& services);

/// Makes an epoch criterion from the outputs of the model in training.
using MakeJudge = std::function<EpochJudge(const PredictDialogues& predict)>;

/// The same without patience; keeps the best epoch by a criterion on the joint head.
TensorFile pretrain_recogniser_judged(const FoldData& data, const RecogniserConfig& config,
                                      const StageServices& services, const MakeJudge& make_judge);

/// Training plan of the second stage.
struct CurriculumPlan {
  std::vector<Pattern> patterns;   ///< one: specialist; several: unified, drawn uniformly
  std::vector<Supports> supports;  ///< by pattern, rows of FoldData::train; empty = no supports
};

/// A trained recogniser with its training curve.
struct TrainedRecogniser {
  TensorFile model;  ///< "model.<name>" arrays
  std::vector<CurvePoint> curve;
};

/// Stage 2, from the pretrained parameters: cross-entropy plus `reconstruction_weight` times the
/// reconstruction error of the missing modalities. Use of supports (`retrieval.supports`):
/// `weights`: support j is one more visit of j in its own dialogue under the query's pattern, i.e.
/// a weight on j's loss (unified: j's pattern is drawn with probability proportional to its
/// visits); `slots`: one pass per rank, in which each utterance is replaced by its support of that
/// rank and an utterance without one is dropped. The epoch with the best validation loss is kept.
/// `seams`: epoch criterion, mask and gradients of a variant.
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
