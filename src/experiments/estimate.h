// Duration of a study, estimated before it starts: the epochs of its distinct stages times the
// measured cost of an epoch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/study.h"

namespace hardy {

/// Epochs of one fold and seed, in the units of the scheduler's cost model: an epoch of pretraining
/// or of one fit without support passes, half an epoch of the hardness estimator, or one epoch of
/// feature tuning.
struct StageWork {
  double preparations = 0;  ///< number of hardness-and-neighbours stages
  double preparation_epochs = 0;
  double pretrainings = 0;
  double pretraining_epochs = 0;
  double fits = 0;
  double fit_epochs = 0;
};

/// The work of the first `count` variants, stages with equal settings counted once. Every fit
/// counts, although different settings may lead to the same supports and share it. `conditions`:
/// number of specialists. Only HARDY-MER's own stages are counted.
StageWork distinct_work(const Study& study, std::size_t count, std::int64_t conditions);

/// CPU seconds of a stage as a line: fixed cost and cost per epoch.
struct StageCost {
  double once_s = 0;
  double epoch_s = 0;
};

/// Measured on one fold and seed with the base settings.
struct EpochCosts {
  StageCost preparation;
  StageCost pretraining;
  StageCost fit;
};

/// The line through two measurements, both parts at least 0.
StageCost line_through(double epochs1, double seconds1, double epochs2, double seconds2);

/// CPU seconds of the work of one fold and seed.
double seconds_of(const StageWork& work, const EpochCosts& costs);

}  // namespace hardy
