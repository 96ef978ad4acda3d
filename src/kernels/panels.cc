#include "kernels/panels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "hardy/errors.h"
#include "kernels/hot_loops.h"

#if defined(__x86_64__)
#define HARDY_AVX512 __attribute__((target("avx512f")))
#define HARDY_AVX2 __attribute__((target("avx2,fma")))
#else
#define HARDY_AVX512
#define HARDY_AVX2
#endif

namespace hardy::predict {
namespace {

/// Rows processed before the next panels: with 1024 inputs they fit the second-level cache.
constexpr std::int64_t kBlock = 96;

/// Prefetch distance of weights, in floats; the best measured value with large pages.
constexpr std::int64_t kFarAhead = 1024;

/// If at least this many tiles use a panel, each of the first ones prefetches a part of the next
/// panel: all of it at once would exceed the outstanding memory requests of a core.
constexpr std::int64_t kSharers = 4;

/// Largest number of outputs and rows of a tile.
constexpr std::int64_t kMostOutputs = 64;
constexpr std::int64_t kMostRows = 12;

/// Arguments of a tile: some adjacent rows and outputs.
struct Tile {
  const float* weights;  ///< weights of the first output
  std::int64_t stride;   ///< floats between two panels
  std::int64_t in;
  const float* bias;  ///< bias of the first output, or null
  bool accumulates;
  const float* upcoming =
      nullptr;  ///< part of the next panel to prefetch, in tiles that share this
};

using V4 = float __attribute__((vector_size(16)));
using V8 = float __attribute__((vector_size(32)));
using V16 = float __attribute__((vector_size(64)));

template <typename Vector>
HARDY_INLINE Vector load(const float* from) {
  Vector result;
  std::memcpy(&result, from, sizeof result);
  return result;
}

/// Writes the sums of one row.
template <typename Vector, int kVectors>
HARDY_INLINE void write(const Tile& tile, const Vector (&sums)[std::size_t{kVectors}], float* y) {
  constexpr auto kWidth = static_cast<std::int64_t>(sizeof(Vector) / sizeof(float));
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    Vector total = sums[v];
    if (tile.bias != nullptr) total += load<Vector>(tile.bias + v * kWidth);
    if (tile.accumulates) total += load<Vector>(y + v * kWidth);
    std::memcpy(y + v * kWidth, &total, sizeof total);
  }
}

/// Sums of kRows rows of x and kVectors vectors of outputs. Prefetches the weights behind them:
/// with few rows, reading weights takes longer than the products.
template <typename Vector, int kRows, int kVectors, bool kShares>
HARDY_INLINE void run_tile(const Tile& tile, ConstRows x, Rows y) {
  constexpr int kWidth = sizeof(Vector) / sizeof(float);
  constexpr int kPanel = kWidth == 16 ? 32 : 16;
  constexpr int kPerPanel = std::min<int>(kVectors, kPanel / kWidth);
  constexpr int kLine = 16;  // floats of a cache line
  Vector sums[std::size_t{kRows}][std::size_t{kVectors}];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = Vector{};
  }
  const float* weights = tile.weights;
#pragma GCC unroll 2
  for (std::int64_t i = 0; i < tile.in; ++i, weights += kPanel) {
    Vector w[std::size_t{kVectors}];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const float* from = weights + v / kPerPanel * tile.stride + v % kPerPanel * kWidth;
      w[v] = load<Vector>(from);
      if (!kShares && v % (kLine / kWidth) == 0) __builtin_prefetch(from + kFarAhead);
    }
    if (kShares) __builtin_prefetch(tile.upcoming + i * (kPanel / kSharers));
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const float value = x.row(r)[i];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] += w[v] * value;
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) write<Vector, kVectors>(tile, sums[r], y.row(r));
}

using TileLoop = void (*)(const Tile&, ConstRows, Rows);

template <int kRows, int kVectors>
HARDY_AVX512 void tile_avx512(const Tile& tile, ConstRows x, Rows y) {
  run_tile<V16, kRows, kVectors, false>(tile, x, y);
}

template <int kRows, int kVectors, bool kShares = false>
HARDY_AVX2 void tile_avx2(const Tile& tile, ConstRows x, Rows y) {
  run_tile<V8, kRows, kVectors, kShares>(tile, x, y);
}

template <int kRows>
void tile_plain(const Tile& tile, ConstRows x, Rows y) {
  run_tile<V4, kRows, 4, false>(tile, x, y);
}

/// Tiles of one number of outputs for 1 .. `rows` rows.
struct Tiles {
  std::int64_t outputs = 0;
  std::int64_t rows = 0;
  std::array<TileLoop, kMostRows> loops{};
};

/// Tiles with as many sums as fit the registers.
struct Kernels {
  Tiles wide;    ///< for as many rows as one tile takes
  Tiles narrow;  ///< for more rows
  Tiles edge;    ///< for the last outputs, fewer than a tile's
  Tiles shared;  ///< for so many rows that tiles share the prefetching; none when empty
};

template <int... kRows>
constexpr Tiles wide_avx512(std::integer_sequence<int, kRows...>) {
  return {64, sizeof...(kRows), {tile_avx512<kRows + 1, 4>...}};
}

template <int... kRows>
constexpr Tiles narrow_avx512(std::integer_sequence<int, kRows...>) {
  return {32, sizeof...(kRows), {tile_avx512<kRows + 1, 2>...}};
}

template <int... kRows>
constexpr Tiles edge_avx512(std::integer_sequence<int, kRows...>) {
  return {16, sizeof...(kRows), {tile_avx512<kRows + 1, 1>...}};
}

constexpr Tiles kWideAvx2 = {32, 3, {tile_avx2<1, 4>, tile_avx2<2, 4>, tile_avx2<3, 4>}};
constexpr Tiles kNarrowAvx2 = {16,
                               6,
                               {tile_avx2<1, 2>, tile_avx2<2, 2>, tile_avx2<3, 2>, tile_avx2<4, 2>,
                                tile_avx2<5, 2>, tile_avx2<6, 2>}};
constexpr Tiles kPlainTiles = {16, 2, {tile_plain<1>, tile_plain<2>}};
constexpr Tiles kSharedAvx2 = {16,
                               6,
                               {nullptr, nullptr, nullptr, tile_avx2<4, 2, true>,
                                tile_avx2<5, 2, true>, tile_avx2<6, 2, true>}};
constexpr Kernels kAvx512 = {wide_avx512(std::make_integer_sequence<int, 6>{}),
                             narrow_avx512(std::make_integer_sequence<int, 12>{}),
                             edge_avx512(std::make_integer_sequence<int, 12>{}),
                             {}};
constexpr Kernels kAvx2 = {kWideAvx2, kNarrowAvx2, kNarrowAvx2, kSharedAvx2};
constexpr Kernels kPlain = {kPlainTiles, kPlainTiles, kPlainTiles, {}};

const Kernels& kernels_of(Instructions instructions) {
  if (instructions == Instructions::kAvx512) return kAvx512;
  return instructions == Instructions::kAvx2 ? kAvx2 : kPlain;
}

std::int64_t passes_over(std::int64_t n, const Tiles& tiles) {
  return (n + tiles.rows - 1) / tiles.rows;
}

/// All n rows with the outputs of one tile, in passes of nearly equal size. `tiles_of(pass)`
/// returns the tiles of a pass; all of them take the same number of rows. May change `tile` for its
/// pass.
template <typename TilesOf>
HARDY_INLINE void run_passes(std::int64_t passes, const Tile& tile, ConstRows x, std::int64_t n,
                             Rows y, const TilesOf& tiles_of) {
  std::int64_t first = 0;
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    const std::int64_t left = passes - pass;
    const std::int64_t rows = (n - first + left - 1) / left;
    const Tiles& tiles = tiles_of(pass);
    const auto loop = tiles.loops[static_cast<std::size_t>(rows - 1)];
    loop(tile, {x.row(first), x.stride}, {y.row(first), y.stride});
    first += rows;
  }
}

void run_rows(const Tiles& tiles, const Tile& tile, ConstRows x, std::int64_t n, Rows y) {
  run_passes(passes_over(n, tiles), tile, x, n, y,
             [&](std::int64_t) -> const Tiles& { return tiles; });
}

/// The same with at least kSharers passes: each of the first prefetches a part of the next panel.
void run_sharing_rows(const Kernels& kernels, Tile tile, ConstRows x, std::int64_t n, Rows y) {
  const float* next = tile.weights + tile.stride;
  run_passes(passes_over(n, kernels.shared), tile, x, n, y, [&](std::int64_t pass) -> const Tiles& {
    tile.upcoming = next + pass * tile.stride / kSharers;
    return pass < kSharers ? kernels.shared : kernels.narrow;
  });
}

/// The same if only `outputs` of the tile exist. The tile writes whole vectors to a buffer: a loop
/// with partial writes would keep its sums in memory instead of registers.
void run_edge(const Tiles& tiles, const Tile& tile, std::int64_t outputs, ConstRows x,
              std::int64_t n, Rows y) {
  std::array<float, kMostOutputs> bias{};
  std::array<float, kMostRows * kMostOutputs> sums;
  if (tile.bias != nullptr) std::copy_n(tile.bias, outputs, bias.data());
  Tile whole = tile;
  whole.bias = tile.bias != nullptr ? bias.data() : nullptr;
  whole.accumulates = false;
  for (std::int64_t first = 0; first < n; first += tiles.rows) {
    const std::int64_t rows = std::min(tiles.rows, n - first);
    run_rows(tiles, whole, {x.row(first), x.stride}, rows, {sums.data(), kMostOutputs});
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* from = sums.data() + r * kMostOutputs;
      float* to = y.row(first + r);
      for (std::int64_t o = 0; o < outputs; ++o) {
        to[o] = tile.accumulates ? from[o] + to[o] : from[o];
      }
    }
  }
}

/// All outputs of at most kBlock rows.
void run_block(const Kernels& kernels, ConstRows x, std::int64_t n, const PanelView& panels,
               const float* bias, Rows y, bool accumulates) {
  const bool takes_all = n <= kernels.wide.rows;
  const bool shares = kernels.shared.rows > 0 && passes_over(n, kernels.shared) >= kSharers;
  const std::int64_t stride = panels.width * panels.in;
  std::int64_t first = 0;
  while (first < panels.out) {
    const std::int64_t outputs = panels.out - first;
    const Tiles& tiles = outputs <= kernels.edge.outputs                 ? kernels.edge
                         : takes_all && outputs > kernels.narrow.outputs ? kernels.wide
                                                                         : kernels.narrow;
    const Tile tile = {panels.data + first / panels.width * stride + first % panels.width, stride,
                       panels.in, bias != nullptr ? bias + first : nullptr, accumulates};
    const Rows place = {y.data + first, y.stride};
    if (outputs < tiles.outputs) {
      run_edge(tiles, tile, outputs, x, n, place);
    } else if (shares) {
      run_sharing_rows(kernels, tile, x, n, place);
    } else {
      run_rows(tiles, tile, x, n, place);
    }
    first += tiles.outputs;
  }
}

/// Transposes four numbers of four rows of x, times `scale`: number i of row o goes to y[i * width
/// + o].
HARDY_INLINE void turn_four(const float* x, std::int64_t stride, float scale, std::int64_t width,
                            float* y) {
  const V4 a = load<V4>(x) * scale;
  const V4 b = load<V4>(x + stride) * scale;
  const V4 c = load<V4>(x + 2 * stride) * scale;
  const V4 d = load<V4>(x + 3 * stride) * scale;
  const V4 low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const V4 high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const V4 low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const V4 high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const V4 turned[] = {__builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5),
                       __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7),
                       __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5),
                       __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7)};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) std::memcpy(y + i * width, &turned[i], sizeof(V4));
}

}  // namespace

Instructions best_instructions() {
  static const Instructions best = has(Instructions::kAvx512) ? Instructions::kAvx512
                                   : has(Instructions::kAvx2) ? Instructions::kAvx2
                                                              : Instructions::kPlain;
  return best;
}

std::int64_t panel_width(Instructions instructions) {
  return instructions == Instructions::kAvx512 ? 32 : 16;
}

std::int64_t packed_size(std::int64_t in, std::int64_t out, std::int64_t width) {
  return (out + width - 1) / width * width * in;
}

PanelView pack(ConstRows rows, std::int64_t in, std::int64_t out, float scale, float* place,
               std::int64_t width) {
  for (std::int64_t first = 0; first < out; first += width) {
    float* panel = place + first * in;
    const std::int64_t count = std::min(width, out - first);
    const ConstRows source = {rows.row(first), rows.stride};
    const std::int64_t whole = count == width ? in - in % 4 : 0;
    for (std::int64_t i = 0; i < whole; i += 4) {
      for (std::int64_t o = 0; o < width; o += 4) {
        turn_four(source.row(o) + i, source.stride, scale, width, panel + i * width + o);
      }
    }
    for (std::int64_t i = whole; i < in; ++i) {
      for (std::int64_t o = 0; o < width; ++o) {
        panel[i * width + o] = o < count ? scale * source.row(o)[i] : 0.0F;
      }
    }
  }
  return {place, in, out, width};
}

PanelView pack_columns(ConstRows rows, std::int64_t in, std::int64_t out, float* place,
                       std::int64_t width) {
  float* to = place;
  for (std::int64_t first = 0; first < out; first += width) {
    const std::int64_t count = std::min(width, out - first);
    for (std::int64_t i = 0; i < in; ++i, to += width) {
      std::copy_n(rows.row(i) + first, count, to);
      std::fill_n(to + count, width - count, 0.0F);
    }
  }
  return {place, in, out, width};
}

bool has(Instructions instructions) {
#if defined(__x86_64__)
  if (instructions == Instructions::kAvx512) return __builtin_cpu_supports("avx512f") != 0;
  if (instructions == Instructions::kAvx2) {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  }
#endif
  return instructions == Instructions::kPlain;
}

void multiply_with(Instructions instructions, ConstRows x, std::int64_t n, const PanelView& panels,
                   const float* bias, Rows y, bool accumulates) {
  check(panels.width == panel_width(instructions), "the panels were packed for another kernel");
  const Kernels& kernels = kernels_of(instructions);
  for (std::int64_t first = 0; first < n; first += kBlock) {
    run_block(kernels, {x.row(first), x.stride}, std::min(kBlock, n - first), panels, bias,
              {y.row(first), y.stride}, accumulates);
  }
}

void multiply(ConstRows x, std::int64_t n, const PanelView& panels, const float* bias, Rows y,
              bool accumulates) {
  multiply_with(best_instructions(), x, n, panels, bias, y, accumulates);
}

}  // namespace hardy::predict
