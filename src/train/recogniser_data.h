// Functions shared by the training of the hardness estimator and of the recogniser.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "nn/backbone.h"
#include "train/epoch_loop.h"
#include "train/fold_data.h"

namespace hardy {

/// Options of a backbone for this corpus.
BackboneOptions backbone_options(const FoldData& data, const EncoderConfig& encoder);

/// Whole dialogues under one pattern, in chunks that bound memory; for passes without gradients.
std::vector<BatchPlan> chunk_plans(const FoldData& data, const std::vector<std::int64_t>& dialogues,
                                   Pattern pattern);

/// Training dialogues (indices into Fold::train) under one pattern.
BatchPlan training_plan(const FoldData& data, const std::vector<std::int64_t>& items,
                        Pattern pattern);

/// The rows' own labels as targets of the objective, none for rows of which their pattern leaves
/// nothing to be read. Shapes: -> [n].
at::Tensor targets_of(const FoldData& data, const BatchPlan& plan);

/// `targets` without those of rows of which the row's pattern and `limit` leave nothing. Shapes:
/// [n] -> [n].
at::Tensor readable_targets(const FoldData& data, const BatchPlan& plan, Pattern limit,
                            const at::Tensor& targets);

/// Features of modality m of some batch rows in the data. Shapes: -> [rows, d_m].
at::Tensor true_features(const FeatureTable& table, const Batch& batch, std::size_t m,
                         const std::vector<std::int64_t>& rows);

/// Validation criterion of an epoch loop: `loss`, or none (the last epoch is kept) if the fold has
/// no validation part.
std::function<double()> judge_of(const FoldData& data, std::function<double()> loss);

/// Mean of a loss over the validation part under one pattern, chunks weighted by their utterances.
/// Requires: there is a validation part.
double mean_over_validation(const FoldData& data, Pattern pattern,
                            const std::function<double(const BatchPlan&)>& loss);

/// Logits (or values) of the rows of a plan with complete input, under each of some patterns that
/// all rows share. Shapes: -> [patterns] of [n, C].
using LogitsByPattern = std::function<std::vector<at::Tensor>(const BatchPlan& plan)>;

/// Validation criterion of an epoch, smaller is better: the label loss on the validation part, mean
/// over the patterns, or minus the accuracy of `selection` (protocol.selection), where the loss
/// breaks ties. Utterances of which a pattern leaves nothing do not count under it. `logits`: of
/// these patterns. No gradients. Requires: there is a validation part.
double validation_value(const FoldData& data, const std::vector<Pattern>& patterns,
                        Selection selection, const LogitsByPattern& logits);

/// Services of one of several successive training loops of a stage: progress counts `before` of
/// `total` epochs as done, and a checkpoint is found only by the loop that wrote it.
StageServices stage_services(const StageServices& services, std::int64_t before, std::int64_t total,
                             const std::string& loop);

}  // namespace hardy
