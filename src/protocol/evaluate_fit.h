// What a fitted model answers on the parts of its fold that it did not train on.
#pragma once

#include <vector>

#include "hardy/config.h"
#include "hardy/results.h"
#include "hardy/tensor_file.h"
#include "methods/method.h"
#include "train/fold_data.h"

namespace hardy {

/// A model and the method that fitted it.
struct FittedModel {
  const Method& method;
  const FoldMethod& fold;
  const Config& config;
  const TensorFile& arrays;
};

/// Adds the outputs on the test part (if `with_test`) and on the validation part; of a model that
/// trains on the latter, the held-out ones, and those of all known dialogues for calibration.
/// `data` and the pattern of the condition decide what is missing.
void evaluate_fit(const FittedModel& model, const FoldData& data, const Condition& condition,
                  bool with_test, FitOutcome& outcome);

/// The outcomes of the same fits on their validation parts.
std::vector<FitOutcome> on_validation(std::vector<FitOutcome> outcomes);

}  // namespace hardy
