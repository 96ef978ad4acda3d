// LSTM over packed sequences. The state's weights are packed once per pass and used by every step;
// their gradient is one product over all steps.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "hardy/errors.h"
#include "kernels/panels.h"
#include "kernels/training_loops.h"
#include "nn/fast_path.h"
#include "nn/ops.h"

namespace hardy {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A step and its predecessor in processing order; the rows of both begin with the same sequence.
struct Step {
  std::int64_t first = 0;         ///< row of the first sequence of this step
  std::int64_t rows = 0;          ///< number of sequences with this step
  std::int64_t first_before = 0;  ///< row of the first sequence in the preceding step
  std::int64_t rows_before = 0;   ///< number of sequences in both steps; 0 at the start
};

/// Steps in processing order.
std::vector<Step> walk(const std::vector<std::int64_t>& sizes, bool runs_backwards) {
  std::vector<Step> steps;
  std::int64_t first = 0;
  for (const auto size : sizes) {
    steps.push_back({first, size, 0, 0});
    first += size;
  }
  if (runs_backwards) std::reverse(steps.begin(), steps.end());
  for (std::size_t s = 1; s < steps.size(); ++s) {
    steps[s].first_before = steps[s - 1].first;
    steps[s].rows_before = std::min(steps[s].rows, steps[s - 1].rows);
  }
  return steps;
}

class LstmFunction : public torch::autograd::Function<LstmFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gates,
                            const at::Tensor& weight, const std::vector<std::int64_t>& step_sizes,
                            bool runs_backwards) {
    const std::int64_t width = weight.size(1);
    auto active = gates.clone();
    auto cell = at::empty({gates.size(0), width}, gates.options());
    auto state = at::empty_like(cell);
    std::vector<float> place(static_cast<std::size_t>(predict::packed_size(width, 4 * width)));
    const auto panels =
        predict::pack({floats(weight), width}, width, 4 * width, 1.0F, place.data());
    for (const auto& step : walk(step_sizes, runs_backwards)) {
      float* own = floats(active) + step.first * 4 * width;
      if (step.rows_before > 0) {
        predict::multiply({floats(state) + step.first_before * width, width}, step.rows_before,
                          panels, nullptr, {own, 4 * width}, true);
      }
      kernels::lstm_step(step.rows, width, own, floats(cell) + step.first_before * width,
                         step.rows_before, floats(cell) + step.first * width,
                         floats(state) + step.first * width);
    }
    context->save_for_backward({active, cell, state, weight});
    context->saved_data["step_sizes"] = step_sizes;
    context->saved_data["runs_backwards"] = runs_backwards;
    return state;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& cell = saved[1];
    const auto& state = saved[2];
    const auto& weight = saved[3];
    const std::int64_t n = cell.size(0);
    const std::int64_t width = cell.size(1);
    auto dgates = saved[0].clone();
    auto dstate = gradients[0].contiguous().clone();
    auto dcell = at::zeros_like(cell);
    std::vector<float> place(static_cast<std::size_t>(predict::packed_size(4 * width, width)));
    const auto panels =
        predict::pack_columns({floats(weight), width}, 4 * width, width, place.data());
    const auto steps = walk(context->saved_data["step_sizes"].toIntVector(),
                            context->saved_data["runs_backwards"].toBool());
    auto before = at::zeros_like(state);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      float* own = floats(dgates) + step->first * 4 * width;
      const std::int64_t place_before = step->first_before * width;
      kernels::lstm_step_backward(
          step->rows, width, own, floats(cell) + place_before, step->rows_before,
          floats(cell) + step->first * width, floats(dstate) + step->first * width,
          floats(dcell) + step->first * width, floats(dcell) + place_before);
      if (step->rows_before == 0) continue;
      predict::multiply({own, 4 * width}, step->rows_before, panels, nullptr,
                        {floats(dstate) + place_before, width}, true);
      std::copy_n(floats(state) + place_before, step->rows_before * width,
                  floats(before) + step->first * width);
    }
    at::Tensor dweight;
    if (context->needs_input_grad(1)) {
      dweight = at::empty_like(weight);
      kernels::gemm({.a_transposed = true, .m = 4 * width, .n = width, .k = n}, floats(dgates),
                    4 * width, floats(before), width, floats(dweight), width);
    }
    return {dgates, dweight, at::Tensor(), at::Tensor()};
  }
};

/// The same, step by step through ATen, for every device and type.
at::Tensor lstm_by_steps(const at::Tensor& gates, const at::Tensor& weight,
                         const std::vector<Step>& steps) {
  const auto width = weight.size(1);
  std::vector<std::pair<std::int64_t, at::Tensor>> states;
  at::Tensor state;
  at::Tensor cell;
  for (const auto& step : steps) {
    auto own = gates.narrow(0, step.first, step.rows);
    auto carried = at::zeros({step.rows, width}, gates.options());
    if (step.rows_before > 0) {
      const auto missing = step.rows - step.rows_before;
      const auto filled = [&](const at::Tensor& x) {
        return at::constant_pad_nd(x.narrow(0, 0, step.rows_before), {0, 0, 0, missing});
      };
      own = own + at::linear(filled(state), weight);
      carried = filled(cell);
    }
    const auto parts = own.chunk(4, 1);
    cell = at::sigmoid(parts[0]) * at::tanh(parts[2]) + at::sigmoid(parts[1]) * carried;
    state = at::sigmoid(parts[3]) * at::tanh(cell);
    states.emplace_back(step.first, state);
  }
  std::sort(states.begin(), states.end(),
            [](const auto& x, const auto& y) { return x.first < y.first; });
  std::vector<at::Tensor> rows;
  for (auto& [first, value] : states) rows.push_back(std::move(value));
  return rows.empty() ? at::zeros({0, width}, gates.options()) : at::cat(rows);
}

}  // namespace

at::Tensor lstm(const at::Tensor& gates, const at::Tensor& weight,
                const std::vector<std::int64_t>& step_sizes, bool runs_backwards) {
  check(std::is_sorted(step_sizes.rbegin(), step_sizes.rend()), "steps of an LSTM may not grow");
  if (is_fast(gates) && is_fast(weight)) {
    return LstmFunction::apply(gates, weight, step_sizes, runs_backwards);
  }
  return lstm_by_steps(gates, weight, walk(step_sizes, runs_backwards));
}

}  // namespace hardy
