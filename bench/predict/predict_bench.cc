// Latency of the prediction runtime at IEMOCAP widths (512, 1024, 1024; hidden 256, depth 4, 2
// heads), one thread: bench/predict/compare prints it beside PyTorch.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "hardy/explain.h"
#include "hardy/stream.h"
#include "tests/support/random_bundle.h"

namespace hardy {
namespace {

constexpr std::int64_t kTurns = 35;

/// The encoder of the published targets, independent of the default settings.
EncoderConfig measured_encoder() {
  EncoderConfig encoder;
  encoder.hidden = 256;
  encoder.depth = 4;
  encoder.heads = 2;
  return encoder;
}

/// A model in the system's temporary folder, removed by the destructor.
struct TemporaryModel {
  std::filesystem::path file = std::filesystem::temp_directory_path() /
                               ("hardy-predict-bench-" + std::to_string(::getpid()));

  TemporaryModel() {
    auto info = test::bundle_info({512, 1024, 1024}, 4, measured_encoder());
    info.limits_features = true;
    save_tensor_file(file, test::random_bundle(info));
  }

  ~TemporaryModel() {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
};

const std::filesystem::path& bundle_file() {
  static const TemporaryModel model;
  return model.file;
}

const Recogniser& recogniser() {
  static const Recogniser loaded = Recogniser::load(bundle_file());
  return loaded;
}

const test::RandomUtterances& utterances(Pattern pattern) {
  static std::map<std::uint32_t, test::RandomUtterances> known;
  return known
      .try_emplace(pattern.bits(), recogniser().info(), static_cast<std::size_t>(kTurns), 1,
                   pattern)
      .first->second;
}

void utterance(benchmark::State& state) {
  const auto& data = utterances(Pattern(static_cast<std::uint32_t>(state.range(0))));
  Workspace workspace;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        recogniser().predict(std::span(data.views).first(1), workspace).labels[0]);
  }
}

void dialogue(benchmark::State& state) {
  const auto& data = utterances(Pattern(0b111));
  const auto turns = static_cast<std::size_t>(state.range(0));
  Workspace workspace;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        recogniser().predict(std::span(data.views).first(turns), workspace).labels[0]);
  }
}

/// Utterances of different dialogues in one pass, as in the service.
void batch(benchmark::State& state) {
  const auto& data = utterances(Pattern(0b111));
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<std::int64_t> offsets;
  for (std::size_t i = 0; i <= count; ++i) offsets.push_back(static_cast<std::int64_t>(i));
  Workspace workspace;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        recogniser().predict(std::span(data.views).first(count), offsets, workspace).labels[0]);
  }
}

/// The last turn of a growing dialogue.
void streamed_turn(benchmark::State& state) {
  const auto& data = utterances(Pattern(0b111));
  const auto turns = static_cast<std::size_t>(state.range(0));
  Workspace workspace;
  DialogueStream before(recogniser());
  for (std::size_t i = 0; i + 1 < turns; ++i) (void)before.add_turn(data.views[i], workspace);
  for (auto _ : state) {
    state.PauseTiming();
    DialogueStream stream = before;
    state.ResumeTiming();
    benchmark::DoNotOptimize(stream.add_turn(data.views[turns - 1], workspace).labels[0]);
  }
}

/// One utterance of a dialogue, with every subset of its modalities.
void explanation(benchmark::State& state) {
  const auto& data = utterances(Pattern(0b111));
  const auto turns = static_cast<std::size_t>(state.range(0));
  const Explainer explainer(recogniser());
  Workspace workspace;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        explainer.explain(std::span(data.views).first(turns), 0, workspace).baseline);
  }
}

void load(benchmark::State& state) {
  (void)bundle_file();
  for (auto _ : state) benchmark::DoNotOptimize(Recogniser::load(bundle_file()));
}

BENCHMARK(utterance)->Arg(0b111)->Arg(0b011)->Arg(0b001)->Unit(benchmark::kMicrosecond);
BENCHMARK(dialogue)->Arg(5)->Arg(35)->Unit(benchmark::kMicrosecond);
BENCHMARK(batch)->Arg(8)->Arg(32)->Unit(benchmark::kMicrosecond);
BENCHMARK(streamed_turn)->Arg(5)->Arg(35)->Unit(benchmark::kMicrosecond);
BENCHMARK(explanation)->Arg(1)->Arg(35)->Unit(benchmark::kMicrosecond);
BENCHMARK(load)->Unit(benchmark::kMicrosecond);

/// Time from the start of the process to the first prediction, and its memory: runs in a separate
/// process, `hardy_predict_bench --first MODEL`.
int predict_once(const char* file) {
  const auto loaded = Recogniser::load(file);
  const test::RandomUtterances data(loaded.info(), 1, 1, Pattern(0b111));
  Workspace workspace;
  (void)loaded.predict(data.views, workspace);
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmRSS") || line.starts_with("RssAnon")) std::printf("%s\n", line.c_str());
  }
  return 0;
}

}  // namespace
}  // namespace hardy

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--first") return hardy::predict_once(argv[2]);
  if (argc == 3 && std::string(argv[1]) == "--write") {
    std::filesystem::copy_file(hardy::bundle_file(), argv[2],
                               std::filesystem::copy_options::overwrite_existing);
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
