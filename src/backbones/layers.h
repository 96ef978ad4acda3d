// Layers of the frozen networks, in float32 on one thread. Internal to backbones/.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backbones/weight_set.h"
#include "kernels/rows.h"

namespace hardy {

/// Rows of equal width: tokens or frames in order.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  std::vector<float> values;  ///< [rows, width] row-major

  Matrix() = default;

  Matrix(std::int64_t row_count, std::int64_t row_width)
      : rows(row_count),
        width(row_width),
        values(static_cast<std::size_t>(row_count * row_width)) {}

  [[nodiscard]] float* row(std::int64_t i) { return values.data() + i * width; }

  [[nodiscard]] const float* row(std::int64_t i) const { return values.data() + i * width; }

  [[nodiscard]] std::int64_t size() const { return rows * width; }
};

using predict::ConstRows;

/// c = scale * a b^T (+ c with `accumulates`). Shapes: a [m, k], b [n, k], c [m, n].
void multiply_transposed(std::int64_t m, std::int64_t n, std::int64_t k, ConstRows a, ConstRows b,
                         float* c, std::int64_t c_stride, float scale = 1,
                         bool accumulates = false);

/// c = a b. Shapes: a [m, k], b [k, n], c [m, n].
void multiply_plain(std::int64_t m, std::int64_t n, std::int64_t k, ConstRows a, ConstRows b,
                    float* c, std::int64_t c_stride);

/// y = x W^T + b. A row gives the same bytes alone and among others. Shapes: weight [out, in], bias
/// [out] or empty.
class Dense {
 public:
  Dense() = default;

  /// Reads NAME.weight and, with `has_bias`, NAME.bias. Throws ArtifactError.
  Dense(const WeightSet& weights, const std::string& name, std::int64_t in, std::int64_t out,
        bool has_bias = true);

  [[nodiscard]] Matrix apply(const Matrix& x) const {
    return apply({x.values.data(), in_}, x.rows);
  }

  [[nodiscard]] Matrix apply(ConstRows x, std::int64_t rows) const;

 private:
  std::vector<float> panels_;
  std::span<const float> bias_;
  std::int64_t in_ = 0;
  std::int64_t out_ = 0;
};

/// (x - mean) / sqrt(variance + epsilon) * weight + bias over each row.
class RowNorm {
 public:
  RowNorm() = default;

  /// Reads NAME.weight and NAME.bias.
  RowNorm(const WeightSet& weights, const std::string& name, std::int64_t width, float epsilon);

  void apply(Matrix& x) const;

 private:
  std::span<const float> weight_;
  std::span<const float> bias_;
  float epsilon_ = 0;
};

/// Over all rows and columns together, then a weight and bias for each column (none when empty).
void normalise_all(Matrix& x, std::span<const float> weight, std::span<const float> bias,
                   float epsilon);

/// Over the rows of each column, then a weight and bias for each column.
void normalise_columns(Matrix& x, std::span<const float> weight, std::span<const float> bias,
                       float epsilon);

/// Activation functions in the networks' settings.
enum class Activation { kNone, kRelu, kGelu };

/// "relu" or "gelu". Throws ArtifactError naming `file` for others.
Activation activation_of(const std::string& word, const std::string& file);

void activate(Activation activation, Matrix& x);

/// x += y. Requires equal sizes.
void add_to(Matrix& x, const Matrix& y);

/// A convolution over time. Shapes: weight [out, in, kernel], bias [out] or empty; x [n, in] ->
/// [(n - kernel) / stride + 1, out], no rows when n < kernel.
class TimeConvolution {
 public:
  TimeConvolution() = default;
  TimeConvolution(std::span<const float> weight, std::span<const float> bias, std::int64_t out,
                  std::int64_t in, std::int64_t kernel, std::int64_t stride);

  [[nodiscard]] Matrix apply(const Matrix& x) const;

  [[nodiscard]] std::int64_t kernel() const { return kernel_; }

 private:
  std::vector<float> panels_;
  std::vector<float> bias_;
  std::int64_t out_ = 0;
  std::int64_t in_ = 0;
  std::int64_t kernel_ = 0;
  std::int64_t stride_ = 1;
};

/// Consecutive states of a network, counted from its end: -1 is the last one.
struct StateRange {
  int first = -4;
  int last = -1;
};

/// The sum of some of a network's states. Requires -states <= first <= last <= -1.
Matrix sum_of(const std::vector<Matrix>& states, StateRange range);

/// The mean of a matrix's rows. Requires rows >= 1.
std::vector<float> mean_row(const Matrix& x);

}  // namespace hardy
