// Adam with coupled L2 (as torch.optim.Adam), one pass over memory per step.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/parameters.h"

namespace hardy {

struct AdamOptions {
  double learning_rate = 1e-4;
  double weight_decay = 0;  ///< added to the gradient, as torch.optim.Adam does
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip = 0;  ///< largest norm of the whole gradient; 0 = no clipping
};

/// Optimises the parameters that have a gradient. The others keep value and state, so that a
/// parameter which a stage does not use does not decay. Equals torch.optim.Adam on the rest.
class Adam {
 public:
  Adam(ParameterSet& parameters, const AdamOptions& options);

  /// One update. `rate_factor` multiplies the learning rate (schedules). Returns the gradient norm
  /// before clipping when clipping is on, else 0. Throws DivergenceError when that norm is not
  /// finite.
  double step(double rate_factor = 1.0);

  /// State of the optimiser, for checkpoints: arrays "<prefix><name>.mean", ".square" and "steps".
  void save(TensorFile& file, const std::string& prefix) const;
  void load(const TensorFile& file, const std::string& prefix);

 private:
  struct State {
    at::Tensor mean;
    at::Tensor square;
    std::int64_t steps = 0;
  };

  ParameterSet& parameters_;
  AdamOptions options_;
  std::vector<State> states_;
};

}  // namespace hardy
