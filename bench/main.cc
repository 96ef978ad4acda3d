// Google Benchmark's main, with the one thread that a worker has.
#include <benchmark/benchmark.h>

#include "nn/threads.h"

int main(int argc, char** argv) {
  hardy::keep_freed_memory();
  hardy::use_one_thread();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
