#include "nn/adam.h"

#include <torch/types.h>

#include <cmath>
#include <cstring>

#include "hardy/errors.h"
#include "kernels/training_loops.h"

namespace hardy {

Adam::Adam(ParameterSet& parameters, const AdamOptions& options)
    : parameters_(parameters), options_(options), states_(parameters.all().size()) {}

double Adam::step(double rate_factor) {
  at::NoGradGuard no_gradient;
  double scale = 1;
  double norm = 0;
  if (options_.clip > 0) {
    double squares = 0;
    for (const auto& [name, value] : parameters_.all()) {
      if (!value.grad().defined()) continue;
      const auto gradient = value.grad().contiguous();
      squares += gradient.device().is_cpu()
                     ? kernels::sum_of_squares(gradient.data_ptr<float>(), gradient.numel())
                     : gradient.square().sum().item<double>();
    }
    norm = std::sqrt(squares);
    if (!std::isfinite(norm)) throw DivergenceError("the gradient is not finite");
    if (norm > options_.clip) scale = options_.clip / norm;
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto& value = parameters_.all()[i].second;
    if (!value.grad().defined()) continue;
    State& state = states_[i];
    if (state.steps == 0) {
      state.mean = at::zeros_like(value);
      state.square = at::zeros_like(value);
    }
    ++state.steps;
    const auto t = static_cast<double>(state.steps);
    const double correction1 = 1.0 - std::pow(options_.beta1, t);
    const double correction2 = std::sqrt(1.0 - std::pow(options_.beta2, t));
    const double rate = options_.learning_rate * rate_factor;
    if (value.device().is_cpu()) {
      const auto gradient = value.grad().contiguous();
      kernels::adam({.learning_rate = static_cast<float>(rate),
                     .weight_decay = static_cast<float>(options_.weight_decay),
                     .beta1 = static_cast<float>(options_.beta1),
                     .beta2 = static_cast<float>(options_.beta2),
                     .rest1 = static_cast<float>(1.0 - options_.beta1),
                     .rest2 = static_cast<float>(1.0 - options_.beta2),
                     .epsilon = static_cast<float>(options_.epsilon),
                     .gradient_scale = static_cast<float>(scale),
                     .correction1 = static_cast<float>(correction1),
                     .correction2_root = static_cast<float>(correction2)},
                    value.data_ptr<float>(), gradient.data_ptr<float>(),
                    state.mean.data_ptr<float>(), state.square.data_ptr<float>(), value.numel());
    } else {
      const auto gradient = value.grad() * scale + value.detach() * options_.weight_decay;
      state.mean.mul_(options_.beta1).add_(gradient, 1 - options_.beta1);
      state.square.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
      value.detach().addcdiv_(state.mean,
                              state.square.sqrt().div_(correction2).add_(options_.epsilon),
                              -rate / correction1);
    }
  }
  return norm;
}

void Adam::save(TensorFile& file, const std::string& prefix) const {
  std::vector<std::int64_t> steps;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const State& state = states_[i];
    steps.push_back(state.steps);
    if (state.steps == 0) continue;
    const auto store = [&](const char* what, const at::Tensor& values) {
      const auto host = values.to(at::kCPU).contiguous();
      const auto* first = host.data_ptr<float>();
      file.add(prefix + parameters_.all()[i].first + what, host.sizes().vec(),
               std::vector<float>(first, first + host.numel()));
    };
    store(".mean", state.mean);
    store(".square", state.square);
  }
  const auto count = static_cast<std::int64_t>(steps.size());
  file.add(prefix + "steps", {count}, std::move(steps));
}

void Adam::load(const TensorFile& file, const std::string& prefix) {
  const auto steps = file.integers(prefix + "steps");
  if (steps.size() != states_.size()) {
    throw ArtifactError("checkpoint of an optimiser with another number of parameters");
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    state.steps = steps[i];
    if (state.steps == 0) continue;
    const auto& parameter = parameters_.all()[i];
    const auto fetch = [&, &name = parameter.first, &value = parameter.second](const char* what) {
      const auto values = file.floats(prefix + name + what);
      if (static_cast<std::int64_t>(values.size()) != value.numel()) {
        throw ArtifactError("checkpoint array '" + prefix + name + what + "' has the wrong size");
      }
      auto host = at::empty(value.sizes(), at::TensorOptions(at::kFloat));
      std::memcpy(host.data_ptr<float>(), values.data(), values.size_bytes());
      return host.to(value.device());
    };
    state.mean = fetch(".mean");
    state.square = fetch(".square");
  }
}

}  // namespace hardy
