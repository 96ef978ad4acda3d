// The float32 loops under the prediction runtime: raw pointers, one thread, no allocation.
// Internal.
#pragma once

#include <cstdint>

namespace hardy::predict {

/// A linear layer y = W x + b somewhere in memory. Shapes: weight [out, in] row-major, bias [out]
/// or null.
struct LinearView {
  const float* weight = nullptr;
  const float* bias = nullptr;
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// Rows [first, first + count) of a layer's outputs.
LinearView output_rows(const LinearView& layer, std::int64_t first, std::int64_t count);

/// A matrix of n rows that lie `stride` floats apart.
template <typename Value>
struct RowsOf {
  Value* data = nullptr;
  std::int64_t stride = 0;

  [[nodiscard]] Value* row(std::int64_t i) const { return data + i * stride; }
};

using Rows = RowsOf<float>;
using ConstRows = RowsOf<const float>;

inline ConstRows constant(const Rows& rows) { return {rows.data, rows.stride}; }

/// y = x W^T + b for n rows; with `accumulates`, y += x W^T + b. With AVX-512 by `few_rows`;
/// without it one row is a loop of our own (the weights stream through once) and more are oneDNN's
/// sgemm: each measured faster there (docs/serving.md).
void linear(ConstRows x, std::int64_t n, const LinearView& layer, Rows y, bool accumulates);

/// C = alpha A B^T (`transposes_b`) or alpha A B. Shapes: A [m,k], B [n,k] or [k,n], C [m,n].
struct Product {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  float alpha = 1;
  bool transposes_b = false;
};

void multiply(const Product& shape, ConstRows a, ConstRows b, Rows c);

/// y = (x - mean) / deviation.
void standardise(const float* x, const float* mean, const float* deviation, std::int64_t width,
                 float* y);

/// x = x * deviation + mean.
void unstandardise(float* x, const float* mean, const float* deviation, std::int64_t width);

/// x = max(x, 0).
void relu(float* x, std::int64_t count);

/// x = x Phi(x), Phi the normal distribution function (absolute error below 3e-7 |x|).
void gelu(float* x, std::int64_t count);

/// y = x + z, element by element.
void add(const float* z, std::int64_t count, float* x);

/// x = softmax(scale * x).
void softmax(float* x, std::int64_t count, float scale);

/// y = (x - mean) / sqrt(variance + 1e-5) * weight + bias, over one row.
void layer_norm(const float* x, std::int64_t width, const float* weight, const float* bias,
                float* y);

/// Whether every value is finite.
bool all_finite(const float* x, std::int64_t count);

/// Makes oneDNN use the calling thread alone while it lives: recognition of a few rows gains
/// nothing from more, and every server thread has rows of its own.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace hardy::predict
