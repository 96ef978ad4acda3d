#include "backbones/layers.h"

#include <dnnl.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "kernels/forward_loops.h"
#include "kernels/panels.h"

namespace hardy {
namespace {

constexpr std::int64_t kParts = 16;

/// Sum of part(0) .. part(count - 1) in sixteen partial sums, which the compiler vectorises.
template <typename Part>
double sum_parts(std::int64_t count, Part part) {
  double sums[kParts] = {};
  std::int64_t i = 0;
  for (; i + kParts <= count; i += kParts) {
    for (std::int64_t lane = 0; lane < kParts; ++lane) sums[lane] += part(i + lane);
  }
  for (std::int64_t lane = 0; i < count; ++i, ++lane) sums[lane] += part(i);
  double sum = 0;
  for (const double each : sums) sum += each;
  return sum;
}

struct Moments {
  float mean = 0;
  float scale = 0;  ///< 1 / sqrt(variance + epsilon)
};

Moments moments_of(const float* x, std::int64_t count, float epsilon) {
  const auto n = static_cast<double>(count);
  const auto value = [x](std::int64_t i) { return static_cast<double>(x[i]); };
  const double mean = sum_parts(count, value) / n;
  const double squares = sum_parts(count, [&](std::int64_t i) {
    const double difference = value(i) - mean;
    return difference * difference;
  });
  return {static_cast<float>(mean),
          static_cast<float>(1 / std::sqrt(squares / n + static_cast<double>(epsilon)))};
}

void call_sgemm(char b_form, std::int64_t m, std::int64_t n, std::int64_t k, ConstRows a,
                ConstRows b, float* c, std::int64_t c_stride, float scale, float kept) {
  const dnnl_status_t status = dnnl_sgemm('N', b_form, m, n, k, scale, a.data, a.stride, b.data,
                                          b.stride, kept, c, c_stride);
  check(status == dnnl_success, "dnnl_sgemm refused its arguments");
}

}  // namespace

void multiply_transposed(std::int64_t m, std::int64_t n, std::int64_t k, ConstRows a, ConstRows b,
                         float* c, std::int64_t c_stride, float scale, bool accumulates) {
  call_sgemm('T', m, n, k, a, b, c, c_stride, scale, accumulates ? 1.0F : 0.0F);
}

void multiply_plain(std::int64_t m, std::int64_t n, std::int64_t k, ConstRows a, ConstRows b,
                    float* c, std::int64_t c_stride) {
  call_sgemm('N', m, n, k, a, b, c, c_stride, 1, 0);
}

Dense::Dense(const WeightSet& weights, const std::string& name, std::int64_t in, std::int64_t out,
             bool has_bias)
    : in_(in), out_(out) {
  const auto rows = weights.floats(name + ".weight", {out, in});
  panels_.resize(static_cast<std::size_t>(predict::packed_size(in, out)));
  predict::pack({rows.data(), in}, in, out, 1, panels_.data());
  weights.forget(name + ".weight");
  if (has_bias) bias_ = weights.floats(name + ".bias", {out});
}

Matrix Dense::apply(ConstRows x, std::int64_t rows) const {
  Matrix y(rows, out_);
  if (rows == 0) return y;
  predict::multiply(x, rows, {panels_.data(), in_, out_, predict::panel_width()},
                    bias_.empty() ? nullptr : bias_.data(), {y.values.data(), out_}, false);
  return y;
}

RowNorm::RowNorm(const WeightSet& weights, const std::string& name, std::int64_t width,
                 float epsilon)
    : weight_(weights.floats(name + ".weight", {width})),
      bias_(weights.floats(name + ".bias", {width})),
      epsilon_(epsilon) {}

void RowNorm::apply(Matrix& x) const {
  for (std::int64_t i = 0; i < x.rows; ++i) {
    float* row = x.row(i);
    const auto [mean, scale] = moments_of(row, x.width, epsilon_);
    const float* weight = weight_.data();
    const float* bias = bias_.data();
    for (std::int64_t j = 0; j < x.width; ++j)
      row[j] = (row[j] - mean) * scale * weight[j] + bias[j];
  }
}

void normalise_all(Matrix& x, std::span<const float> weight, std::span<const float> bias,
                   float epsilon) {
  if (x.size() == 0) return;
  const auto [mean, scale] = moments_of(x.values.data(), x.size(), epsilon);
  const bool has_weights = !weight.empty();
  for (std::int64_t i = 0; i < x.rows; ++i) {
    float* row = x.row(i);
    for (std::int64_t j = 0; j < x.width; ++j) row[j] = (row[j] - mean) * scale;
    if (!has_weights) continue;
    const float* w = weight.data();
    const float* b = bias.data();
    for (std::int64_t j = 0; j < x.width; ++j) row[j] = row[j] * w[j] + b[j];
  }
}

void normalise_columns(Matrix& x, std::span<const float> weight, std::span<const float> bias,
                       float epsilon) {
  const auto width = static_cast<std::size_t>(x.width);
  std::vector<double> mean(width);
  std::vector<double> squares(width);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    const float* row = x.row(i);
    for (std::size_t j = 0; j < width; ++j) mean[j] += static_cast<double>(row[j]);
  }
  const auto n = static_cast<double>(x.rows);
  for (double& each : mean) each /= n;
  for (std::int64_t i = 0; i < x.rows; ++i) {
    const float* row = x.row(i);
    for (std::size_t j = 0; j < width; ++j) {
      const double difference = static_cast<double>(row[j]) - mean[j];
      squares[j] += difference * difference;
    }
  }
  std::vector<float> centre(width);
  std::vector<float> scale(width);
  for (std::size_t j = 0; j < width; ++j) {
    centre[j] = static_cast<float>(mean[j]);
    scale[j] = static_cast<float>(1 / std::sqrt(squares[j] / n + static_cast<double>(epsilon)));
  }
  for (std::int64_t i = 0; i < x.rows; ++i) {
    float* row = x.row(i);
    for (std::size_t j = 0; j < width; ++j) {
      row[j] = (row[j] - centre[j]) * scale[j] * weight[j] + bias[j];
    }
  }
}

Activation activation_of(const std::string& word, const std::string& file) {
  if (word == "relu") return Activation::kRelu;
  if (word == "gelu") return Activation::kGelu;
  throw ArtifactError(
      fmt::format("{}: the activation '{}' is not supported; known are gelu and relu", file, word));
}

void activate(Activation activation, Matrix& x) {
  if (activation == Activation::kRelu) predict::relu(x.values.data(), x.size());
  if (activation == Activation::kGelu) predict::gelu(x.values.data(), x.size());
}

void add_to(Matrix& x, const Matrix& y) {
  check(x.size() == y.size(), "matrices of different sizes are added");
  predict::add(y.values.data(), x.size(), x.values.data());
}

TimeConvolution::TimeConvolution(std::span<const float> weight, std::span<const float> bias,
                                 std::int64_t out, std::int64_t in, std::int64_t kernel,
                                 std::int64_t stride)
    : bias_(bias.begin(), bias.end()), out_(out), in_(in), kernel_(kernel), stride_(stride) {
  // A window of frames is contiguous: [kernel, in].
  std::vector<float> rows(weight.size());
  for (std::int64_t o = 0; o < out; ++o) {
    const float* from = weight.data() + o * in * kernel;
    float* to = rows.data() + o * in * kernel;
    for (std::int64_t c = 0; c < in; ++c) {
      for (std::int64_t j = 0; j < kernel; ++j) to[j * in + c] = from[c * kernel + j];
    }
  }
  panels_.resize(static_cast<std::size_t>(predict::packed_size(in * kernel, out)));
  predict::pack({rows.data(), in * kernel}, in * kernel, out, 1, panels_.data());
}

Matrix TimeConvolution::apply(const Matrix& x) const {
  check(x.width == in_, "a convolution is given rows of another width");
  Matrix y(x.rows < kernel_ ? 0 : (x.rows - kernel_) / stride_ + 1, out_);
  if (y.rows == 0) return y;
  // The windows of adjacent frames overlap: the row stride is smaller than the row.
  predict::multiply({x.values.data(), stride_ * in_}, y.rows,
                    {panels_.data(), in_ * kernel_, out_, predict::panel_width()},
                    bias_.empty() ? nullptr : bias_.data(), {y.values.data(), out_}, false);
  return y;
}

Matrix sum_of(const std::vector<Matrix>& states, StateRange range) {
  const int count = static_cast<int>(states.size());
  check(-count <= range.first && range.first <= range.last && range.last <= -1,
        "states are summed that do not exist");
  Matrix sum = states[static_cast<std::size_t>(count + range.first)];
  for (int i = range.first + 1; i <= range.last; ++i) {
    add_to(sum, states[static_cast<std::size_t>(count + i)]);
  }
  return sum;
}

std::vector<float> mean_row(const Matrix& x) {
  check(x.rows >= 1, "the mean of no rows");
  std::vector<double> sums(static_cast<std::size_t>(x.width));
  for (std::int64_t i = 0; i < x.rows; ++i) {
    const float* row = x.row(i);
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += static_cast<double>(row[j]);
  }
  std::vector<float> mean;
  for (const double sum : sums) {
    mean.push_back(static_cast<float>(sum / static_cast<double>(x.rows)));
  }
  return mean;
}

}  // namespace hardy
