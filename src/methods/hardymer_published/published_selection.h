// Selection of epochs by the test part (defects H1 and H1b). No other code reads test labels during
// training, and this code runs only if h1_test_epoch is on.
#pragma once

#include <functional>
#include <vector>

#include "hardy/modality.h"
#include "train/fold_data.h"

namespace hardy {

/// Outputs on the fold's test part under one pattern, as Objective::accuracy takes them.
using PredictTest = std::function<std::vector<float>(Pattern)>;

/// Minus the mean over `patterns` of the test result: WA of classes, weighted F1 of the sign of
/// values. Smaller is better; NaN when no utterance counts.
double test_value(const FoldData& data, const std::vector<Pattern>& patterns,
                  const PredictTest& predict);

}  // namespace hardy
