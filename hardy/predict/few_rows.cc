#include "hardy/predict/few_rows.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "hardy/core/errors.h"

namespace hardy::predict {

#if defined(__x86_64__)

namespace {

// The rest of the program is compiled for any x86-64 processor.
#define HARDY_AVX512 __attribute__((target("avx512f")))
#define HARDY_AVX512_INLINE __attribute__((target("avx512f"), always_inline))

using Lanes = float __attribute__((vector_size(64)));
using Four = float __attribute__((vector_size(16)));

constexpr std::int64_t kLanes = 16;
constexpr int kOutputs = 4;               // weight rows of a tile
constexpr std::int64_t kGroupsAhead = 4;  // with fewer than kMostRows rows: work is short then
constexpr int kMostRows = 6;  // 6 x 4 sums, 4 weights and one x fill 29 of the 32 registers

/// Weight rows of one group of outputs, and where the group after it lies.
struct Group {
  std::array<const float*, kOutputs> weight;
  Four bias;
  std::int64_t in;
  const float* next;  ///< first weight row of the group to read ahead
  std::int64_t stride;
  int outputs;  ///< below 4 only in a layer's last group
};

/// `count` numbers from x, zeros after them.
HARDY_AVX512_INLINE inline Lanes load(const float* x, std::int64_t count) {
  Lanes lanes{};
  std::memcpy(&lanes, x, static_cast<std::size_t>(count) * sizeof(float));
  return lanes;
}

/// Sums of the 16 lanes of four vectors.
HARDY_AVX512 inline Four lane_sums(const Lanes& a, const Lanes& b, const Lanes& c, const Lanes& d) {
  const Lanes ab =
      __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
      __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  const Lanes cd =
      __builtin_shufflevector(c, d, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
      __builtin_shufflevector(c, d, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  const Lanes quarters =
      __builtin_shufflevector(ab, cd, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
      __builtin_shufflevector(ab, cd, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  return (__builtin_shufflevector(quarters, quarters, 0, 1, 2, 3) +
          __builtin_shufflevector(quarters, quarters, 4, 5, 6, 7)) +
         (__builtin_shufflevector(quarters, quarters, 8, 9, 10, 11) +
          __builtin_shufflevector(quarters, quarters, 12, 13, 14, 15));
}

HARDY_AVX512 inline void write_sums(const Four& sums, const Group& group, bool accumulates,
                                    float* y) {
  if (group.outputs == kOutputs) {
    Four total = sums;
    if (accumulates) {
      Four before;
      std::memcpy(&before, y, sizeof before);
      total += before;
    }
    std::memcpy(y, &total, sizeof total);
    return;
  }
  for (int o = 0; o < group.outputs; ++o) y[o] = accumulates ? y[o] + sums[o] : sums[o];
}

/// kRows rows of x with the group's weights. Meanwhile kAhead weight rows of the next group, from
/// `first_ahead` on, come into the cache: reading them is the longer part of few rows.
template <int kRows, int kAhead>
HARDY_AVX512 void tile(const Group& group, ConstRows x, Rows y, bool accumulates, int first_ahead) {
  Lanes sums[std::size_t{kRows}][std::size_t{kOutputs}];
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) sums[i][o] = Lanes{};
  }
  const float* const w0 = group.weight[0];
  const float* const w1 = group.weight[1];
  const float* const w2 = group.weight[2];
  const float* const w3 = group.weight[3];
  const float* ahead = group.next + first_ahead * group.stride;
  const auto step = [&](std::int64_t j, std::int64_t count) HARDY_AVX512_INLINE {
    const Lanes weights[] = {load(w0 + j, count), load(w1 + j, count), load(w2 + j, count),
                             load(w3 + j, count)};
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      const Lanes values = load(x.row(i) + j, count);
#pragma GCC unroll 4
      for (int o = 0; o < kOutputs; ++o) sums[i][o] += weights[o] * values;
    }
  };
  std::int64_t j = 0;
  for (; j + kLanes <= group.in; j += kLanes) {
#pragma GCC unroll 4
    for (int a = 0; a < kAhead; ++a) __builtin_prefetch(ahead + a * group.stride + j);
    step(j, kLanes);
  }
  if (j < group.in) step(j, group.in - j);
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) {
    const Lanes(&row)[std::size_t{kOutputs}] = sums[i];
    write_sums(lane_sums(row[0], row[1], row[2], row[3]) + group.bias, group, accumulates,
               y.row(i));
  }
}

/// What is left of the rows; alone it has to do the reading ahead.
template <int kRows>
void last_tile(const Group& group, ConstRows x, Rows y, bool accumulates, bool reads_ahead) {
  if (reads_ahead) {
    tile<kRows, kOutputs>(group, x, y, accumulates, 0);
  } else {
    tile<kRows, 0>(group, x, y, accumulates, 0);
  }
}

/// All n rows with one group's weights. The first tiles share the reading ahead.
void run_group(const Group& group, ConstRows x, std::int64_t n, Rows y, bool accumulates) {
  const std::int64_t tiles = n / kMostRows;
  for (std::int64_t t = 0; t < tiles; ++t) {
    const ConstRows from = {x.row(t * kMostRows), x.stride};
    const Rows to = {y.row(t * kMostRows), y.stride};
    if (tiles == 1) {
      tile<kMostRows, 4>(group, from, to, accumulates, 0);
    } else if (tiles < 4 && t < 2) {
      tile<kMostRows, 2>(group, from, to, accumulates, static_cast<int>(2 * t));
    } else if (tiles >= 4 && t < 4) {
      tile<kMostRows, 1>(group, from, to, accumulates, static_cast<int>(t));
    } else {
      tile<kMostRows, 0>(group, from, to, accumulates, 0);
    }
  }
  const ConstRows from = {x.row(tiles * kMostRows), x.stride};
  const Rows to = {y.row(tiles * kMostRows), y.stride};
  const bool reads_ahead = tiles == 0;
  switch (n % kMostRows) {
    case 1:
      return last_tile<1>(group, from, to, accumulates, reads_ahead);
    case 2:
      return last_tile<2>(group, from, to, accumulates, reads_ahead);
    case 3:
      return last_tile<3>(group, from, to, accumulates, reads_ahead);
    case 4:
      return last_tile<4>(group, from, to, accumulates, reads_ahead);
    case 5:
      return last_tile<5>(group, from, to, accumulates, reads_ahead);
    default:
      return;
  }
}

}  // namespace

bool has_few_rows() {
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0;
  return has_avx512;
}

void few_rows(ConstRows x, std::int64_t n, const LinearView& layer, Rows y, bool accumulates) {
  Group group{.weight = {}, .bias = {}, .in = layer.in, .next = nullptr, .stride = 0, .outputs = 0};
  const std::int64_t ahead = n < kMostRows ? kGroupsAhead : 1;
  for (std::int64_t first = 0; first < layer.out; first += kOutputs) {
    group.outputs = static_cast<int>(std::min<std::int64_t>(kOutputs, layer.out - first));
    for (int o = 0; o < kOutputs; ++o) {
      const auto place = static_cast<std::size_t>(o);
      const std::int64_t output = first + std::min(o, group.outputs - 1);
      group.weight[place] = layer.weight + output * layer.in;
      group.bias[o] = layer.bias == nullptr ? 0.0F : layer.bias[output];
    }
    // Near the end nothing is ahead: this group again, which costs nothing and stays inside.
    const bool is_followed = first + (ahead + 1) * kOutputs <= layer.out;
    group.next = is_followed ? group.weight[0] + ahead * kOutputs * layer.in : group.weight[0];
    group.stride = is_followed ? layer.in : 0;
    run_group(group, x, n, {y.data + first, y.stride}, accumulates);
  }
}

#else

bool has_few_rows() { return false; }

void few_rows(ConstRows, std::int64_t, const LinearView&, Rows, bool) {
  throw InternalError("few_rows on a machine without AVX-512");
}

#endif

}  // namespace hardy::predict
