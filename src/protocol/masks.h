// Masks of missing data at work: on the features that a model reads, and in what results say.
#pragma once

#include <vector>

#include "hardy/config.h"
#include "hardy/missing.h"
#include "hardy/results.h"
#include "train/fold_data.h"

namespace hardy {

/// What protocol.conditions asks for. Throws ConfigError, also when no model could be tested so.
ConditionPlan checked_plan(const Config& config, const Corpus& corpus);

/// `data` with masked rows absent and zero. Shapes: masks [N].
FoldData with_masks(const FoldData& data, const std::vector<Pattern>& masks);

/// Fills Results::masks and what belongs to it: what the masks of a plan took from the utterances
/// of these dialogues.
void describe_masks(const ConditionPlan& plan, const Corpus& corpus,
                    const std::vector<std::int64_t>& test_utterances, Results& results);

}  // namespace hardy
