#include "nn/ops.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "hardy/errors.h"
#include "kernels/training_loops.h"

namespace hardy {
namespace {

at::Tensor random_tensor(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Generator generator(seed);
  auto x = at::empty(shape, at::TensorOptions(at::kFloat));
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.data_ptr<float>()[i] = static_cast<float>(draw_normal(generator));
  }
  return x;
}

/// Runs `function` on copies of the inputs in the given type and returns output and gradients.
std::vector<at::Tensor> outputs_and_gradients(
    const std::vector<at::Tensor>& inputs,
    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& function,
    at::ScalarType type) {
  std::vector<at::Tensor> copies;
  for (const auto& input : inputs) copies.push_back(input.to(type).clone().requires_grad_(true));
  const auto y = function(copies);
  // A weighted sum, so that every output entry has a gradient of its own.
  const auto weights = random_tensor(y.sizes().vec(), 99).to(type);
  (y * weights).sum().backward();
  std::vector<at::Tensor> results = {y.detach().to(at::kFloat)};
  for (const auto& copy : copies) results.push_back(copy.grad().to(at::kFloat));
  return results;
}

/// The float32 kernel path must agree with the ATen path run in float64, values and gradients.
void expect_paths_agree(const std::vector<at::Tensor>& inputs,
                        const std::function<at::Tensor(const std::vector<at::Tensor>&)>& function) {
  const auto fast = outputs_and_gradients(inputs, function, at::kFloat);
  const auto exact = outputs_and_gradients(inputs, function, at::kDouble);
  for (std::size_t i = 0; i < fast.size(); ++i) {
    ASSERT_EQ(fast[i].sizes(), exact[i].sizes());
    EXPECT_LT((fast[i] - exact[i]).abs().max().item<float>(), 2e-5F) << "output or gradient " << i;
  }
}

Segments make_segments(std::vector<std::int64_t> lengths) {
  Segments segments;
  segments.offsets.push_back(0);
  for (const auto length : lengths) {
    for (std::int64_t i = 0; i < length; ++i) {
      segments.positions.push_back(i);
      segments.speakers.push_back(i % 3 == 0 ? 1 : 0);
    }
    segments.offsets.push_back(segments.offsets.back() + length);
  }
  return segments;
}

TEST(Linear, KernelAndGeneralPathAgree) {
  expect_paths_agree({random_tensor({7, 5}, 1), random_tensor({3, 5}, 2), random_tensor({3}, 3)},
                     [](const auto& in) { return linear(in[0], in[1], in[2]); });
  expect_paths_agree({random_tensor({7, 5}, 1), random_tensor({3, 5}, 2)},
                     [](const auto& in) { return linear(in[0], in[1], at::Tensor()); });
}

TEST(Linear, NoRowsGiveNoRowsAndZeroGradients) {
  const auto weight = random_tensor({3, 5}, 1).requires_grad_(true);
  const auto y = linear(random_tensor({0, 5}, 2), weight, at::Tensor());
  EXPECT_EQ(y.size(0), 0);
  y.sum().backward();
  EXPECT_EQ(weight.grad().abs().sum().item<float>(), 0.0F);
}

TEST(LinearOfBlocks, KernelAndGeneralPathAgree) {
  // Of five rows one block has all, one has three, one has none.
  expect_paths_agree({random_tensor({4, 9}, 40), random_tensor({4}, 41)}, [&](const auto& in) {
    const auto block = [&](std::int64_t width, std::vector<std::int64_t> rows) {
      const auto count = static_cast<std::int64_t>(rows.size());
      return InputBlock{random_tensor({count, width}, 42).to(in[0].scalar_type()), std::move(rows)};
    };
    return linear_of_blocks({block(3, {0, 1, 2, 3, 4}), block(4, {1, 2, 4}), block(2, {})}, 5,
                            in[0], in[1]);
  });
}

TEST(LinearOfBlocks, IsTheLinearLayerOfTheWideInput) {
  const auto weight = random_tensor({3, 5}, 43);
  const auto bias = random_tensor({3}, 44);
  const InputBlock all = {random_tensor({2, 2}, 45), {0, 1}};
  const InputBlock second = {random_tensor({1, 3}, 46), {1}};
  auto wide = at::zeros({2, 5});
  wide.narrow(1, 0, 2).copy_(all.x);
  wide.narrow(1, 2, 3).narrow(0, 1, 1).copy_(second.x);
  EXPECT_TRUE(at::allclose(linear_of_blocks({all, second}, 2, weight, bias),
                           at::linear(wide, weight, bias), 1e-5, 1e-6));
  EXPECT_TRUE(
      at::equal(linear_of_blocks({{at::zeros({0, 5}), {}}}, 2, weight, bias), bias.expand({2, 3})));
}

TEST(SelfAttention, KernelAndGeneralPathAgreeOnRaggedSegments) {
  const auto segments = make_segments({4, 1, 6, 0, 2});
  expect_paths_agree({random_tensor({13, 24}, 4)},
                     [&](const auto& in) { return self_attention(in[0], segments, 2); });
}

TEST(SelfAttention, RelationBiasAgreesAndLearns) {
  const auto segments = make_segments({5, 3});
  expect_paths_agree({random_tensor({8, 24}, 5), random_tensor({2, 10}, 6)}, [&](const auto& in) {
    RelationBias bias;
    bias.table = in[1];
    bias.reach = 2;
    bias.by_speaker = true;
    return self_attention(in[0], segments, 2, bias);
  });
}

TEST(SelfAttention, ASegmentOfOneReturnsItsValue) {
  const auto qkv = random_tensor({1, 12}, 7);
  const auto z = self_attention(qkv, make_segments({1}), 2);
  EXPECT_LT((z - qkv.narrow(1, 8, 4)).abs().max().item<float>(), 1e-6F);
}

TEST(SelfAttention, SegmentsDoNotSeeEachOther) {
  auto qkv = random_tensor({6, 12}, 8);
  const auto segments = make_segments({2, 4});
  const auto before = self_attention(qkv, segments, 2).narrow(0, 0, 2).clone();
  qkv.narrow(0, 2, 4).fill_(1e3);
  EXPECT_TRUE(at::equal(before, self_attention(qkv, segments, 2).narrow(0, 0, 2)));
}

TEST(CrossAttention, KernelAndGeneralPathAgreeAndQueriesWithoutKeysGetZeros) {
  const auto queries = make_segments({3, 2, 4});
  const auto keys = make_segments({2, 0, 5});
  expect_paths_agree({random_tensor({9, 8}, 9), random_tensor({7, 16}, 10)}, [&](const auto& in) {
    return cross_attention(in[0], in[1], queries, keys, 2);
  });
  const auto z =
      cross_attention(random_tensor({9, 8}, 9), random_tensor({7, 16}, 10), queries, keys, 2);
  EXPECT_EQ(z.narrow(0, 3, 2).abs().sum().item<float>(), 0.0F);
}

TEST(Lstm, KernelAndGeneralPathAgreeInBothDirections) {
  // Sequences of 5, 3, 3 and 1 rows: 4, 3, 3, 1, 1 rows per step.
  for (const bool runs_backwards : {false, true}) {
    expect_paths_agree({random_tensor({12, 4 * 17}, 20), random_tensor({4 * 17, 17}, 21)},
                       [&](const auto& in) {
                         return lstm(in[0], in[1] * 0.2, {4, 3, 3, 1, 1}, runs_backwards);
                       });
  }
}

/// PyTorch's own layer, which adds the biases elsewhere.
TEST(Lstm, AgreesWithLibtorch) {
  const std::vector<std::int64_t> sizes = {3, 2, 2};
  const auto x = random_tensor({7, 5}, 22);
  const auto start = at::zeros({2, 3, 4});
  std::vector<at::Tensor> parameters;
  for (std::uint64_t direction = 0; direction < 2; ++direction) {
    parameters.push_back(random_tensor({16, 5}, 30 + direction));
    parameters.push_back(random_tensor({16, 4}, 32 + direction));
    parameters.push_back(random_tensor({16}, 34 + direction));
    parameters.push_back(random_tensor({16}, 36 + direction));
  }
  const auto expected =
      std::get<0>(at::lstm(x, at::tensor(sizes, at::TensorOptions(at::kLong)), {start, start},
                           parameters, true, 1, 0.0, false, true));
  for (std::size_t direction = 0; direction < 2; ++direction) {
    const auto* own = parameters.data() + 4 * direction;
    const auto y = lstm(linear(x, own[0], own[2] + own[3]), own[1], sizes, direction == 1);
    EXPECT_TRUE(at::allclose(y, expected.narrow(1, static_cast<std::int64_t>(4 * direction), 4),
                             1e-5, 1e-6));
  }
}

TEST(Lstm, HandWorkedStep) {
  // i = o = 1/2 (logistic of 0), f has no effect, g = tanh(1): h = tanh(tanh(1) / 2) / 2.
  const auto gates = at::tensor(std::vector<float>{0, 7, 1, 0}).view({1, 4});
  const auto y = lstm(gates, at::zeros({4, 1}), {1}, false);
  EXPECT_NEAR(y.item<float>(), 0.5 * std::tanh(0.5 * std::tanh(1.0)), 1e-6);
}

TEST(Lstm, ExtremeGatesSaturateAndNoRowsGiveNone) {
  const auto gates = at::tensor(std::vector<float>{1e4F, -1e4F, -1e4F, 1e4F}).view({1, 4});
  EXPECT_NEAR(lstm(gates, at::zeros({4, 1}), {1}, true).item<float>(), -std::tanh(1.0), 1e-6);
  EXPECT_EQ(lstm(at::zeros({0, 8}), at::zeros({8, 2}), {}, false).size(0), 0);
}

TEST(RelationBias, EntriesCoverDistanceAndSpeaker) {
  RelationBias bias;
  bias.reach = 2;
  EXPECT_EQ(bias.entries(), 5);
  EXPECT_EQ(bias.entry(-9, false), 0);
  EXPECT_EQ(bias.entry(0, true), 2);
  EXPECT_EQ(bias.entry(9, false), 4);
  bias.by_speaker = true;
  EXPECT_EQ(bias.entries(), 10);
  EXPECT_EQ(bias.entry(0, true), 7);
  bias.reach = 0;
  EXPECT_EQ(bias.entries(), 2);
  EXPECT_EQ(bias.entry(5, false), 0);
  EXPECT_EQ(bias.entry(5, true), 1);
}

TEST(Dropout, IsTheIdentityOutsideTraining) {
  DropoutStream off;
  const auto x = random_tensor({5, 4}, 11);
  EXPECT_TRUE(at::equal(dropout(x, 0.5, off), x));
  EXPECT_TRUE(at::equal(relu_dropout(x, 0.5, off), at::relu(x)));
}

TEST(Dropout, KeepsTheMeanAndTheStatedShare) {
  DropoutStream stream(1);
  const auto y = dropout(at::ones({400, 500}), 0.3, stream);
  const double kept = (y > 0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(kept, 0.7, 0.005);  // five deviations of 200 000 draws
  EXPECT_NEAR(y.mean().item<double>(), 1.0, 0.0075);
}

TEST(Dropout, EveryLayerOfAPassAndEveryKeyDrawsItsOwnMask) {
  const auto ones = at::ones({1, 1000});
  DropoutStream first(1);
  const auto a = dropout(ones, 0.5, first);
  const auto b = dropout(ones, 0.5, first);
  DropoutStream again(1);
  EXPECT_TRUE(at::equal(a, dropout(ones, 0.5, again)));
  DropoutStream other(2);
  const auto c = dropout(ones, 0.5, other);
  for (const auto& mask : {b, c}) {
    const double agreement = (a == mask).to(at::kDouble).mean().item<double>();
    EXPECT_NEAR(agreement, 0.5, 0.08);
  }
}

TEST(Dropout, ActivationsAgreeWithTheGeneralPathUnderTheSameMask) {
  const auto run = [](auto operation) {
    return [operation](const std::vector<at::Tensor>& in) {
      DropoutStream stream(5);
      return operation(in[0], 0.4, stream);
    };
  };
  const std::vector<at::Tensor> in = {random_tensor({6, 9}, 12)};
  expect_paths_agree(in, run([](auto& x, double p, auto& s) { return dropout(x, p, s); }));
  expect_paths_agree(in, run([](auto& x, double p, auto& s) { return gelu_dropout(x, p, s); }));
  expect_paths_agree(in, run([](auto& x, double p, auto& s) { return relu_dropout(x, p, s); }));
}

TEST(WeightedSquaredError, MatchesHandWorkedValue) {
  const auto x = at::tensor({1.0F, 2.0F, 3.0F, 4.0F}).view({2, 2});
  const auto y = at::tensor({0.0F, 0.0F, 3.0F, 2.0F}).view({2, 2});
  const auto w = at::tensor({1.0F, 0.5F});
  // (1 * (1 + 4) + 0.5 * (0 + 4)) / 2 = 3.5
  EXPECT_FLOAT_EQ(weighted_squared_error(x, y, w).item<float>(), 3.5F);
}

TEST(WeightedSquaredError, KernelAndGeneralPathAgree) {
  const auto y = random_tensor({5, 37}, 14);
  const auto w = at::rand({5});
  expect_paths_agree({random_tensor({5, 37}, 13)}, [&](const auto& in) {
    return weighted_squared_error(in[0], y.to(in[0].scalar_type()), w.to(in[0].scalar_type()));
  });
}

TEST(SoftmaxEntropy, UniformRowHasEntropyLogD) {
  const auto h = softmax_entropy(at::zeros({1, 64}));
  EXPECT_NEAR(h.item<float>(), std::log(64.0), 1e-4);
}

TEST(SoftmaxEntropy, GradientMatchesFiniteDifferences) {
  const auto f = random_tensor({3, 8}, 15).to(at::kDouble).requires_grad_(true);
  softmax_entropy(f).sum().backward();
  const auto gradient = f.grad();
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 8; ++j) {
      auto up = f.detach().clone();
      auto down = f.detach().clone();
      up[i][j] += 1e-5;
      down[i][j] -= 1e-5;
      const double slope =
          (softmax_entropy(up).sum() - softmax_entropy(down).sum()).item<double>() / 2e-5;
      EXPECT_NEAR(gradient[i][j].item<double>(), slope, 1e-7);
    }
  }
}

TEST(Gemm, EmptyInnerDimensionGivesZeros) {
  std::vector<float> c(6, 5.0F);
  kernels::gemm({.m = 2, .n = 3, .k = 0}, nullptr, 1, nullptr, 1, c.data(), 3);
  EXPECT_EQ(c, std::vector<float>(6, 0.0F));
}

}  // namespace
}  // namespace hardy
