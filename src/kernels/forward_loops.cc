#include "kernels/forward_loops.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "hardy/errors.h"
#include "kernels/exponential.h"
#include "kernels/hot_loops.h"
#include "kernels/panels.h"

namespace hardy::predict {
namespace {

/// Partial sums of a reduction; the compiler maps them to one, two or four registers.
constexpr std::int64_t kLanes = 16;

/// erf(x) for x >= 0: Abramowitz and Stegun 7.1.26, absolute error at most 1.5e-7.
HARDY_INLINE float error_function(float x) {
  // erf(x) is 1 in float32 beyond 9. The clamp compares bit patterns, whose order is that of the
  // numbers: a comparison of floats becomes a branch, which prevents vectorisation of the loop.
  const auto bits = std::min(std::bit_cast<std::int32_t>(x), std::bit_cast<std::int32_t>(9.0F));
  const auto cut = std::bit_cast<float>(bits);
  const float t = 1.0F / (1.0F + 0.3275911F * cut);
  float series = 1.061405429F;
  series = series * t - 1.453152027F;
  series = series * t + 1.421413741F;
  series = series * t - 0.284496736F;
  series = series * t + 0.254829592F;
  return 1.0F - series * t * exponential(-cut * cut);
}

/// Largest number of a row. Requires count >= 1.
HARDY_INLINE float largest_of(const float* x, std::int64_t count) {
  float parts[kLanes];
  std::fill_n(parts, kLanes, x[0]);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) parts[lane] = std::max(parts[lane], x[i + lane]);
  }
  for (int lane = 0; i < count; ++i, ++lane) parts[lane] = std::max(parts[lane], x[i]);
  return *std::max_element(parts, parts + kLanes);
}

/// Sum of part(0) .. part(count - 1).
template <typename Value, typename Part>
HARDY_INLINE Value sum_of(std::int64_t count, Part part) {
  Value parts[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) parts[lane] += part(i + lane);
  }
  for (int lane = 0; i < count; ++i, ++lane) parts[lane] += part(i);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) parts[lane] += parts[lane + half];
  }
  return parts[0];
}

}  // namespace

LinearView output_rows(const LinearView& layer, std::int64_t first, std::int64_t count) {
  return {layer.weight + first * layer.in, layer.bias == nullptr ? nullptr : layer.bias + first,
          layer.in, count};
}

void linear(ConstRows x, std::int64_t n, const LinearView& layer, Rows y, bool accumulates) {
  check(layer.panels != nullptr, "a layer is used before its weights are packed");
  multiply(x, n, {layer.panels, layer.in, layer.out, panel_width()}, layer.bias, y, accumulates);
}

HARDY_HOT_LOOP std::int64_t standardise(const float* x, const ScalingView& scaling,
                                        std::int64_t width, float* y) {
  const auto [mean, deviation, lowest, highest] = scaling;
  for (std::int64_t j = 0; j < width; ++j) y[j] = (x[j] - mean[j]) / deviation[j];
  if (lowest == nullptr) return 0;
  std::int32_t cut = 0;
  for (std::int64_t j = 0; j < width; ++j) {
    const float value = y[j];
    y[j] = std::min(std::max(value, lowest[j]), highest[j]);
    cut += static_cast<std::int32_t>(y[j] != value);
  }
  return cut;
}

HARDY_HOT_LOOP void unstandardise(float* x, const ScalingView& scaling, std::int64_t width) {
  const float* mean = scaling.mean;
  const float* deviation = scaling.deviation;
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

HARDY_HOT_LOOP void lstm_step(const float* gates, std::int64_t width, float* cell, float* hidden) {
  for (std::int64_t j = 0; j < width; ++j) {
    const float kept = logistic(gates[width + j]) * cell[j];
    const float c = logistic(gates[j]) * hyperbolic_tangent(gates[2 * width + j]) + kept;
    cell[j] = c;
    hidden[j] = logistic(gates[3 * width + j]) * hyperbolic_tangent(c);
  }
}

HARDY_HOT_LOOP void add(const float* z, std::int64_t count, float* x) {
  for (std::int64_t i = 0; i < count; ++i) x[i] += z[i];
}

HARDY_HOT_LOOP void softmax(float* x, std::int64_t count, float scale) {
  const float largest = largest_of(x, count);
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] = exponential(std::max((x[i] - largest) * scale, -87.0F));
  }
  const float share = 1.0F / sum_of<float>(count, [&](std::int64_t i) { return x[i]; });
  for (std::int64_t i = 0; i < count; ++i) x[i] *= share;
}

HARDY_HOT_LOOP void layer_norm(const float* x, std::int64_t width, const float* weight,
                               const float* bias, float* y) {
  constexpr double kEpsilon = 1e-5;
  const auto value = [&](std::int64_t j) { return static_cast<double>(x[j]); };
  const double mean = sum_of<double>(width, value) / static_cast<double>(width);
  const double squares = sum_of<double>(width, [&](std::int64_t j) {
    const double difference = value(j) - mean;
    return difference * difference;
  });
  const auto centre = static_cast<float>(mean);
  const auto scale =
      static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(width) + kEpsilon));
  for (std::int64_t j = 0; j < width; ++j) y[j] = (x[j] - centre) * scale * weight[j] + bias[j];
}

HARDY_HOT_LOOP bool all_finite(const float* x, std::int64_t count) {
  // Infinity and NaN have all exponent bits set. No early exit, so that the loop is vectorised.
  std::uint32_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(x[i]);
    found |= static_cast<std::uint32_t>((bits & 0x7F800000U) == 0x7F800000U);
  }
  return found == 0;
}

}  // namespace hardy::predict
