// Float32 loops of the prediction runtime: raw pointers, one thread, no allocation. Internal.
#pragma once

#include <cstdint>

#include "kernels/rows.h"

namespace hardy::predict {

/// A linear layer y = W x + b in memory. Shapes: weight [out, in] row-major, bias [out] or null.
/// The runtime multiplies with `panels` only (packed_weights.h).
struct LinearView {
  const float* weight = nullptr;  ///< null once packed
  const float* bias = nullptr;
  std::int64_t in = 0;
  std::int64_t out = 0;
  const float* panels = nullptr;  ///< null until packed
};

/// Rows [first, first + count) of the outputs of a layer that is not packed yet.
LinearView output_rows(const LinearView& layer, std::int64_t first, std::int64_t count);

/// y = x W^T + b for n rows; with `accumulates`, y += x W^T + b. Requires panels.
void linear(ConstRows x, std::int64_t n, const LinearView& layer, Rows y, bool accumulates);

/// Scaling of one modality. Shapes: [width] each.
struct ScalingView {
  const float* mean = nullptr;
  const float* deviation = nullptr;
  const float* lowest = nullptr;   ///< clip range of scaled values; null = none
  const float* highest = nullptr;  ///< null together with `lowest`
};

/// y = (x - mean) / deviation, clipped. Returns the number of clipped values.
std::int64_t standardise(const float* x, const ScalingView& scaling, std::int64_t width, float* y);

/// x = x * deviation + mean.
void unstandardise(float* x, const ScalingView& scaling, std::int64_t width);

/// x = max(x, 0).
void relu(float* x, std::int64_t count);

/// x = x Phi(x), Phi the normal distribution function (absolute error below 3e-7 |x|).
void gelu(float* x, std::int64_t count);

/// One step of an LSTM: c = logistic(i) tanh(g) + logistic(f) c, h = logistic(o) tanh(c). Shapes:
/// gates [4 width] in the order i, f, g, o, before their functions; cell and hidden [width].
void lstm_step(const float* gates, std::int64_t width, float* cell, float* hidden);

/// y = x + z, element by element.
void add(const float* z, std::int64_t count, float* x);

/// x = softmax(scale * x).
void softmax(float* x, std::int64_t count, float scale);

/// y = (x - mean) / sqrt(variance + 1e-5) * weight + bias, over one row.
void layer_norm(const float* x, std::int64_t width, const float* weight, const float* bias,
                float* y);

/// Whether every value is finite.
bool all_finite(const float* x, std::int64_t count);

}  // namespace hardy::predict
