#include "methods/early_linear/linear_path.h"

#include <torch/optim/lbfgs.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "hardy/errors.h"

namespace hardy {

void fit_linear_path(const Objective& objective, const at::Tensor& x, const at::Tensor& targets,
                     const StrengthPath& path, LinearLayer& layer,
                     const std::function<double()>& judge, const StageServices& services) {
  {
    at::NoGradGuard no_gradient;
    layer.weight.zero_();
    layer.bias.zero_();
  }
  double best = std::numeric_limits<double>::infinity();
  at::Tensor best_weight;
  at::Tensor best_bias;
  for (std::int64_t i = 0; i < path.count; ++i) {
    if (services.throw_if_stopping) services.throw_if_stopping();
    const double share =
        path.count == 1 ? 0 : static_cast<double>(i) / static_cast<double>(path.count - 1);
    const double strength = path.strongest * std::pow(path.weakest / path.strongest, share);
    torch::optim::LBFGS optimiser({layer.weight, layer.bias}, torch::optim::LBFGSOptions(1.0)
                                                                  .max_iter(path.iterations)
                                                                  .tolerance_grad(1e-5)
                                                                  .tolerance_change(1e-8)
                                                                  .line_search_fn("strong_wolfe"));
    double last = 0;
    optimiser.step([&] {
      if (services.throw_if_stopping) services.throw_if_stopping();
      layer.weight.mutable_grad().reset();
      layer.bias.mutable_grad().reset();
      const auto loss = objective.loss(linear(x, layer.weight, layer.bias), targets, {}) +
                        0.5 * strength * layer.weight.square().sum();
      loss.backward();
      last = loss.item<double>();
      return loss;
    });
    if (!std::isfinite(last)) throw DivergenceError("a linear model's loss became infinite");
    const double value = judge ? judge() : -static_cast<double>(i);
    if (value < best) {
      best = value;
      best_weight = layer.weight.detach().clone();
      best_bias = layer.bias.detach().clone();
    }
    if (services.report) {
      services.report(static_cast<double>(i + 1), static_cast<double>(path.count));
    }
  }
  at::NoGradGuard no_gradient;
  layer.weight.copy_(best_weight);
  layer.bias.copy_(best_bias);
}

}  // namespace hardy
