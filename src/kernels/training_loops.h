// The float32 CPU kernels of src/nn/ops: raw pointers, no autograd. Internal.
#pragma once

#include <cstdint>

namespace hardy::kernels {

/// C = A B (+ C when accumulate), row-major; `a_transposed` reads A as [k, m], `b_transposed` B as
/// [n, k]. Leading dimensions are row strides in floats.
struct Gemm {
  bool a_transposed = false;
  bool b_transposed = false;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  float alpha = 1.0F;
  bool accumulate = false;
};

void gemm(const Gemm& shape, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float* c, std::int64_t ldc);

/// Every row of y [n, width] = bias [width].
void fill_rows(float* y, std::int64_t n, std::int64_t width, const float* bias);

/// sums [width] = column sums of x [n, width].
void sum_rows(const float* x, std::int64_t n, std::int64_t width, float* sums);

/// y = x * keep / (1 - p), keep drawn per index from `key`. In place when y == x.
void scale_by_mask(const float* x, float* y, std::int64_t n, double p, std::uint64_t key);

/// y = max(x, 0) * keep / (1 - p); p = 0 keeps everything.
void relu_mask(const float* x, float* y, std::int64_t n, double p, std::uint64_t key);

/// Softmax of each row of s [n, n_keys] in place.
void softmax_rows(float* s, std::int64_t n, std::int64_t n_keys);

/// ds = p * (dp - sum(dp * p)) per row, in place over dp.
void softmax_backward_rows(const float* p, float* dp, std::int64_t n, std::int64_t n_keys);

/// One step of an LSTM for n rows. Gates i, f, g, o are side by side, before their activations on
/// entry and after them on return. Rows from `n_before` on have no preceding step: state and cell
/// are zero. Shapes: gates [n, 4H], cell_before [n_before, H], cell, state [n, H].
void lstm_step(std::int64_t n, std::int64_t width, float* gates, const float* cell_before,
               std::int64_t n_before, float* cell, float* state);

/// Gradient of lstm_step: `gates` (after activation) become the gradient before activation. On
/// entry dcell [n, H] holds the gradient of `cell` from the next step; dcell_before [n_before, H]
/// is written.
void lstm_step_backward(std::int64_t n, std::int64_t width, float* gates, const float* cell_before,
                        std::int64_t n_before, const float* cell, const float* dstate,
                        const float* dcell, float* dcell_before);

/// One Adam step with coupled L2 on n values, in one pass.
struct AdamStep {
  float learning_rate = 0;
  float weight_decay = 0;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float rest1 = 0.1F;    ///< 1 - beta1, rounded once from float64
  float rest2 = 0.001F;  ///< 1 - beta2
  float epsilon = 1e-8F;
  float gradient_scale = 1;    ///< multiplies the gradient (clipping)
  float correction1 = 1;       ///< 1 - beta1^t
  float correction2_root = 1;  ///< sqrt(1 - beta2^t)
};

void adam(const AdamStep& step, float* value, const float* gradient, float* mean, float* square,
          std::int64_t n);

/// Sum of squares, for gradient norms.
double sum_of_squares(const float* x, std::int64_t n);

/// sum_i w_i sum_j (x_ij - y_ij)^2, and optionally gradient = scale * 2 w_i (x_ij - y_ij).
double squared_error(const float* x, const float* y, const float* weights, std::int64_t n,
                     std::int64_t width);
void squared_error_backward(const float* x, const float* y, const float* weights, float scale,
                            std::int64_t n, std::int64_t width, float* gradient);

}  // namespace hardy::kernels
