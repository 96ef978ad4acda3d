// Masks of missing data: applied to the features that a model reads, and described in results.
#pragma once

#include <vector>

#include "hardy/config.h"
#include "hardy/missing.h"
#include "hardy/results.h"
#include "train/fold_data.h"

namespace hardy {

/// The plan of protocol.conditions. Throws ConfigError, also when no model could be tested under
/// it.
ConditionPlan checked_plan(const Config& config, const Corpus& corpus);

/// `data` with masked rows absent and zero. Shapes: masks [N].
FoldData with_masks(const FoldData& data, const std::vector<Pattern>& masks);

/// Fills Results::masks and related fields: the shares that the masks of a plan remove from the
/// utterances of these dialogues.
void describe_masks(const ConditionPlan& plan, const Corpus& corpus,
                    const std::vector<std::int64_t>& test_utterances, Results& results);

}  // namespace hardy
