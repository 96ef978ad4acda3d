// Reading a corpus in the public layout with a warm page cache; HARDY_BENCH_TREE names the folder
// (bench/compare writes one of IEMOCAP-4's size).
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "hardy/load.h"

namespace hardy::bench {
namespace {

void load_tree(benchmark::State& state) {
  const char* folder = std::getenv("HARDY_BENCH_TREE");
  if (folder == nullptr) {
    state.SkipWithError("HARDY_BENCH_TREE names no folder");
    return;
  }
  DataConfig config;
  config.path = folder;
  std::int64_t utterances = 0;
  for (auto _ : state) utterances = load_corpus(config, static_cast<int>(state.range(0))).size();
  state.counters["utterances"] = static_cast<double>(utterances);
}

BENCHMARK(load_tree)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace hardy::bench
