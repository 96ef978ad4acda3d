// The loop shared by all training stages: shuffled batches, updates, validation, selection of the
// best epoch, and checkpoints from which an interrupted stage continues to the same bytes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "hardy/config.h"
#include "hardy/results.h"
#include "hardy/tensor_file.h"
#include "nn/ops.h"
#include "nn/parameters.h"

namespace hardy {

/// Callbacks supplied by the stage runner. Any function may be empty.
struct StageServices {
  Seeds seeds{0};  ///< the root of the stage's random streams
  std::function<void(double done, double total)> report;
  std::function<void()> throw_if_stopping;
  std::function<std::optional<TensorFile>()> find_checkpoint;
  std::function<void(const TensorFile&)> store_checkpoint;
  double checkpoint_interval_s = 30;
};

struct EpochLoopOptions {
  std::string stage;       ///< names the random streams, curve points and errors
  std::int64_t items = 0;  ///< dialogues or utterances to shuffle
  std::int64_t epochs = 0;
  std::int64_t patience = 0;  ///< epochs without improvement before stopping; 0 = no early stopping
  OptimiserConfig optimiser;
  double beta1 = 0.9;  ///< Adam's decay of the first moment
  /// Decay per update of a moving average of the parameters, which is validated and kept; 0 = the
  /// parameters themselves. Range [0, 1). In update t the decay is at most (1 + t) / (10 + t), so
  /// that the initial values fade quickly.
  double average = 0;
  /// Gradients are cleared once per batch, so that every update steps along the sum of all
  /// gradients before it.
  bool keeps_gradients = false;
  /// Learning-rate factor by 0-based epoch; replaces the optimiser's schedule.
  std::function<double(std::int64_t epoch)> epoch_rate;
};

/// Random streams of one batch.
struct BatchStreams {
  Generator draws;        ///< for patterns
  std::uint64_t dropout;  ///< key of the batch's dropout streams
};

/// Runs one batch: computes losses and passes each to `update`, which does the backward pass and
/// the step.
using BatchFunction =
    std::function<void(const std::vector<std::int64_t>& items, BatchStreams& streams,
                       const std::function<void(const at::Tensor& loss)>& update)>;

/// Runs the epochs and leaves the parameters of the best one: the one with the lowest
/// `validation_loss()`, or the last if the function is empty. The initial parameters (epoch 0) are
/// not a candidate. Throws DivergenceError naming stage and epoch when a loss is NaN or infinite.
std::vector<CurvePoint> run_epochs(const EpochLoopOptions& options, const StageServices& services,
                                   ParameterSet& parameters, const BatchFunction& run_batch,
                                   const std::function<double()>& validation_loss);

}  // namespace hardy
