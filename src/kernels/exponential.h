// Vectorisable exp, sigmoid and tanh in float32: inline, without branches and calls. Internal.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "kernels/hot_loops.h"

namespace hardy {

/// e^x, relative error about 2e-7. Requires -87 <= x <= 88.
HARDY_INLINE float exponential(float x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float shifted = x * kLog2E + kRounder;
  const float whole = shifted - kRounder;
  const float rest = x - whole * kLn2High - whole * kLn2Low;
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

/// 1 / (1 + e^-x), absolute error about 1e-7.
HARDY_INLINE float logistic(float x) {
  return 1.0F / (1.0F + exponential(std::min(std::max(-x, -87.0F), 87.0F)));
}

/// tanh(x), absolute error about 2e-7.
HARDY_INLINE float hyperbolic_tangent(float x) { return 2.0F * logistic(2.0F * x) - 1.0F; }

}  // namespace hardy
