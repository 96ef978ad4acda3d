// Masks of missing data: applied to the features that a model reads, and described in results.
#pragma once

#include <vector>

#include "corpus/missing.h"
#include "hardy/config.h"
#include "hardy/results.h"
#include "train/fold_data.h"

namespace hardy {

/// The plan of protocol.conditions. Throws ConfigError, also when no model could be tested under
/// it.
ConditionPlan checked_plan(const Config& config, const Corpus& corpus);

/// Whether each masks of the plan have models of their own, trained on masked data.
bool has_own_models(const ConditionPlan& plan);

/// Whether models are trained on the data as they are.
bool trains_as_it_is(const ConditionPlan& plan);

/// The masks of a plan, in its order. Shapes: -> [masks] of [N].
std::vector<std::vector<Pattern>> drawn_masks(const ConditionPlan& plan, const Corpus& corpus);

/// `data` with masked rows absent and zero. Shapes: masks [N].
FoldData with_masks(const FoldData& data, const std::vector<Pattern>& masks);

/// Fills Results::masks and related fields: the shares that the masks of a plan remove from the
/// utterances of these dialogues.
void describe_masks(const ConditionPlan& plan, const Corpus& corpus,
                    const std::vector<std::int64_t>& test_utterances, Results& results);

}  // namespace hardy
