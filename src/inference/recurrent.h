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

  /// Processes dialogues, whose rows are offsets[b] .. offsets[b+1]-1, side by side; each gives the
  /// same bytes as alone. Shapes: x [n, in] -> y [n, H].
  void run(const Matrix& x, std::span<const std::int64_t> offsets, bool backwards, Rows y) const;

 private:
  Dense input_;
  Dense state_;
  std::int64_t width_ = 0;
};

}  // namespace hardy::predict
