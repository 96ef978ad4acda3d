// Headline metrics of a corpus, and metrics that do not apply to its labels.
#pragma once

#include <string>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/results.h"

namespace hardy {

/// The metrics of the first table, the one to compare and rank by first (docs/metrics.md). Labels
/// of an official test part are not read.
std::vector<std::string> headline_of(const Corpus& corpus);

/// Those of `metrics` that distinguish classes, signs or bins although the truth of all test
/// outputs has one of them only.
std::vector<NotApplicable> find_not_applicable(const std::vector<std::string>& metrics,
                                               const std::vector<FitOutcome>& outcomes,
                                               const Corpus& corpus);

}  // namespace hardy
