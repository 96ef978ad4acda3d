// The loops of the prediction runtime against double precision.
#include "hardy/predict/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "hardy/core/random.h"
#include "hardy/predict/few_rows.h"

namespace hardy::predict {
namespace {

std::vector<float> drawn(std::size_t count, std::uint64_t seed) {
  Generator generator(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(draw_normal(generator));
  return values;
}

TEST(Kernels, GeluIsExactToFloatPrecision) {
  std::vector<float> values;
  for (double x = -12; x <= 12; x += 0.001) values.push_back(static_cast<float>(x));
  std::vector<float> results = values;
  gelu(results.data(), static_cast<std::int64_t>(results.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto x = static_cast<double>(values[i]);
    const double expected = 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    ASSERT_NEAR(static_cast<double>(results[i]), expected, 5e-7 * (1 + std::abs(x))) << x;
  }
}

TEST(Kernels, SoftmaxSumsToOneAndSurvivesLargeNumbers) {
  std::vector<float> row = {1000, 999, -1000};
  softmax(row.data(), 3, 1);
  EXPECT_NEAR(row[0], 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_NEAR(row[1], 1 / (1 + std::exp(1.0)), 1e-6);
  EXPECT_NEAR(row[2], 0, 1e-30);
  std::vector<float> halved = {2, 0};
  softmax(halved.data(), 2, 0.5F);
  EXPECT_NEAR(halved[0], 1 / (1 + std::exp(-1.0)), 1e-6);
}

TEST(Kernels, ARowGetsTheSameBytesAloneAndAmongOthers) {
  if (!has_few_rows()) GTEST_SKIP() << "this machine has no AVX-512";
  constexpr std::int64_t kIn = 83;
  constexpr std::int64_t kOut = 30;
  constexpr std::int64_t kRows = 35;
  const auto x = drawn(kRows * kIn, 1);
  const auto w = drawn(kOut * kIn, 2);
  const auto b = drawn(kOut, 3);
  const LinearView layer = {w.data(), b.data(), kIn, kOut};
  std::vector<float> together(kRows * kOut);
  linear({x.data(), kIn}, kRows, layer, {together.data(), kOut}, false);
  for (std::int64_t i = 0; i < kRows; ++i) {
    std::vector<float> alone(kOut);
    linear({x.data() + i * kIn, kIn}, 1, layer, {alone.data(), kOut}, false);
    for (std::size_t o = 0; o < alone.size(); ++o) {
      ASSERT_EQ(alone[o], together[static_cast<std::size_t>(i * kOut) + o]) << i << ' ' << o;
    }
  }
}

TEST(Kernels, LinearAgreesWithDoublePrecisionForEverySize) {
  for (const std::int64_t n : {1, 2, 3, 4, 5, 6, 7, 13, 26}) {
    for (const std::int64_t in : {1, 15, 16, 17, 100}) {
      for (const std::int64_t out : {1, 3, 4, 5, 33}) {
        const auto x = drawn(static_cast<std::size_t>(n * in), 1);
        const auto w = drawn(static_cast<std::size_t>(out * in), 2);
        const auto b = drawn(static_cast<std::size_t>(out), 3);
        for (const bool accumulates : {false, true}) {
          std::vector<float> y(static_cast<std::size_t>(n * out), 0.5F);
          linear({x.data(), in}, n, {w.data(), b.data(), in, out}, {y.data(), out}, accumulates);
          for (std::int64_t i = 0; i < n; ++i) {
            for (std::int64_t o = 0; o < out; ++o) {
              double sum =
                  static_cast<double>(b[static_cast<std::size_t>(o)]) + (accumulates ? 0.5 : 0.0);
              for (std::int64_t j = 0; j < in; ++j) {
                sum += static_cast<double>(x[static_cast<std::size_t>(i * in + j)]) *
                       static_cast<double>(w[static_cast<std::size_t>(o * in + j)]);
              }
              ASSERT_NEAR(static_cast<double>(y[static_cast<std::size_t>(i * out + o)]), sum, 2e-5)
                  << n << " " << in << " " << out;
            }
          }
        }
      }
    }
  }
}

TEST(Kernels, LayerNormHandWorked) {
  const std::vector<float> x = {1, 3};
  const std::vector<float> weight = {2, 2};
  const std::vector<float> bias = {1, 1};
  std::vector<float> y(2);
  layer_norm(x.data(), 2, weight.data(), bias.data(), y.data());  // mean 2, variance 1
  EXPECT_NEAR(y[0], -1, 1e-4);
  EXPECT_NEAR(y[1], 3, 1e-4);
}

TEST(Kernels, FindsEveryKindOfNonFiniteNumber) {
  std::vector<float> values(37, 1.0F);
  EXPECT_TRUE(all_finite(values.data(), 37));
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    values[36] = bad;
    EXPECT_FALSE(all_finite(values.data(), 37));
    EXPECT_TRUE(all_finite(values.data(), 36));
  }
}

}  // namespace
}  // namespace hardy::predict
