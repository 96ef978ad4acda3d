// Recurrent layers over packed dialogues: no padding, so that a dialogue's outputs do not depend on
// the others of its batch.
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

/// How packed rows are walked step by step: the first turns of all dialogues, the second turns of
/// those that have one, and so on, longer dialogues first.
struct StepOrder {
  at::Tensor rows;                  ///< [n] int64: row at each place of the walk
  at::Tensor places;                ///< [n] int64: its inverse
  std::vector<std::int64_t> sizes;  ///< [steps] dialogues that have the step

  /// `offsets` [B+1] as in BatchPlan; empty dialogues are allowed.
  static StepOrder of(const std::vector<std::int64_t>& offsets, at::Device device);
};

/// Two bidirectional LSTM layers with dropout between them. Initial values as in PyTorch,
/// U(-1/sqrt(out), 1/sqrt(out)); initial states are zero.
class RecurrentStack {
 public:
  RecurrentStack(ParameterSet& parameters, const std::string& name, std::int64_t in,
                 std::int64_t out, Generator& generator);

  /// Shapes: x [n, in] -> [n, 2 out].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const StepOrder& order, double dropout,
                                   DropoutStream& stream) const;

  /// The same from an input that rows have parts of only.
  [[nodiscard]] at::Tensor forward(const std::vector<InputBlock>& x, const StepOrder& order,
                                   double dropout, DropoutStream& stream) const;

 private:
  /// What a layer's weights [4 out, in] and biases make of its input: gates in the order of the
  /// walk. Shapes: -> [n, 4 out].
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
