#include "inference/recurrent.h"

#include <cmath>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy::predict {
namespace {

float logistic(float x) { return 1.0F / (1.0F + std::exp(-x)); }

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

void LstmDirection::run(const Matrix& x, std::int64_t first, std::int64_t end, bool backwards,
                        Rows y) const {
  const std::int64_t n = end - first;
  Matrix gates(n, 4 * width_);
  input_.run({x.constant().row(first), x.width}, n, gates.all());
  std::vector<float> cell(static_cast<std::size_t>(width_), 0.0F);
  const float* before = nullptr;
  for (std::int64_t step = 0; step < n; ++step) {
    const std::int64_t row = backwards ? n - 1 - step : step;
    float* own = gates.all().row(row);
    if (before != nullptr) state_.run({before, width_}, 1, {own, 4 * width_}, true);
    float* h = y.row(first + row);
    for (std::int64_t j = 0; j < width_; ++j) {
      float& c = cell[static_cast<std::size_t>(j)];
      c = logistic(own[j]) * std::tanh(own[2 * width_ + j]) + logistic(own[width_ + j]) * c;
      h[j] = logistic(own[3 * width_ + j]) * std::tanh(c);
    }
    before = h;
  }
}

}  // namespace hardy::predict
