// The loop that every trained stage shares: shuffled batches, updates, validation, best epoch kept,
// checkpoints from which an interrupted stage goes on to the same bytes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "hardy/config.h"
#include "hardy/curve.h"
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
  std::int64_t patience = 0;  ///< epochs without improvement before stopping; 0 = never stop early
  OptimiserConfig optimiser;
  double beta1 = 0.9;  ///< Adam's memory of gradients
  /// Decay per update of a moving average of the parameters, which is what is judged and kept; 0 =
  /// the parameters themselves. Range [0, 1). In update t the decay is at most (1 + t) / (10 + t),
  /// so that the start is forgotten early.
  double average = 0;
  /// Gradients are cleared once per batch, so that every update of it steps along the
  /// sum of all before.
  bool keeps_gradients = false;
  /// Factor on the learning rate by 0-based epoch; when given, the optimiser's schedule is not
  /// read.
  std::function<double(std::int64_t epoch)> epoch_rate;
};

/// Random streams of one batch.
struct BatchStreams {
  Generator draws;        ///< for patterns
  std::uint64_t dropout;  ///< key of the batch's dropout streams
};

/// Runs one batch: computes losses and hands each to `update`, which does backward and the step.
using BatchFunction =
    std::function<void(const std::vector<std::int64_t>& items, BatchStreams& streams,
                       const std::function<void(const at::Tensor& loss)>& update)>;

/// Runs the epochs and leaves the parameters of the best one: that with the lowest
/// `validation_loss()`, or the last when the function is empty. Epoch 0, the start, is no
/// candidate. Throws DivergenceError naming stage and epoch when a loss is NaN or infinite.
std::vector<CurvePoint> run_epochs(const EpochLoopOptions& options, const StageServices& services,
                                   ParameterSet& parameters, const BatchFunction& run_batch,
                                   const std::function<double()>& validation_loss);

}  // namespace hardy
