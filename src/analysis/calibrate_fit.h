// Calibration of a trained model by its outputs on validation utterances.
#pragma once

#include <vector>

#include "hardy/bundle.h"
#include "hardy/corpus.h"
#include "hardy/results.h"

namespace hardy {

/// One calibration for each pattern of `validation` that has enough labelled utterances
/// (fit_calibration); for values the expected error, for several labels none. Evaluations under
/// masks are left out: each of their utterances has a pattern of its own.
std::vector<Calibration> calibrations_of(const std::vector<Evaluation>& validation,
                                         const Corpus& corpus);

}  // namespace hardy
