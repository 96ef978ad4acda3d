#include "hardy/predict/kernels.h"

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <dnnl.h>

#include "hardy/core/errors.h"
#include "hardy/core/hot_loops.h"
#include "hardy/predict/few_rows.h"

namespace hardy::predict {
namespace {

/// Sixteen numbers; the compiler maps them to one, two or four registers.
using Lanes = float __attribute__((vector_size(64)));
constexpr std::int64_t kLanes = 16;

/// e^x, relative error about 2e-7; x is cut to [-87, 88].
inline float exponential(float x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float cut = std::min(std::max(x, -87.0F), 88.0F);
  const float shifted = cut * kLog2E + kRounder;
  const float whole = shifted - kRounder;
  const float rest = cut - whole * kLn2High - whole * kLn2Low;
  float series = 1.0F / 5040;  // of e^rest, |rest| <= ln(2) / 2
  series = series * rest + 1.0F / 720;
  series = series * rest + 1.0F / 120;
  series = series * rest + 1.0F / 24;
  series = series * rest + 1.0F / 6;
  series = series * rest + 0.5F;
  series = series * rest + 1.0F;
  series = series * rest + 1.0F;
  const auto bits = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRounder);
  return series * std::bit_cast<float>((bits + 127) << 23);
}

/// erf(x) for x >= 0: Abramowitz and Stegun 7.1.26, absolute error at most 1.5e-7.
inline float error_function(float x) {
  const float t = 1.0F / (1.0F + 0.3275911F * x);
  float series = 1.061405429F;
  series = series * t - 1.453152027F;
  series = series * t + 1.421413741F;
  series = series * t - 0.284496736F;
  series = series * t + 0.254829592F;
  return 1.0F - series * t * exponential(-x * x);
}

/// y = W x + b for one x: every weight is read once, four rows at a time.
HARDY_HOT_LOOP void one_row(const float* weight, const float* x, const float* bias,
                            std::int64_t out, std::int64_t in, bool accumulates, float* y) {
  constexpr int kRowsAtOnce = 4;
  for (std::int64_t r = 0; r < out; r += kRowsAtOnce) {
    const auto rows = static_cast<int>(std::min<std::int64_t>(kRowsAtOnce, out - r));
    const float* w[kRowsAtOnce];
    for (int q = 0; q < kRowsAtOnce; ++q) w[q] = weight + (r + std::min(q, rows - 1)) * in;
    Lanes sums0{};
    Lanes sums1{};
    Lanes sums2{};
    Lanes sums3{};
    std::int64_t j = 0;
    for (; j + kLanes <= in; j += kLanes) {
      Lanes xs;
      Lanes w0;
      Lanes w1;
      Lanes w2;
      Lanes w3;
      std::memcpy(&xs, x + j, sizeof xs);
      std::memcpy(&w0, w[0] + j, sizeof w0);
      std::memcpy(&w1, w[1] + j, sizeof w1);
      std::memcpy(&w2, w[2] + j, sizeof w2);
      std::memcpy(&w3, w[3] + j, sizeof w3);
      sums0 += w0 * xs;
      sums1 += w1 * xs;
      sums2 += w2 * xs;
      sums3 += w3 * xs;
    }
    const Lanes* sums[kRowsAtOnce] = {&sums0, &sums1, &sums2, &sums3};
    for (int q = 0; q < rows; ++q) {
      float total = bias != nullptr ? bias[r + q] : 0.0F;
      for (int lane = 0; lane < kLanes; ++lane) total += (*sums[q])[lane];
      for (std::int64_t rest = j; rest < in; ++rest) total += w[q][rest] * x[rest];
      y[r + q] = accumulates ? y[r + q] + total : total;
    }
  }
}

}  // namespace

LinearView output_rows(const LinearView& layer, std::int64_t first, std::int64_t count) {
  return {layer.weight + first * layer.in, layer.bias == nullptr ? nullptr : layer.bias + first,
          layer.in, count};
}

void linear(ConstRows x, std::int64_t n, const LinearView& layer, Rows y, bool accumulates) {
  if (n == 0) return;
  if (has_few_rows()) {
    few_rows(x, n, layer, y, accumulates);
    return;
  }
  if (n == 1) {
    one_row(layer.weight, x.data, layer.bias, layer.out, layer.in, accumulates, y.data);
    return;
  }
  const bool has_bias = layer.bias != nullptr;
  for (std::int64_t i = 0; i < n && has_bias; ++i) {
    if (accumulates) {
      add(layer.bias, layer.out, y.row(i));
    } else {
      std::copy_n(layer.bias, layer.out, y.row(i));
    }
  }
  const auto status =
      dnnl_sgemm('N', 'T', n, layer.out, layer.in, 1.0F, x.data, x.stride, layer.weight, layer.in,
                 accumulates || has_bias ? 1.0F : 0.0F, y.data, y.stride);
  check(status == dnnl_success, "dnnl_sgemm refused its arguments");
}

void multiply(const Product& shape, ConstRows a, ConstRows b, Rows c) {
  const auto status =
      dnnl_sgemm('N', shape.transposes_b ? 'T' : 'N', shape.m, shape.n, shape.k, shape.alpha,
                 a.data, a.stride, b.data, b.stride, 0.0F, c.data, c.stride);
  check(status == dnnl_success, "dnnl_sgemm refused its arguments");
}

HARDY_HOT_LOOP void standardise(const float* x, const float* mean, const float* deviation,
                                std::int64_t width, float* y) {
  for (std::int64_t j = 0; j < width; ++j) y[j] = (x[j] - mean[j]) / deviation[j];
}

HARDY_HOT_LOOP void unstandardise(float* x, const float* mean, const float* deviation,
                                  std::int64_t width) {
  for (std::int64_t j = 0; j < width; ++j) x[j] = x[j] * deviation[j] + mean[j];
}

HARDY_HOT_LOOP void relu(float* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = std::max(x[i], 0.0F);
}

HARDY_HOT_LOOP void gelu(float* x, std::int64_t count) {
  constexpr float kRootHalf = 0.70710678F;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = x[i];
    const float tail = error_function(std::abs(value) * kRootHalf);
    x[i] = 0.5F * value * (1.0F + std::copysign(tail, value));
  }
}

HARDY_HOT_LOOP void add(const float* z, std::int64_t count, float* x) {
  for (std::int64_t i = 0; i < count; ++i) x[i] += z[i];
}

HARDY_HOT_LOOP void softmax(float* x, std::int64_t count, float scale) {
  float largest = x[0];
  for (std::int64_t i = 1; i < count; ++i) largest = std::max(largest, x[i]);
  for (std::int64_t i = 0; i < count; ++i) x[i] = exponential((x[i] - largest) * scale);
  float sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += x[i];
  const float share = 1.0F / sum;
  for (std::int64_t i = 0; i < count; ++i) x[i] *= share;
}

void layer_norm(const float* x, std::int64_t width, const float* weight, const float* bias,
                float* y) {
  constexpr double kEpsilon = 1e-5;
  double sum = 0;
  for (std::int64_t j = 0; j < width; ++j) sum += static_cast<double>(x[j]);
  const double mean = sum / static_cast<double>(width);
  double squares = 0;
  for (std::int64_t j = 0; j < width; ++j) {
    const double difference = static_cast<double>(x[j]) - mean;
    squares += difference * difference;
  }
  const auto centre = static_cast<float>(mean);
  const auto scale =
      static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(width) + kEpsilon));
  for (std::int64_t j = 0; j < width; ++j) y[j] = (x[j] - centre) * scale * weight[j] + bias[j];
}

HARDY_HOT_LOOP bool all_finite(const float* x, std::int64_t count) {
  // Infinity and NaN have every bit of the exponent set; a loop without an exit can be vectorised.
  std::uint32_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(x[i]);
    found |= static_cast<std::uint32_t>((bits & 0x7F800000U) == 0x7F800000U);
  }
  return found == 0;
}

#if defined(_OPENMP)
OneThread::OneThread() : before_(omp_get_max_threads()) {
  if (before_ != 1) omp_set_num_threads(1);
}

OneThread::~OneThread() {
  if (before_ != 1) omp_set_num_threads(before_);
}
#else
OneThread::OneThread() : before_(1) {}

OneThread::~OneThread() = default;
#endif

}  // namespace hardy::predict
