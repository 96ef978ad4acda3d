// GRU over packed sequences. The state's weights are packed once per pass and used by every step;
// their gradient is one product over all steps.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/panels.h"
#include "kernels/training_loops.h"
#include "nn/fast_path.h"
#include "nn/ops.h"
#include "nn/recurrent_steps.h"

namespace hardy {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class GruFunction : public torch::autograd::Function<GruFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gates,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const std::vector<std::int64_t>& step_sizes, bool runs_backwards) {
    const std::int64_t width = weight.size(1);
    auto active = gates.clone();
    auto state = at::empty({gates.size(0), width}, gates.options());
    auto candidate = at::empty_like(state);
    std::vector<float> place(static_cast<std::size_t>(predict::packed_size(width, 3 * width)));
    const auto panels =
        predict::pack({floats(weight), width}, width, 3 * width, 1.0F, place.data());
    const std::int64_t most = step_sizes.empty() ? 0 : step_sizes.front();
    std::vector<float> products(static_cast<std::size_t>(most * 3 * width));
    for (const auto& step : recurrent_steps(step_sizes, runs_backwards)) {
      const float* before = floats(state) + step.first_before * width;
      if (step.rows_before > 0) {
        predict::multiply({before, width}, step.rows_before, panels, nullptr,
                          {products.data(), 3 * width}, false);
      }
      kernels::gru_step(step.rows, width, floats(active) + step.first * 3 * width, products.data(),
                        floats(bias), before, step.rows_before,
                        floats(candidate) + step.first * width,
                        floats(state) + step.first * width);
    }
    context->save_for_backward({active, candidate, state, weight});
    context->saved_data["step_sizes"] = step_sizes;
    context->saved_data["runs_backwards"] = runs_backwards;
    return state;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& candidate = saved[1];
    const auto& state = saved[2];
    const auto& weight = saved[3];
    const std::int64_t n = state.size(0);
    const std::int64_t width = state.size(1);
    auto dgates = saved[0].clone();
    auto dproducts = at::empty_like(dgates);
    auto dstate = gradients[0].contiguous().clone();
    std::vector<float> place(static_cast<std::size_t>(predict::packed_size(3 * width, width)));
    const auto panels =
        predict::pack_columns({floats(weight), width}, 3 * width, width, place.data());
    const auto steps = recurrent_steps(context->saved_data["step_sizes"].toIntVector(),
                                       context->saved_data["runs_backwards"].toBool());
    auto before = at::zeros_like(state);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      float* own = floats(dproducts) + step->first * 3 * width;
      const std::int64_t place_before = step->first_before * width;
      kernels::gru_step_backward(
          step->rows, width, floats(dgates) + step->first * 3 * width,
          floats(candidate) + step->first * width, floats(state) + place_before, step->rows_before,
          floats(dstate) + step->first * width, own, floats(dstate) + place_before);
      if (step->rows_before == 0) continue;
      predict::multiply({own, 3 * width}, step->rows_before, panels, nullptr,
                        {floats(dstate) + place_before, width}, true);
      std::copy_n(floats(state) + place_before, step->rows_before * width,
                  floats(before) + step->first * width);
    }
    at::Tensor dweight;
    if (context->needs_input_grad(1)) {
      dweight = at::empty_like(weight);
      kernels::gemm({.a_transposed = true, .m = 3 * width, .n = width, .k = n}, floats(dproducts),
                    3 * width, floats(before), width, floats(dweight), width);
    }
    at::Tensor dbias;
    if (context->needs_input_grad(2)) dbias = dproducts.narrow(1, 2 * width, width).sum(0);
    return {dgates, dweight, dbias, at::Tensor(), at::Tensor()};
  }
};

/// The same, step by step through ATen, for every device and type.
at::Tensor gru_by_steps(const at::Tensor& gates, const at::Tensor& weight, const at::Tensor& bias,
                        const std::vector<RecurrentStep>& steps) {
  const auto width = weight.size(1);
  const auto no_bias = at::zeros({2 * width}, gates.options());
  std::vector<std::pair<std::int64_t, at::Tensor>> states;
  at::Tensor state;
  for (const auto& step : steps) {
    auto before = at::zeros({step.rows, width}, gates.options());
    if (step.rows_before > 0) {
      before = at::constant_pad_nd(state.narrow(0, 0, step.rows_before),
                                   {0, 0, 0, step.rows - step.rows_before});
    }
    const auto own = gates.narrow(0, step.first, step.rows).chunk(3, 1);
    const auto product = at::linear(before, weight, at::cat({no_bias, bias})).chunk(3, 1);
    const auto reset = at::sigmoid(own[0] + product[0]);
    const auto kept = at::sigmoid(own[1] + product[1]);
    state = (1 - kept) * at::tanh(own[2] + reset * product[2]) + kept * before;
    states.emplace_back(step.first, state);
  }
  std::sort(states.begin(), states.end(),
            [](const auto& x, const auto& y) { return x.first < y.first; });
  std::vector<at::Tensor> rows;
  for (auto& [first, value] : states) rows.push_back(std::move(value));
  return rows.empty() ? at::zeros({0, width}, gates.options()) : at::cat(rows);
}

}  // namespace

at::Tensor gru(const at::Tensor& gates, const at::Tensor& weight, const at::Tensor& bias,
               const std::vector<std::int64_t>& step_sizes, bool runs_backwards) {
  if (is_fast(gates) && is_fast(weight) && is_fast(bias)) {
    return GruFunction::apply(gates, weight, bias, step_sizes, runs_backwards);
  }
  return gru_by_steps(gates, weight, bias, recurrent_steps(step_sizes, runs_backwards));
}

}  // namespace hardy
