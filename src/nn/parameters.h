// The learnable tensors of a module, by name, in a fixed order.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// A layer y = x W^T + b: weight [out, in], bias [out].
struct LinearLayer {
  at::Tensor weight;
  at::Tensor bias;  ///< undefined when the layer has none
};

/// Owns the parameters of a module; layers hold references to the same tensors. A copy shares
/// storage with the original. Not thread-safe for writing.
class ParameterSet {
 public:
  explicit ParameterSet(at::Device device = at::kCPU) : device_(device) {}

  /// Leaves new parameters at zero instead of drawing them, for modules that are loaded
  /// immediately.
  void skip_drawing() { is_drawing_ = false; }

  /// A parameter with every value drawn from U(-bound, bound).
  at::Tensor add_uniform(const std::string& name, std::vector<std::int64_t> shape, double bound,
                         Generator& generator);

  at::Tensor add_constant(const std::string& name, std::vector<std::int64_t> shape, double value);

  /// A linear layer with libtorch's default initialisation, U(-1/sqrt(in), 1/sqrt(in)) for both.
  /// `fan_in` replaces `in` where the layer is one block of a wider one.
  LinearLayer add_linear(const std::string& name, std::int64_t in, std::int64_t out,
                         Generator& generator, std::int64_t fan_in = 0, bool has_bias = true);

  [[nodiscard]] const std::vector<std::pair<std::string, at::Tensor>>& all() const {
    return parameters_;
  }

  /// Requires: `name` exists.
  [[nodiscard]] at::Tensor at(std::string_view name) const;

  [[nodiscard]] std::int64_t count() const;  ///< number of learnable values

  void clear_gradients();

  /// Copies the values to `<prefix><name>` of a file, and back. Loading throws ArtifactError naming
  /// the first missing array or wrong shape.
  void save(TensorFile& file, const std::string& prefix = "") const;
  void load(const TensorFile& file, const std::string& prefix = "");

  /// A deep copy of the values, and back; keeps the best epoch.
  [[nodiscard]] std::vector<at::Tensor> snapshot() const;
  void restore(const std::vector<at::Tensor>& values);

 private:
  at::Tensor add(const std::string& name, at::Tensor value);

  at::Device device_;
  bool is_drawing_ = true;
  std::vector<std::pair<std::string, at::Tensor>> parameters_;
};

}  // namespace hardy
