// Trains the multi-view hardness estimator and measures every training utterance (paper 3.2).
#pragma once

#include <cstdint>
#include <vector>

#include "hardy/modality.h"
#include "hardy/tensor_file.h"
#include "methods/hardymer/seams.h"
#include "methods/hardymer/settings.h"
#include "train/epoch_loop.h"
#include "train/fold_data.h"

namespace hardy {

/// Stage 1 on complete data: sum of the modality cross-entropies minus `mi_weight` times the mean
/// pseudo mutual information (Eq. 11-14); stage 2 on patterns drawn per utterance: cross-entropy of
/// the joint head plus the reconstruction error of every modality (Eq. 15-16). Then frozen.
///
/// Returns arrays "direct" [P, n] (Eq. 2-3: sum over all modalities of the mean squared
/// reconstruction error under pattern p, in corpus-scaled units), "indirect" [n] (Eq. 9: sum of the
/// pairs' pseudo mutual information on complete data) and "patterns" [P] (bits), n the fold's
/// training utterances in the order of FoldData::train.
///
/// `seams`: target, mask and cross-attention of a variant.
TensorFile estimate_hardness(const FoldData& data, const HardnessConfig& config,
                             const std::vector<Pattern>& patterns, const StageServices& services,
                             const HardyMerSeams& seams = own_seams());

}  // namespace hardy
