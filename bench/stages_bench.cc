// The stages of a fold, at the widths of IEMOCAP.
#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <memory>

#include "bench/widths.h"
#include "hardy/split.h"
#include "methods/hardymer/estimate_hardness.h"
#include "methods/hardymer/neighbours.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/train_recogniser.h"
#include "methods/hardymer/tune_features.h"

namespace hardy::bench {
namespace {

/// The first fold of five sessions of 16 dialogues.
const FoldData& fold() {
  static const FoldData data = [] {
    const Corpus& corpus = iemocap_like(5);
    const auto folds = make_folds(corpus, ProtocolConfig{});
    return make_fold_data(corpus, make_feature_table(corpus, at::kCPU), folds.front(),
                          std::make_shared<Objective>(corpus, at::kCPU));
  }();
  return data;
}

StageServices services() {
  StageServices result;
  result.seeds = Seeds(1);
  return result;
}

void note_size(benchmark::State& state) {
  state.counters["utterances"] = static_cast<double>(fold().train.size());
}

void scaling(benchmark::State& state) {
  const auto table = make_feature_table(*fold().corpus, at::kCPU);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        make_fold_data(*fold().corpus, table, fold().fold, fold().objective).table.features);
  }
  note_size(state);
}

void tuning_epoch(benchmark::State& state) {
  TuningConfig config = hardymer_settings(make_preset("published")).tuning;
  config.epochs = 1;
  for (auto _ : state) benchmark::DoNotOptimize(tune_features(fold(), config, services()));
  note_size(state);
}

/// One epoch of each stage and the measurement under the seven patterns.
void hardness_epochs(benchmark::State& state) {
  HardnessConfig config = hardymer_settings(make_preset("published")).hardness;
  config.complete_epochs = 1;
  config.pattern_epochs = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(estimate_hardness(fold(), config, all_patterns(3), services()));
  }
  note_size(state);
}

void neighbours(benchmark::State& state) {
  std::vector<std::vector<float>> rows;
  std::vector<DatabaseView> views;
  for (const auto& features : fold().table.features) {
    rows.push_back(to_floats(features.index_select(0, index_tensor(fold().train, at::kCPU))));
  }
  for (std::size_t m = 0; m < rows.size(); ++m) {
    views.push_back({rows[m], fold().table.features[m].size(1), Metric::kL2});
  }
  for (auto _ : state) {
    const NeighbourSearch search(views, std::vector<Pattern>(fold().train.size(), Pattern(7)), 5);
    for (const auto pattern : all_patterns(3)) {
      benchmark::DoNotOptimize(search.neighbours(pattern).ids);
    }
  }
  note_size(state);
}

/// One epoch of the recogniser's second stage under a pattern, without supports.
void recogniser_epoch(benchmark::State& state) {
  Config config = make_preset("published");
  hardymer_settings(config).retrieval.supports = SupportUse::kNone;
  hardymer_settings(config).recogniser.complete_epochs = 0;
  hardymer_settings(config).recogniser.pattern_epochs = 1;
  static const TensorFile start =
      pretrain_recogniser(fold(), hardymer_settings(config).recogniser, services());
  const CurriculumPlan plan{{Pattern(static_cast<std::uint32_t>(state.range(0)))}, {}};
  for (auto _ : state) {
    benchmark::DoNotOptimize(train_recogniser(fold(), config, start, plan, services()).curve);
  }
  note_size(state);
}

BENCHMARK(scaling)->Unit(benchmark::kMillisecond);
BENCHMARK(tuning_epoch)->Unit(benchmark::kMillisecond)->Iterations(2);
BENCHMARK(hardness_epochs)->Unit(benchmark::kMillisecond)->Iterations(2);
BENCHMARK(neighbours)->Unit(benchmark::kMillisecond);
BENCHMARK(recogniser_epoch)->Arg(7)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
}  // namespace hardy::bench
