#include "methods/mmin/layers.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace hardy {

Perceptron::Perceptron(ParameterSet& parameters, const std::string& name,
                       const std::vector<std::int64_t>& widths, Generator& generator, double slope)
    : slope_(slope) {
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    layers_.push_back(
        parameters.add_linear(fmt::format("{}.{}", name, i), widths[i], widths[i + 1], generator));
  }
}

at::Tensor Perceptron::finish(at::Tensor state, double dropout_share, DropoutStream& stream) const {
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    state = slope_ == 0 ? relu_dropout(state, dropout_share, stream)
                        : dropout(at::leaky_relu(state, slope_), dropout_share, stream);
    state = linear(state, layers_[i].weight, layers_[i].bias);
  }
  return state;
}

at::Tensor Perceptron::forward(const at::Tensor& x, double dropout_share,
                               DropoutStream& stream) const {
  return finish(linear(x, layers_.front().weight, layers_.front().bias), dropout_share, stream);
}

at::Tensor Perceptron::forward(const std::vector<InputBlock>& x, std::int64_t n,
                               double dropout_share, DropoutStream& stream) const {
  return finish(linear_of_blocks(x, n, layers_.front().weight, layers_.front().bias), dropout_share,
                stream);
}

ResidualAutoencoder::ResidualAutoencoder(ParameterSet& parameters, const std::string& name,
                                         std::int64_t width,
                                         const std::vector<std::int64_t>& widths,
                                         std::int64_t blocks, Generator& generator) {
  std::vector<std::int64_t> down = {width};
  down.insert(down.end(), widths.begin(), widths.end());
  const std::vector<std::int64_t> up(down.rbegin(), down.rend());
  constexpr double kEncoderSlope = 0.01;  // of the encoders only
  for (std::int64_t b = 0; b < blocks; ++b) {
    encoders_.emplace_back(parameters, fmt::format("{}.encoder{}", name, b), down, generator,
                           kEncoderSlope);
    decoders_.emplace_back(parameters, fmt::format("{}.decoder{}", name, b), up, generator);
  }
  transform_ = Perceptron(parameters, name + ".transform", {width, width, width}, generator);
}

ResidualAutoencoder::Result ResidualAutoencoder::forward(const at::Tensor& x) const {
  DropoutStream off;
  Result result;
  at::Tensor state = x;
  for (std::size_t b = 0; b < encoders_.size(); ++b) {
    result.latents.push_back(encoders_[b].forward(state, 0, off));
    state = state + decoders_[b].forward(result.latents.back(), 0, off);
  }
  result.rebuilt = transform_.forward(state, 0, off);
  return result;
}

at::Tensor ResidualAutoencoder::forward_with(const at::Tensor& x, const at::Tensor& k) const {
  DropoutStream off;
  at::Tensor out = x;
  at::Tensor in;
  for (std::size_t b = 0; b < encoders_.size(); ++b) {
    in = out + k;
    out = decoders_[b].forward(encoders_[b].forward(in, 0, off), 0, off);
  }
  return transform_.forward(in + out, 0, off);
}

void redraw_normal(ParameterSet& parameters, const std::string& prefix, double deviation,
                   Generator& generator) {
  at::NoGradGuard no_gradient;
  for (const auto& [name, value] : parameters.all()) {
    if (!name.starts_with(prefix)) continue;
    auto host = at::zeros(value.sizes(), at::TensorOptions(at::kFloat));
    if (value.dim() == 2) {
      const double spread =
          deviation > 0 ? deviation : std::sqrt(2.0 / static_cast<double>(value.size(1)));
      auto* values = host.data_ptr<float>();
      for (std::int64_t i = 0; i < host.numel(); ++i) {
        values[i] = static_cast<float>(draw_normal(generator) * spread);
      }
    }
    at::Tensor target = value;
    target.copy_(host);
  }
}

double linear_decay(std::int64_t epoch, std::int64_t constant, std::int64_t decaying) {
  const auto past = std::max<std::int64_t>(0, epoch + 1 - constant);
  return 1.0 - static_cast<double>(past) / static_cast<double>(decaying + 1);
}

}  // namespace hardy
