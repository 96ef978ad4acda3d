#include "inference/recurrent.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "kernels/forward_loops.h"

namespace hardy::predict {
namespace {

/// The order in which dialogues are read side by side: all first utterances, all second ones, ..
/// The longest dialogue comes first, so that those that go on are the first rows of a step.
struct Walk {
  std::vector<std::int64_t> rows;   ///< [n]
  std::vector<std::int64_t> sizes;  ///< [steps] dialogues of a step, descending
};

Walk walk_of(std::span<const std::int64_t> offsets, bool backwards) {
  const auto length = [&](std::size_t b) { return offsets[b + 1] - offsets[b]; };
  std::vector<std::size_t> order(offsets.empty() ? 0 : offsets.size() - 1);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return length(a) > length(b); });
  Walk walk;
  for (std::int64_t step = 0; !order.empty() && step < length(order.front()); ++step) {
    std::int64_t size = 0;
    for (const std::size_t b : order) {
      if (step >= length(b)) break;
      walk.rows.push_back(backwards ? offsets[b + 1] - 1 - step : offsets[b] + step);
      ++size;
    }
    walk.sizes.push_back(size);
  }
  return walk;
}

}  // namespace

LstmDirection::LstmDirection(const TensorFileView& file, const std::string& name,
                             std::span<const float> bias) {
  const auto& input = file.shape(name + ".input");
  const auto& state = file.shape(name + ".state");
  const bool fits = input.size() == 2 && state.size() == 2 && state[0] == 4 * state[1] &&
                    input[0] == state[0] && static_cast<std::int64_t>(bias.size()) == state[0];
  if (!fits) throw ArtifactError(fmt::format("recurrent layer '{}' has odd shapes", name));
  width_ = state[1];
  input_ = Dense({file.floats(name + ".input").data(), input[1]}, input[1], input[0], bias);
  state_ = Dense({file.floats(name + ".state").data(), width_}, width_, state[0], {});
}

void LstmDirection::run(const Matrix& x, std::span<const std::int64_t> offsets, bool backwards,
                        Rows y) const {
  const Walk walk = walk_of(offsets, backwards);
  const auto n = static_cast<std::int64_t>(walk.rows.size());
  Matrix walked(n, x.width);
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(x.constant().row(walk.rows[static_cast<std::size_t>(i)]), x.width,
                walked.all().row(i));
  }
  Matrix gates(n, 4 * width_);
  input_.run(walked.constant(), n, gates.all());
  Matrix hidden(n, width_);
  Matrix cells(walk.sizes.empty() ? 0 : walk.sizes.front(), width_);
  std::int64_t first = 0;
  std::int64_t before = -1;
  for (const std::int64_t size : walk.sizes) {
    if (before >= 0) {
      state_.run({hidden.constant().row(before), width_}, size,
                 {gates.all().row(first), gates.width}, true);
    }
    for (std::int64_t b = 0; b < size; ++b) {
      float* h = hidden.all().row(first + b);
      lstm_step(gates.constant().row(first + b), width_, cells.all().row(b), h);
      std::copy_n(h, width_, y.row(walk.rows[static_cast<std::size_t>(first + b)]));
    }
    before = first;
    first += size;
  }
}

}  // namespace hardy::predict
