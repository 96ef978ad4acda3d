// Recurrent layers of the prediction runtime. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "inference/method_network.h"

namespace hardy::predict {

/// One direction of an LSTM layer. Gates are in the order i, f, g, o; the initial state is zero.
class LstmDirection {
 public:
  /// Reads "NAME.input" [4 H, in] and "NAME.state" [4 H, H]. Throws ArtifactError when the shapes
  /// or the size of `bias` [4 H] do not fit.
  LstmDirection(const TensorFileView& file, const std::string& name, std::span<const float> bias);

  [[nodiscard]] std::int64_t in() const { return input_.in(); }

  [[nodiscard]] std::int64_t width() const { return width_; }

  /// Processes rows first .. end-1 of one dialogue. Shapes: x [n, in] -> y [n, H].
  void run(const Matrix& x, std::int64_t first, std::int64_t end, bool backwards, Rows y) const;

 private:
  Dense input_;
  Dense state_;
  std::int64_t width_ = 0;
};

}  // namespace hardy::predict
