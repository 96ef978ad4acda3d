// Upper bounds (sgemm) and the operations of a training step.
#include <benchmark/benchmark.h>
#include <torch/types.h>

#include "kernels/training_loops.h"
#include "nn/ops.h"

namespace hardy::bench {
namespace {

void count_operations(benchmark::State& state, double per_iteration) {
  state.counters["GFLOP/s"] =
      benchmark::Counter(per_iteration * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void sgemm_torch(benchmark::State& state) {
  const auto m = state.range(0);
  const auto k = state.range(1);
  const auto n = state.range(2);
  const auto a = at::randn({m, k});
  const auto b = at::randn({k, n});
  for (auto _ : state) benchmark::DoNotOptimize(at::mm(a, b));
  count_operations(state, 2.0 * static_cast<double>(m * k * n));
}

void sgemm_onednn(benchmark::State& state) {
  const auto m = state.range(0);
  const auto k = state.range(1);
  const auto n = state.range(2);
  const auto a = at::randn({m, k});
  const auto b = at::randn({k, n});
  auto c = at::empty({m, n});
  for (auto _ : state) {
    kernels::gemm({.m = m, .n = n, .k = k}, a.data_ptr<float>(), k, b.data_ptr<float>(), n,
                  c.data_ptr<float>(), n);
  }
  count_operations(state, 2.0 * static_cast<double>(m * k * n));
}

/// Forward and backward of a linear layer on the rows of a batch of dialogues.
void linear_step(benchmark::State& state) {
  const auto rows = state.range(0);
  const auto in = state.range(1);
  const auto out = state.range(2);
  const auto x = at::randn({rows, in}).requires_grad_(true);
  const auto weight = at::randn({out, in}).requires_grad_(true);
  const auto bias = at::randn({out}).requires_grad_(true);
  const auto slope = at::randn({rows, out});
  for (auto _ : state) {
    linear(x, weight, bias).backward(slope);
    x.mutable_grad().reset();
    weight.mutable_grad().reset();
    bias.mutable_grad().reset();
  }
  count_operations(state, 6.0 * static_cast<double>(rows * in * out));
}

/// Self-attention of 16 dialogues of `range(0)` utterances, forward and backward.
void attention_step(benchmark::State& state) {
  const auto length = state.range(0);
  constexpr std::int64_t kDialogues = 16;
  constexpr std::int64_t kWidth = 256;
  Segments segments;
  for (std::int64_t d = 0; d <= kDialogues; ++d) segments.offsets.push_back(d * length);
  const auto qkv = at::randn({kDialogues * length, 3 * kWidth}).requires_grad_(true);
  const auto slope = at::randn({kDialogues * length, kWidth});
  for (auto _ : state) {
    self_attention(qkv, segments, 2).backward(slope);
    qkv.mutable_grad().reset();
  }
}

BENCHMARK(sgemm_torch)->Args({512, 512, 512})->Args({1120, 1024, 1024});
BENCHMARK(sgemm_onednn)->Args({512, 512, 512})->Args({1120, 1024, 1024})->Args({586, 256, 768});
BENCHMARK(linear_step)->Args({586, 1024, 256})->Args({586, 256, 768})->Args({586, 1024, 1024});
BENCHMARK(attention_step)->Arg(36);

}  // namespace
}  // namespace hardy::bench
