#include "kernels/training_loops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#if HARDY_HAS_DNNL
#include <dnnl.h>
#else
#include <ATen/ATen.h>
#endif

#include "hardy/errors.h"
#include "kernels/exponential.h"

// Hot loops are compiled for several instruction sets, selected at program start, so that one
// binary is fast on every x86-64 machine. Sanitizers do not support the indirect functions that
// this needs.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HARDY_HOT __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HARDY_HOT
#endif

namespace hardy::kernels {
namespace {

/// A 32-bit hash of an index and a key (the finaliser of MurmurHash3 with one more key round):
/// vectorises well, and its masks show no pattern.
inline std::uint32_t mix32(std::uint32_t index, std::uint32_t low, std::uint32_t high) {
  std::uint32_t x = index * 0x9E3779B1U + low;
  x ^= x >> 16;
  x *= 0x85EBCA6BU;
  x ^= x >> 13;
  x += high;
  x *= 0xC2B2AE35U;
  x ^= x >> 16;
  return x;
}

/// Entries with a hash below this are dropped.
std::uint32_t threshold_of(double p) {
  return static_cast<std::uint32_t>(std::min(p * 0x1.0p32, 0x1.FFFFFFFEp31));
}

}  // namespace

void gemm(const Gemm& shape, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float* c, std::int64_t ldc) {
  if (shape.m == 0 || shape.n == 0) return;
  if (shape.k == 0) {
    if (!shape.accumulate) {
      for (std::int64_t i = 0; i < shape.m; ++i) std::fill_n(c + i * ldc, shape.n, 0.0F);
    }
    return;
  }
#if HARDY_HAS_DNNL
  const auto status =
      dnnl_sgemm(shape.a_transposed ? 'T' : 'N', shape.b_transposed ? 'T' : 'N', shape.m, shape.n,
                 shape.k, shape.alpha, a, lda, b, ldb, shape.accumulate ? 1.0F : 0.0F, c, ldc);
  check(status == dnnl_success, "dnnl_sgemm refused its arguments");
#else
  // Row-major with leading dimensions, as views of libtorch on the same memory.
  const auto view = [](const float* data, std::int64_t rows, std::int64_t columns,
                       std::int64_t stride) {
    return at::from_blob(const_cast<float*>(data), {rows, columns}, {stride, 1}, at::kFloat);
  };
  const at::NoGradGuard no_gradients;
  auto left =
      shape.a_transposed ? view(a, shape.k, shape.m, lda).t() : view(a, shape.m, shape.k, lda);
  auto right =
      shape.b_transposed ? view(b, shape.n, shape.k, ldb).t() : view(b, shape.k, shape.n, ldb);
  auto product = view(c, shape.m, shape.n, ldc);
  product.addmm_(left, right, shape.accumulate ? 1 : 0, shape.alpha);
#endif
}

void fill_rows(float* y, std::int64_t n, std::int64_t width, const float* bias) {
  for (std::int64_t i = 0; i < n; ++i) {
    std::memcpy(y + i * width, bias, static_cast<std::size_t>(width) * sizeof(float));
  }
}

HARDY_HOT void sum_rows(const float* x, std::int64_t n, std::int64_t width, float* sums) {
  std::fill_n(sums, width, 0.0F);
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = x + i * width;
    for (std::int64_t j = 0; j < width; ++j) sums[j] += row[j];
  }
}

HARDY_HOT void scale_by_mask(const float* x, float* y, std::int64_t n, double p,
                             std::uint64_t key) {
  const auto low = static_cast<std::uint32_t>(key);
  const auto high = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t threshold = threshold_of(p);
  const auto scale = static_cast<float>(1.0 / (1.0 - p));
  for (std::int64_t i = 0; i < n; ++i) {
    const bool keep = mix32(static_cast<std::uint32_t>(i), low, high) >= threshold;
    y[i] = x[i] * (keep ? scale : 0.0F);
  }
}

HARDY_HOT void relu_mask(const float* x, float* y, std::int64_t n, double p, std::uint64_t key) {
  const auto low = static_cast<std::uint32_t>(key);
  const auto high = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t threshold = p > 0 ? threshold_of(p) : 0;
  const auto scale = static_cast<float>(1.0 / (1.0 - p));
  for (std::int64_t i = 0; i < n; ++i) {
    const bool keep = mix32(static_cast<std::uint32_t>(i), low, high) >= threshold;
    y[i] = std::max(x[i], 0.0F) * (keep ? scale : 0.0F);
  }
}

HARDY_HOT void softmax_rows(float* s, std::int64_t n, std::int64_t n_keys) {
  for (std::int64_t i = 0; i < n; ++i) {
    float* row = s + i * n_keys;
    float largest = row[0];
    for (std::int64_t j = 1; j < n_keys; ++j) largest = std::max(largest, row[j]);
    float sum = 0;
    for (std::int64_t j = 0; j < n_keys; ++j) {
      row[j] = std::exp(row[j] - largest);
      sum += row[j];
    }
    const float scale = 1.0F / sum;
    for (std::int64_t j = 0; j < n_keys; ++j) row[j] *= scale;
  }
}

HARDY_HOT void softmax_backward_rows(const float* p, float* dp, std::int64_t n,
                                     std::int64_t n_keys) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float* prow = p + i * n_keys;
    float* drow = dp + i * n_keys;
    float dot = 0;
    for (std::int64_t j = 0; j < n_keys; ++j) dot += prow[j] * drow[j];
    for (std::int64_t j = 0; j < n_keys; ++j) drow[j] = prow[j] * (drow[j] - dot);
  }
}

HARDY_HOT void lstm_step(std::int64_t n, std::int64_t width, float* gates, const float* cell_before,
                         std::int64_t n_before, float* cell, float* state) {
  for (std::int64_t row = 0; row < n; ++row) {
    float* i = gates + row * 4 * width;
    float* f = i + width;
    float* g = f + width;
    float* o = g + width;
    float* c = cell + row * width;
    float* h = state + row * width;
    for (std::int64_t j = 0; j < 2 * width; ++j) i[j] = logistic(i[j]);
    for (std::int64_t j = 0; j < width; ++j) g[j] = hyperbolic_tangent(g[j]);
    for (std::int64_t j = 0; j < width; ++j) o[j] = logistic(o[j]);
    for (std::int64_t j = 0; j < width; ++j) c[j] = i[j] * g[j];
    if (row < n_before) {
      const float* before = cell_before + row * width;
      for (std::int64_t j = 0; j < width; ++j) c[j] += f[j] * before[j];
    }
    for (std::int64_t j = 0; j < width; ++j) h[j] = o[j] * hyperbolic_tangent(c[j]);
  }
}

HARDY_HOT void lstm_step_backward(std::int64_t n, std::int64_t width, float* gates,
                                  const float* cell_before, std::int64_t n_before,
                                  const float* cell, const float* dstate, const float* dcell,
                                  float* dcell_before) {
  for (std::int64_t row = 0; row < n; ++row) {
    float* i = gates + row * 4 * width;
    float* f = i + width;
    float* g = f + width;
    float* o = g + width;
    const float* c = cell + row * width;
    const float* dh = dstate + row * width;
    const float* dc = dcell + row * width;
    const bool has_before = row < n_before;
    const float* before = has_before ? cell_before + row * width : nullptr;
    float* dbefore = has_before ? dcell_before + row * width : nullptr;
    for (std::int64_t j = 0; j < width; ++j) {
      const float tangent = hyperbolic_tangent(c[j]);
      const float total = dc[j] + dh[j] * o[j] * (1.0F - tangent * tangent);
      const float dgate = total * i[j] * (1.0F - g[j] * g[j]);
      o[j] = dh[j] * tangent * o[j] * (1.0F - o[j]);
      i[j] = total * g[j] * i[j] * (1.0F - i[j]);
      g[j] = dgate;
      if (has_before) {
        dbefore[j] = total * f[j];
        f[j] = total * before[j] * f[j] * (1.0F - f[j]);
      } else {
        f[j] = 0.0F;
      }
    }
  }
}

HARDY_HOT void adam(const AdamStep& step, float* value, const float* gradient, float* mean,
                    float* square, std::int64_t n) {
  const float rate = step.learning_rate / step.correction1;
  const float root = 1.0F / step.correction2_root;
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * step.gradient_scale + step.weight_decay * value[i];
    mean[i] = step.beta1 * mean[i] + step.rest1 * g;
    square[i] = step.beta2 * square[i] + step.rest2 * g * g;
    value[i] -= rate * mean[i] / (std::sqrt(square[i]) * root + step.epsilon);
  }
}

double sum_of_squares(const float* x, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

HARDY_HOT double squared_error(const float* x, const float* y, const float* weights, std::int64_t n,
                               std::int64_t width) {
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float* xrow = x + i * width;
    const float* yrow = y + i * width;
    // Sixteen partial sums, so that the compiler vectorises without reordering a sum.
    float partial[16] = {};
    std::int64_t j = 0;
    for (; j + 16 <= width; j += 16) {
      for (int lane = 0; lane < 16; ++lane) {
        const float difference = xrow[j + lane] - yrow[j + lane];
        partial[lane] += difference * difference;
      }
    }
    float sum = 0;
    for (; j < width; ++j) sum += (xrow[j] - yrow[j]) * (xrow[j] - yrow[j]);
    for (const float lane : partial) sum += lane;
    total += static_cast<double>(weights[i]) * static_cast<double>(sum);
  }
  return total;
}

HARDY_HOT void squared_error_backward(const float* x, const float* y, const float* weights,
                                      float scale, std::int64_t n, std::int64_t width,
                                      float* gradient) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float factor = 2.0F * scale * weights[i];
    for (std::int64_t j = i * width; j < (i + 1) * width; ++j) gradient[j] = factor * (x[j] - y[j]);
  }
}

}  // namespace hardy::kernels
