// Intervals of a report's means from resampled test dialogues and the variation over seeds
// (src/analysis/bootstrap.h).
#pragma once

#include <string>
#include <vector>

#include "analysis/bootstrap.h"
#include "hardy/corpus.h"
#include "hardy/results.h"

namespace hardy {

/// Tally layout for predictions of this corpus.
TallyLayout layout_of(const Corpus& corpus);

/// Truth of an utterance for TallyLayout::add; NaN when it is not scored: the value behind the
/// classes of a sign is 0.
double scored_truth(const Corpus& corpus, std::size_t utterance);

/// The test outputs of all fits for resampling. A specialist counts under its own pattern.
PredictionTable prediction_table(const std::vector<FitOutcome>& outcomes, const Corpus& corpus);

/// Fills Results::intervals and the interval of every summary.
void add_intervals(Results& results, const PredictionTable& table,
                   const BootstrapOptions& options = {});

/// The first number of a report that differs from its stored predictions ("unified, {a}, wa is 0.5
/// in the results and 0.4 by the predictions"); "" when all agree.
std::string disagreement(const Results& results, const std::vector<Resampled>& numbers);

}  // namespace hardy
