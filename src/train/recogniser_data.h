// Small pieces that the hardness estimator and the recogniser train with alike.
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

/// A backbone for this corpus.
BackboneOptions backbone_options(const FoldData& data, const EncoderConfig& encoder);

/// Whole dialogues under one pattern, in chunks that bound memory; for passes without gradients.
std::vector<BatchPlan> chunk_plans(const FoldData& data, const std::vector<std::int64_t>& dialogues,
                                   Pattern pattern);

/// Training dialogues (places in Fold::train) under one pattern.
BatchPlan training_plan(const FoldData& data, const std::vector<std::int64_t>& items,
                        Pattern pattern);

/// The rows' own labels as the objective wants them. Shapes: -> [n].
at::Tensor targets_of(const FoldData& data, const BatchPlan& plan);

/// What modality m of some batch rows really is. Shapes: -> [rows, d_m].
at::Tensor true_features(const FeatureTable& table, const Batch& batch, std::size_t m,
                         const std::vector<std::int64_t>& rows);

/// What an epoch loop is judged by: `loss`, or nothing (the last epoch counts) when the fold has no
/// validation part.
std::function<double()> judge_of(const FoldData& data, std::function<double()> loss);

/// Mean of a loss over the validation part under one pattern, chunks weighted by their utterances.
/// Range: there is a validation part.
double mean_over_validation(const FoldData& data, Pattern pattern,
                            const std::function<double(const BatchPlan&)>& loss);

/// Logits (or values) of the rows of a plan that shows everything, under each of some patterns that
/// all rows share. Shapes: -> [patterns] of [n, C].
using LogitsByPattern = std::function<std::vector<at::Tensor>(const BatchPlan& plan)>;

/// What epochs are compared by, smaller is better: the label loss on the validation part, mean over
/// the patterns, or minus the accuracy that `selection` (protocol.selection) names, equal
/// accuracies by their loss. No gradients. Range: there is a validation part.
double validation_value(const FoldData& data, std::size_t patterns, Selection selection,
                        const LogitsByPattern& logits);

/// The services of one of several training loops that follow each other in a stage: progress counts
/// `before` of `total` epochs as done, and a checkpoint is found only by the loop that wrote it.
StageServices stage_services(const StageServices& services, std::int64_t before, std::int64_t total,
                             const std::string& loop);

}  // namespace hardy
