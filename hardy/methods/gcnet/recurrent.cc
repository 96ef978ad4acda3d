#include "hardy/methods/gcnet/recurrent.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "hardy/model/batch.h"

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
  return {index_tensor(rows, device), index_tensor(places, device), index_tensor(sizes, at::kCPU)};
}

RecurrentStack::RecurrentStack(ParameterSet& parameters, const std::string& name, std::int64_t in,
                               std::int64_t out, Generator& generator)
    : out_(out) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(out));
  for (int layer = 0; layer < 2; ++layer) {
    const std::int64_t width = layer == 0 ? in : 2 * out;
    std::vector<at::Tensor> tensors;
    for (const char* direction : {"forward", "backward"}) {
      const auto prefix = fmt::format("{}.{}.{}", name, layer, direction);
      const auto add = [&](const char* part, std::vector<std::int64_t> shape) {
        tensors.push_back(
            parameters.add_uniform(prefix + part, std::move(shape), bound, generator));
      };
      add(".input", {4 * out, width});
      add(".state", {4 * out, out});
      add(".input_bias", {4 * out});
      add(".state_bias", {4 * out});
    }
    layers_.push_back(std::move(tensors));
  }
}

at::Tensor RecurrentStack::forward(const at::Tensor& x, const StepOrder& order, double share,
                                   DropoutStream& stream) const {
  auto state = x.index_select(0, order.rows);
  if (state.size(0) == 0) return at::zeros({0, 2 * out_}, x.options());
  const auto dialogues = order.batch_sizes[0].item<std::int64_t>();
  const auto start = at::zeros({2, dialogues, out_}, x.options());
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    if (layer > 0) state = dropout(state, share, stream);
    // Dropout is ours, from a named stream: at::lstm's own would draw from libtorch's generator.
    state = std::get<0>(at::lstm(state, order.batch_sizes, {start, start}, layers_[layer],
                                 /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0.0,
                                 /*train=*/stream.is_training(), /*bidirectional=*/true));
  }
  return state.index_select(0, order.places);
}

}  // namespace hardy
