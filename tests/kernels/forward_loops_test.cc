// The loops of the prediction runtime against double precision.
#include "kernels/forward_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "kernels/panels.h"

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

TEST(Kernels, AnLstmStepIsThatOfDoublePrecision) {
  constexpr std::int64_t kUnits = 19;
  std::vector<float> gates;
  for (std::int64_t i = 0; i < 4 * kUnits; ++i) {
    gates.push_back(static_cast<float>(i % 13 - 6) * (i % 7 == 0 ? 30.0F : 0.7F));
  }
  std::vector<float> cell(kUnits, 0.75F);
  std::vector<float> hidden(kUnits);
  lstm_step(gates.data(), kUnits, cell.data(), hidden.data());
  const auto gate = [&](std::int64_t of, std::int64_t j) {
    return static_cast<double>(gates[static_cast<std::size_t>(of * kUnits + j)]);
  };
  const auto share = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (std::int64_t j = 0; j < kUnits; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const double c = share(gate(0, j)) * std::tanh(gate(2, j)) + share(gate(1, j)) * 0.75;
    EXPECT_NEAR(cell[at], c, 1e-6) << j;
    EXPECT_NEAR(hidden[at], share(gate(3, j)) * std::tanh(c), 1e-6) << j;
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

constexpr Instructions kEveryWay[] = {Instructions::kAvx512, Instructions::kAvx2,
                                      Instructions::kPlain};

/// A random weight matrix [out, in], plain and in panels of a kernel.
struct Weights {
  std::vector<float> plain;
  std::vector<float> packed;
  PanelView panels;

  Weights(std::int64_t in, std::int64_t out, Instructions way)
      : plain(drawn(static_cast<std::size_t>(out * in), 2)),
        // Entries that pack does not write would be visible.
        packed(static_cast<std::size_t>(packed_size(in, out, panel_width(way))),
               std::numeric_limits<float>::quiet_NaN()),
        panels(pack({plain.data(), in}, in, out, 1.0F, packed.data(), panel_width(way))) {}
};

/// Packs a matrix [out, in] by rows and by columns and checks every entry.
void expect_places(Instructions way, std::int64_t in, std::int64_t out) {
  const std::int64_t width = panel_width(way);
  const Weights weights(in, out, way);
  std::vector<float> turned(weights.plain.size());
  for (std::int64_t o = 0; o < (out + width - 1) / width * width; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      const auto place = static_cast<std::size_t>((o / width * in + i) * width + o % width);
      const float expected = o < out ? weights.plain[static_cast<std::size_t>(o * in + i)] : 0.0F;
      ASSERT_EQ(weights.packed[place], expected) << in << ' ' << out;
      if (o < out) turned[static_cast<std::size_t>(i * out + o)] = expected;
    }
  }
  std::vector<float> by_columns(weights.packed.size(), std::numeric_limits<float>::quiet_NaN());
  const auto panels = pack_columns({turned.data(), out}, in, out, by_columns.data(), width);
  EXPECT_EQ(by_columns, weights.packed);
  EXPECT_EQ(panels.data, by_columns.data());
}

TEST(Panels, EveryWeightHasOnePlaceAndTheRestIsZero) {
  for (const auto way : kEveryWay) {
    for (const std::int64_t in : {1, 4, 7}) {
      for (const std::int64_t out : {1, 16, 32, 35}) expect_places(way, in, out);
    }
  }
}

TEST(Panels, AScaleGoesIntoTheWeights) {
  const std::vector<float> plain = {1, 2, 3};
  std::vector<float> packed(static_cast<std::size_t>(packed_size(3, 1)));
  (void)pack({plain.data(), 3}, 3, 1, 0.5F, packed.data());
  EXPECT_EQ(packed[0], 0.5F);
  EXPECT_EQ(packed[static_cast<std::size_t>(2 * panel_width())], 1.5F);
}

TEST(Panels, ARowGetsTheSameBytesAloneAndAmongOthers) {
  constexpr std::int64_t kIn = 83;
  constexpr std::int64_t kOut = 110;
  constexpr std::int64_t kRows = 135;
  const auto x = drawn(kRows * kIn, 1);
  const auto b = drawn(kOut, 3);
  for (const auto way : kEveryWay) {
    if (!has(way)) continue;
    const Weights weights(kIn, kOut, way);
    for (const std::int64_t rows : {2, 7, 13, 35, 135}) {
      std::vector<float> together(static_cast<std::size_t>(rows * kOut));
      multiply_with(way, {x.data(), kIn}, rows, weights.panels, b.data(), {together.data(), kOut},
                    false);
      for (std::int64_t i = 0; i < rows; ++i) {
        std::vector<float> alone(kOut);
        multiply_with(way, {x.data() + i * kIn, kIn}, 1, weights.panels, b.data(),
                      {alone.data(), kOut}, false);
        for (std::size_t o = 0; o < alone.size(); ++o) {
          ASSERT_EQ(alone[o], together[static_cast<std::size_t>(i * kOut) + o]) << i << ' ' << o;
        }
      }
    }
  }
}

TEST(Panels, Avx512AndAvx2GiveTheSameBytes) {
  if (!has(Instructions::kAvx512)) GTEST_SKIP() << "this machine has no AVX-512";
  const auto x = drawn(std::size_t{35} * 100, 1);
  std::vector<float> wide(std::size_t{35} * 70);
  std::vector<float> narrow(wide.size());
  multiply_with(Instructions::kAvx512, {x.data(), 100}, 35,
                Weights(100, 70, Instructions::kAvx512).panels, nullptr, {wide.data(), 70}, false);
  multiply_with(Instructions::kAvx2, {x.data(), 100}, 35,
                Weights(100, 70, Instructions::kAvx2).panels, nullptr, {narrow.data(), 70}, false);
  EXPECT_EQ(wide, narrow);
}

/// Expects the product in double precision, and no write outside y.
void expect_product(Instructions way, std::int64_t n, std::int64_t in, std::int64_t out,
                    bool has_bias, bool accumulates) {
  const auto x = drawn(static_cast<std::size_t>(n * in), 1);
  const auto b = drawn(static_cast<std::size_t>(out), 3);
  const Weights weights(in, out, way);
  const std::int64_t stride = out + 3;
  std::vector<float> y(static_cast<std::size_t>(n * stride), 0.5F);
  multiply_with(way, {x.data(), in}, n, weights.panels, has_bias ? b.data() : nullptr,
                {y.data(), stride}, accumulates);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t o = 0; o < stride; ++o) {
      double sum = accumulates || o >= out ? 0.5 : 0.0;
      if (has_bias && o < out) sum += static_cast<double>(b[static_cast<std::size_t>(o)]);
      for (std::int64_t j = 0; j < in && o < out; ++j) {
        sum += static_cast<double>(x[static_cast<std::size_t>(i * in + j)]) *
               static_cast<double>(weights.plain[static_cast<std::size_t>(o * in + j)]);
      }
      ASSERT_NEAR(static_cast<double>(y[static_cast<std::size_t>(i * stride + o)]), sum, 2e-5)
          << "way " << static_cast<int>(way) << ": " << n << " " << in << " " << out;
    }
  }
}

TEST(Panels, AgreeWithDoublePrecisionForEverySizeAndWay) {
  for (const auto way : kEveryWay) {
    if (!has(way)) continue;
    for (const std::int64_t n : {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 26, 100}) {
      for (const std::int64_t in : {1, 15, 16, 17, 100}) {
        for (const std::int64_t out : {1, 3, 16, 17, 33, 64, 70}) {
          expect_product(way, n, in, out, true, false);
          expect_product(way, n, in, out, true, true);
          expect_product(way, n, in, out, false, false);
        }
      }
    }
  }
}

TEST(Kernels, SoftmaxAndLayerNormReadEveryNumberOfARow) {
  for (const std::int64_t count : {1, 15, 16, 17, 35, 64}) {
    const auto size = static_cast<std::size_t>(count);
    const auto x = drawn(size, 5);
    std::vector<float> shares = x;
    softmax(shares.data(), count, 1);
    double sum = 0;
    double squares = 0;
    double exponentials = 0;
    for (const float value : x) {
      sum += static_cast<double>(value);
      exponentials += std::exp(static_cast<double>(value));
    }
    const double mean = sum / static_cast<double>(count);
    for (const float value : x) squares += std::pow(static_cast<double>(value) - mean, 2);
    const std::vector<float> ones(size, 1.0F);
    const std::vector<float> zeros(size, 0.0F);
    std::vector<float> y(size);
    layer_norm(x.data(), count, ones.data(), zeros.data(), y.data());
    for (std::size_t j = 0; j < size; ++j) {
      const auto value = static_cast<double>(x[j]);
      ASSERT_NEAR(shares[j], std::exp(value) / exponentials, 1e-6) << count;
      ASSERT_NEAR(y[j], (value - mean) / std::sqrt(squares / static_cast<double>(count) + 1e-5),
                  1e-5)
          << count;
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

TEST(Kernels, StandardisesBetweenLimits) {
  const std::vector<float> x = {1, 5, -7, 3e38F};
  const std::vector<float> mean = {1, 1, 1, 0};
  const std::vector<float> deviation = {2, 2, 2, 0.25F};
  const std::vector<float> lowest = {-1, -1, -1, -1};
  const std::vector<float> highest = {1.5F, 1.5F, 1.5F, 1.5F};
  std::vector<float> y(4);
  const ScalingView unlimited = {mean.data(), deviation.data(), nullptr, nullptr};
  EXPECT_EQ(standardise(x.data(), unlimited, 3, y.data()), 0);
  EXPECT_EQ(y, (std::vector<float>{0, 2, -4, 0}));
  const ScalingView limited = {mean.data(), deviation.data(), lowest.data(), highest.data()};
  EXPECT_EQ(standardise(x.data(), limited, 4, y.data()), 3);
  EXPECT_EQ(y, (std::vector<float>{0, 1.5F, -1, 1.5F}));
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
