// Google Benchmark's main, with one thread as in a worker.
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
