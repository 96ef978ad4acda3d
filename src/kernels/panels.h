// Products of rows with a matrix that lies in panels: own kernels for AVX-512, AVX2 and anything
// else, chosen at start. Internal.
#pragma once

#include <cstdint>

#include "kernels/rows.h"

namespace hardy::predict {

/// The ways `multiply` can go, best first. The last one runs anywhere.
enum class Instructions { kAvx512, kAvx2, kPlain };

/// Whether this machine has them.
bool has(Instructions instructions);

/// The first that this machine has.
Instructions best_instructions();

/// Outputs of a panel: as many as a tile of many rows takes, so that what it reads again and again
/// lies together and fills the places of the first cache evenly.
std::int64_t panel_width(Instructions instructions = best_instructions());

/// A matrix [out, in] in panels of `width` outputs: number i of output o lies at
/// data[(o / width * in + i) * width + o % width]. Places past the last output hold zeros.
struct PanelView {
  const float* data = nullptr;
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t width = 0;
};

/// Floats that `pack` needs: whole panels.
std::int64_t packed_size(std::int64_t in, std::int64_t out, std::int64_t width = panel_width());

/// Lays `rows` [out, in] out in panels, times `scale`; unused places become zero. `place` has
/// packed_size(in, out, width) floats.
PanelView pack(ConstRows rows, std::int64_t in, std::int64_t out, float scale, float* place,
               std::int64_t width = panel_width());

/// The same from a matrix that lies by columns. Shapes: rows [in, out].
PanelView pack_columns(ConstRows rows, std::int64_t in, std::int64_t out, float* place,
                       std::int64_t width = panel_width());

/// y = x W^T + b for n rows, or y += with `accumulates`; no bias when it is null. Every sum runs
/// over the inputs in ascending order whatever n is, so a row gets the same bytes alone and among
/// others.
void multiply(ConstRows x, std::int64_t n, const PanelView& panels, const float* bias, Rows y,
              bool accumulates);

/// `multiply` with given instructions; for tests. Requires has(instructions) and panels of
/// panel_width(instructions).
void multiply_with(Instructions instructions, ConstRows x, std::int64_t n, const PanelView& panels,
                   const float* bias, Rows y, bool accumulates);

}  // namespace hardy::predict
