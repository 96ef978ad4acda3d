// Products of rows with a matrix that lies in panels: own kernels for AVX-512, AVX2 and anything
// else, chosen at start. Internal.
#pragma once

#include <cstdint>

#include "hardy/predict/rows.h"

namespace hardy::predict {

/// Outputs of a panel.
inline constexpr std::int64_t kPanel = 32;

/// A matrix [out, in] in panels of 32 outputs: number i of output o lies at
/// data[(o / 32 * in + i) * 32 + o % 32]. Places past the last output hold zeros.
struct PanelView {
  const float* data = nullptr;
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// Floats that `pack` needs: whole panels.
std::int64_t packed_size(std::int64_t in, std::int64_t out);

/// Lays `rows` [out, in] out in panels, times `scale`; unused places become zero. `place` has
/// packed_size(in, out) floats.
PanelView pack(ConstRows rows, std::int64_t in, std::int64_t out, float scale, float* place);

/// The same from a matrix that lies by columns. Shapes: rows [in, out].
PanelView pack_columns(ConstRows rows, std::int64_t in, std::int64_t out, float* place);

/// y = x W^T + b for n rows, or y += with `accumulates`; no bias when it is null. Every sum runs
/// over the inputs in ascending order whatever n is, so a row gets the same bytes alone and among
/// others.
void multiply(ConstRows x, std::int64_t n, const PanelView& panels, const float* bias, Rows y,
              bool accumulates);

/// The ways `multiply` can go on this machine, best first; for tests. The last one runs anywhere.
enum class Instructions { kAvx512, kAvx2, kPlain };

/// Whether this machine has them.
bool has(Instructions instructions);

/// `multiply` with given instructions. Requires has(instructions).
void multiply_with(Instructions instructions, ConstRows x, std::int64_t n, const PanelView& panels,
                   const float* bias, Rows y, bool accumulates);

}  // namespace hardy::predict
