// Recurrent layers over packed dialogues, without padding, so that the outputs of a dialogue do not
// depend on the other dialogues of its batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/ops.h"
#include "nn/parameters.h"

namespace hardy {

/// Processing order of packed rows: the first turns of all dialogues, then the second turns, and so
/// on, longer dialogues first.
struct StepOrder {
  at::Tensor rows;                  ///< [n] int64: row at each position of the order
  at::Tensor places;                ///< [n] int64: its inverse
  std::vector<std::int64_t> sizes;  ///< [steps] dialogues that have the step

  /// `offsets` [B+1] as in BatchPlan; empty dialogues are allowed.
  static StepOrder of(const std::vector<std::int64_t>& offsets, at::Device device);
};

/// Two bidirectional LSTM layers with dropout between them. Initial weights as in PyTorch,
/// U(-1/sqrt(out), 1/sqrt(out)); initial states are zero.
class RecurrentStack {
 public:
  RecurrentStack(ParameterSet& parameters, const std::string& name, std::int64_t in,
                 std::int64_t out, Generator& generator);

  /// Shapes: x [n, in] -> [n, 2 out].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const StepOrder& order, double dropout,
                                   DropoutStream& stream) const;

  /// The same from an input of which rows have only some blocks.
  [[nodiscard]] at::Tensor forward(const std::vector<InputBlock>& x, const StepOrder& order,
                                   double dropout, DropoutStream& stream) const;

 private:
  /// Product of a layer's weights [4 out, in] and biases with its input: gates in processing order.
  /// Shapes: -> [n, 4 out].
  using InputProduct = std::function<at::Tensor(const at::Tensor& weight, const at::Tensor& bias)>;

  /// One direction of a layer.
  struct Direction {
    LinearLayer input;  ///< to the gates i, f, g, o
    LinearLayer state;
  };

  struct Layer {
    Direction forward;
    Direction backward;
  };

  [[nodiscard]] at::Tensor run(InputProduct input, const StepOrder& order, double dropout,
                               DropoutStream& stream) const;

  std::vector<Layer> layers_;
};

}  // namespace hardy
