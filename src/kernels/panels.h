// Products of rows with a matrix packed in panels: kernels for AVX-512, AVX2 and any other machine,
// selected at program start. Internal.
#pragma once

#include <cstdint>

#include "kernels/rows.h"

namespace hardy::predict {

/// Instruction sets of `multiply`, fastest first. The last one runs on any machine.
enum class Instructions { kAvx512, kAvx2, kPlain };

/// Whether this machine supports the instruction set.
bool has(Instructions instructions);

/// The fastest supported instruction set.
Instructions best_instructions();

/// Outputs of a panel: the number that a tile of many rows takes, so that data read repeatedly is
/// contiguous and spreads evenly over the sets of the first-level cache.
std::int64_t panel_width(Instructions instructions = best_instructions());

/// A matrix [out, in] in panels of `width` outputs: number i of output o is data[(o / width * in +
/// i) * width + o % width]. Entries beyond the last output are zero.
struct PanelView {
  const float* data = nullptr;
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t width = 0;
};

/// Number of floats that `pack` writes, in whole panels.
std::int64_t packed_size(std::int64_t in, std::int64_t out, std::int64_t width = panel_width());

/// Packs `rows` [out, in], times `scale`; unused entries become zero. `place` has packed_size(in,
/// out, width) floats.
PanelView pack(ConstRows rows, std::int64_t in, std::int64_t out, float scale, float* place,
               std::int64_t width = panel_width());

/// The same from a column-major matrix. Shapes: rows [in, out].
PanelView pack_columns(ConstRows rows, std::int64_t in, std::int64_t out, float* place,
                       std::int64_t width = panel_width());

/// y = x W^T + b for n rows, or y += with `accumulates`; a null bias is none. Every sum runs over
/// the inputs in ascending order for any n, so that a row gives the same bytes alone and in a
/// batch.
void multiply(ConstRows x, std::int64_t n, const PanelView& panels, const float* bias, Rows y,
              bool accumulates);

/// `multiply` with a given instruction set, for tests. Requires: has(instructions), and panels of
/// panel_width(instructions).
void multiply_with(Instructions instructions, ConstRows x, std::int64_t n, const PanelView& panels,
                   const float* bias, Rows y, bool accumulates);

}  // namespace hardy::predict
