// Scores of validation utterances for prediction sets (hardy/coverage.h).
#pragma once

#include <vector>

#include "hardy/bundle.h"
#include "hardy/corpus.h"
#include "hardy/results.h"

namespace hardy {

/// The scores under each pattern of `validation`, of the labelled utterances that have all of its
/// modalities; patterns without one are left out. None for several labels or values, nor under
/// masks.
std::vector<CoverageScores> coverage_scores_of(const std::vector<Evaluation>& validation,
                                               const Corpus& corpus);

}  // namespace hardy
