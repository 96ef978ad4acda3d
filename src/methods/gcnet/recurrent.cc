#include "methods/gcnet/recurrent.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "nn/batch.h"

namespace hardy {

StepOrder StepOrder::of(const std::vector<std::int64_t>& offsets, at::Device device) {
  std::vector<std::size_t> dialogues(offsets.size() - 1);
  std::iota(dialogues.begin(), dialogues.end(), 0);
  const auto length = [&](std::size_t d) { return offsets[d + 1] - offsets[d]; };
  std::stable_sort(dialogues.begin(), dialogues.end(),
                   [&](std::size_t x, std::size_t y) { return length(x) > length(y); });
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> sizes;
  for (std::int64_t step = 0; !dialogues.empty() && step < length(dialogues.front()); ++step) {
    std::int64_t size = 0;
    for (const auto d : dialogues) {
      if (length(d) <= step) break;
      rows.push_back(offsets[d] + step);
      ++size;
    }
    sizes.push_back(size);
  }
  std::vector<std::int64_t> places(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    places[static_cast<std::size_t>(rows[i])] = static_cast<std::int64_t>(i);
  }
  return {index_tensor(rows, device), index_tensor(places, device), sizes};
}

RecurrentStack::RecurrentStack(ParameterSet& parameters, const std::string& name, std::int64_t in,
                               std::int64_t out, Generator& generator) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(out));
  const auto make_direction = [&](const std::string& prefix, std::int64_t width) {
    const auto add = [&](const char* part, std::vector<std::int64_t> shape) {
      return parameters.add_uniform(prefix + part, std::move(shape), bound, generator);
    };
    Direction direction;
    direction.input.weight = add(".input", {4 * out, width});
    direction.state.weight = add(".state", {4 * out, out});
    direction.input.bias = add(".input_bias", {4 * out});
    direction.state.bias = add(".state_bias", {4 * out});
    return direction;
  };
  for (int layer = 0; layer < 2; ++layer) {
    const std::int64_t width = layer == 0 ? in : 2 * out;
    const auto prefix = fmt::format("{}.{}", name, layer);
    auto forward = make_direction(prefix + ".forward", width);
    layers_.push_back({std::move(forward), make_direction(prefix + ".backward", width)});
  }
}

at::Tensor RecurrentStack::run(InputProduct input, const StepOrder& order, double share,
                               DropoutStream& stream) const {
  at::Tensor state;
  const auto walk = [&](const Direction& direction, bool runs_backwards) {
    const auto gates = input(direction.input.weight, direction.input.bias + direction.state.bias);
    return lstm(gates, direction.state.weight, order.sizes, runs_backwards);
  };
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    if (layer > 0) {
      state = dropout(state, share, stream);
      input = [&state](const at::Tensor& weight, const at::Tensor& bias) {
        return linear(state, weight, bias);
      };
    }
    state = at::cat({walk(layers_[layer].forward, false), walk(layers_[layer].backward, true)}, 1);
  }
  return state.index_select(0, order.places);
}

at::Tensor RecurrentStack::forward(const at::Tensor& x, const StepOrder& order, double share,
                                   DropoutStream& stream) const {
  const auto walked = x.index_select(0, order.rows);
  return run([&](const at::Tensor& weight,
                 const at::Tensor& bias) { return linear(walked, weight, bias); },
             order, share, stream);
}

at::Tensor RecurrentStack::forward(const std::vector<InputBlock>& x, const StepOrder& order,
                                   double share, DropoutStream& stream) const {
  return run(
      [&](const at::Tensor& weight, const at::Tensor& bias) {
        return linear_of_blocks(x, order.rows.numel(), weight, bias).index_select(0, order.rows);
      },
      order, share, stream);
}

}  // namespace hardy
