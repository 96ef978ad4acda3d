// One training step and one prediction at IEMOCAP's widths, as in bench/reference.py.
#include <benchmark/benchmark.h>
#include <torch/types.h>

#include "bench/widths.h"
#include "methods/hardymer/hardness_module.h"
#include "nn/adam.h"
#include "train/objective.h"

namespace hardy::bench {
namespace {

/// Module, optimiser and data of one step.
struct Bench {
  Bench()
      : corpus(iemocap_like(2)),
        table(make_feature_table(corpus, at::kCPU)),
        objective(corpus, at::kCPU),
        options(published_backbone(corpus)),
        module(options, parameters, generator),
        adam(parameters, {.learning_rate = 1e-4, .weight_decay = 1e-5}) {}

  BatchPlan plan(Pattern pattern) const {
    BatchPlan result;
    for (const auto d : first_dialogues()) result.add_dialogue(corpus, table, d, pattern);
    return result;
  }

  void update(const at::Tensor& loss) {
    parameters.clear_gradients();
    loss.backward();
    adam.step();
  }

  const Corpus& corpus;
  FeatureTable table;
  Objective objective;
  BackboneOptions options;
  ParameterSet parameters;
  Generator generator{1};
  HardnessModule module;
  Adam adam;
};

void report(benchmark::State& state, const Batch& batch, double operations) {
  state.counters["utterances"] = static_cast<double>(batch.rows);
  state.counters["GFLOP/s"] =
      benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

/// Forward, loss (classes and reconstruction of every modality), backward, Adam; `range(0)` is the
/// pattern's bits.
void training_step(benchmark::State& state) {
  Bench bench;
  const auto plan = bench.plan(Pattern(static_cast<std::uint32_t>(state.range(0))));
  std::uint64_t key = 0;
  Batch batch;
  for (auto _ : state) {
    batch = make_batch(bench.table, plan);
    DropoutStream dropout(++key);
    const Backbone& backbone = bench.module.backbone();
    const auto fused = backbone.fuse(batch, backbone.encode(batch, dropout), dropout);
    auto loss = bench.objective.loss(backbone.classify(fused),
                                     bench.objective.targets(batch.utterances), {});
    std::vector<std::vector<std::int64_t>> rows;
    for (int m = 0; m < bench.table.modality_count(); ++m) {
      rows.push_back(rows_with_target(bench.table, plan, m, true));
    }
    const auto rebuilt = backbone.reconstruct(fused, rows);
    const auto weights = at::full({batch.rows}, 1.0 / static_cast<double>(batch.rows));
    for (std::size_t m = 0; m < rebuilt.size(); ++m) {
      const auto truth = bench.table.features[m].index_select(0, batch.utterances);
      loss = loss + weighted_squared_error(rebuilt[m], truth, weights);
    }
    bench.update(loss);
  }
  report(state, batch, step_operations(bench.options, batch, true));
}

/// A step of the hardness estimator's first stage: modality heads and pseudo mutual information.
void hardness_step(benchmark::State& state) {
  Bench bench;
  const auto plan = bench.plan(Pattern::complete(3));
  std::uint64_t key = 0;
  Batch batch;
  for (auto _ : state) {
    batch = make_batch(bench.table, plan);
    DropoutStream dropout(++key);
    const auto encoded = bench.module.backbone().encode(batch, dropout);
    const auto targets = bench.objective.targets(batch.utterances);
    auto loss = at::zeros({});
    for (int m = 0; m < 3; ++m) {
      loss = loss + bench.objective.loss(bench.module.backbone().classify_modality(
                                             m, encoded.z[static_cast<std::size_t>(m)]),
                                         targets, {});
    }
    for (const auto& pair : bench.module.pair_information(batch, encoded, dropout)) {
      loss = loss - 0.001 / 3 * pair.information.mean();
    }
    bench.update(loss);
  }
  state.counters["utterances"] = static_cast<double>(batch.rows);
}

/// `range(0)` utterances of one dialogue, all modalities, with the training module.
void predict_trained(benchmark::State& state) {
  at::NoGradGuard no_gradient;
  const Bench bench;
  BatchPlan plan;
  for (std::int64_t i = 0; i < state.range(0); ++i) plan.rows.push_back({i, i, 0, Pattern(7)});
  plan.close_dialogue();
  for (auto _ : state) {
    const Batch batch = make_batch(bench.table, plan);
    DropoutStream off;
    const Backbone& backbone = bench.module.backbone();
    benchmark::DoNotOptimize(
        backbone.classify(backbone.fuse(batch, backbone.encode(batch, off), off)));
  }
}

BENCHMARK(training_step)->Arg(7)->Arg(3)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(hardness_step)->Unit(benchmark::kMillisecond);
BENCHMARK(predict_trained)->Arg(1)->Arg(35)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace hardy::bench
