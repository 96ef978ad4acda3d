// Fully connected parts of MMIN and CIF-MMIN, on independent utterances.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/ops.h"
#include "nn/parameters.h"

namespace hardy {

/// Linear layers with an activation and dropout between them; none after the last.
class Perceptron {
 public:
  Perceptron() = default;

  /// widths: in, hidden.., out. Negative inputs are multiplied by `slope` (0 = ReLU).
  Perceptron(ParameterSet& parameters, const std::string& name,
             const std::vector<std::int64_t>& widths, Generator& generator, double slope = 0);

  /// Shapes: [n, in] -> [n, out].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, double dropout,
                                   DropoutStream& stream) const;

  /// The same from an input of n rows that have only some blocks.
  [[nodiscard]] at::Tensor forward(const std::vector<InputBlock>& x, std::int64_t n, double dropout,
                                   DropoutStream& stream) const;

 private:
  /// The layers after the first product.
  [[nodiscard]] at::Tensor finish(at::Tensor state, double dropout, DropoutStream& stream) const;

  std::vector<LinearLayer> layers_;
  double slope_ = 0;
};

/// The cascade of residual autoencoders: v_1 = x; l_i = Enc_i(v_i), v_{i+1} = v_i + Dec_i(l_i).
class ResidualAutoencoder {
 public:
  /// `widths` are those of the encoders' layers, e.g. 256, 128, 64; decoders mirror them.
  ResidualAutoencoder(ParameterSet& parameters, const std::string& name, std::int64_t width,
                      const std::vector<std::int64_t>& widths, std::int64_t blocks,
                      Generator& generator);

  struct Result {
    at::Tensor rebuilt;               ///< [n, width]: two layers on the last sum
    std::vector<at::Tensor> latents;  ///< [blocks] of [n, last of widths]
  };

  [[nodiscard]] Result forward(const at::Tensor& x) const;

  /// CIF-MMIN's form: o_0 = x; v_i = o_{i-1} + k, o_i = Dec_i(Enc_i(v_i)); rebuilt from the last
  /// v + o. Shapes: x, k [n, width] -> [n, width].
  [[nodiscard]] at::Tensor forward_with(const at::Tensor& x, const at::Tensor& k) const;

 private:
  std::vector<Perceptron> encoders_;
  std::vector<Perceptron> decoders_;
  Perceptron transform_;
};

/// Redraws the weight matrices below `prefix` from N(0, deviation^2), with biases 0; deviation 0
/// means Kaiming's sqrt(2 / fan in).
void redraw_normal(ParameterSet& parameters, const std::string& prefix, double deviation,
                   Generator& generator);

/// The published schedule: constant for `constant` epochs, then falling linearly over `decaying`.
/// Factor of the 0-based epoch: 1 - max(0, epoch + 1 - constant) / (decaying + 1).
double linear_decay(std::int64_t epoch, std::int64_t constant, std::int64_t decaying);

}  // namespace hardy
