// The products of src/kernels/panels.cc beside the same tiles written with Google's Highway: is a
// library as fast as the compiler's own vectors? Prints microseconds and ratios, pairs by turns.
//   g++ -std=c++20 -O3 -march=haswell -maes -Iinclude -Isrc bench/predict/highway_tiles.cc
//     build/release/src/libhardy_inference.a build/release/src/libhardy_base.a -lhwy -lfmt -lcrypto
#include <hwy/highway.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/random.h"
#include "kernels/panels.h"

namespace hn = hwy::HWY_NAMESPACE;
using namespace hardy;
using predict::ConstRows;
using predict::Rows;

namespace {

constexpr int kPanel = 16;
constexpr std::int64_t kAhead = 1024;

/// Sums of kRows rows and kVectors vectors of outputs, as in run_tile.
template <int kRows, int kVectors>
void tile(const float* weights, std::int64_t stride, std::int64_t in, ConstRows x, Rows y) {
  const hn::FixedTag<float, 8> d;
  using Vector = hn::Vec<decltype(d)>;
  Vector sums[kRows][kVectors];
  for (auto& row : sums) {
    for (auto& sum : row) sum = hn::Zero(d);
  }
  for (std::int64_t i = 0; i < in; ++i, weights += kPanel) {
    Vector w[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const float* from = weights + v / 2 * stride + v % 2 * 8;
      w[v] = hn::LoadU(d, from);
      if (v % 2 == 0) __builtin_prefetch(from + kAhead);
    }
    for (int r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, x.row(r)[i]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(w[v], value, sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sums[r][v], d, y.row(r) + v * 8);
  }
}

template <int kRows>
void rows_of(const float* weights, std::int64_t stride, std::int64_t in, std::int64_t n,
             ConstRows x, Rows y) {
  if (n == kRows) return tile<kRows, 2>(weights, stride, in, x, y);
  if constexpr (kRows > 1) rows_of<kRows - 1>(weights, stride, in, n, x, y);
}

/// y = x W^T without a bias; out is a multiple of 32.
void multiply(ConstRows x, std::int64_t n, const predict::PanelView& panels, Rows y) {
  const std::int64_t stride = panels.width * panels.in;
  if (n == 1) {
    for (std::int64_t o = 0; o < panels.out; o += 32) {
      tile<1, 4>(panels.data + o / 16 * stride, stride, panels.in, x, {y.data + o, y.stride});
    }
    return;
  }
  const std::int64_t passes = (n + 5) / 6;
  for (std::int64_t o = 0; o < panels.out; o += 16) {
    std::int64_t first = 0;
    for (std::int64_t pass = 0; pass < passes; ++pass) {
      const std::int64_t rows = (n - first + passes - pass - 1) / (passes - pass);
      rows_of<6>(panels.data + o / 16 * stride, stride, panels.in, rows, {x.row(first), x.stride},
                 {y.row(first) + o, y.stride});
      first += rows;
    }
  }
}

template <typename Run>
double microseconds(const Run& run, int times) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) run();
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  return took.count() / times;
}

void compare(std::int64_t n, std::int64_t in, std::int64_t out) {
  Generator generator(1);
  std::vector<float> x(static_cast<std::size_t>(n * in)), w(static_cast<std::size_t>(in * out)),
      ours(static_cast<std::size_t>(n * out)), theirs(ours.size());
  for (auto& value : x) value = static_cast<float>(draw_normal(generator));
  for (auto& value : w) value = static_cast<float>(draw_normal(generator));
  std::vector<float> place(static_cast<std::size_t>(predict::packed_size(in, out, kPanel)) + 4096);
  const auto panels = predict::pack({w.data(), in}, in, out, 1.0F, place.data(), kPanel);
  const auto own = [&] {
    predict::multiply_with(predict::Instructions::kAvx2, {x.data(), in}, n, panels, nullptr,
                           {ours.data(), out}, false);
  };
  const auto library = [&] { multiply({x.data(), in}, n, panels, {theirs.data(), out}); };
  const int times = static_cast<int>(std::max<std::int64_t>(3, 200000000 / (n * in * out)));
  std::vector<double> ratios, a, b;
  for (int pair = 0; pair < 21; ++pair) {
    a.push_back(microseconds(own, times));
    b.push_back(microseconds(library, times));
    ratios.push_back(b.back() / a.back());
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("rows %3lld, %4lld to %4lld: own %8.1f us, Highway %8.1f us, median ratio %.3f, %s\n",
              static_cast<long long>(n), static_cast<long long>(in), static_cast<long long>(out),
              *std::min_element(a.begin(), a.end()), *std::min_element(b.begin(), b.end()),
              ratios[10], ours == theirs ? "same bytes" : "other bytes");
}

}  // namespace

int main() {
  compare(1, 1024, 512);
  compare(1, 512, 1536);
  compare(6, 1024, 512);
  compare(35, 1024, 512);
  compare(35, 512, 1536);
}
