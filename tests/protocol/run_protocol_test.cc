// The main job end to end on small synthetic corpora: bytes, resumption, patterns, leaks.
#include "protocol/run_protocol.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/files.h"
#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/train_recogniser.h"
#include "nn/numerics.h"
#include "protocol/model_file.h"
#include "support/temp_dir.h"
#include "support/tiny_experiment.h"

namespace hardy {
namespace {

ProtocolRequest request_in(const std::filesystem::path& folder, const Config& config) {
  ProtocolRequest request;
  request.config = config;
  request.folder = folder;
  return request;
}

/// Contents of the files that equal runs share byte by byte.
std::map<std::string, std::string> bytes_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const auto name = std::filesystem::relative(entry.path(), folder).string();
    if (!entry.is_regular_file() || name == "timings.json" || name.starts_with("stages")) continue;
    files[name] = read_text_file(entry.path());
  }
  return files;
}

TEST(RunProtocol, SameSeedGivesTheSameBytesWhateverTheJobs) {
  const test::TempDir dir;
  const Corpus corpus = test::tiny_corpus(3);
  NoProgress quiet;
  Config config = test::tiny_config();
  config.run.jobs = 1;
  run_protocol(request_in(dir.path() / "one", config), corpus, quiet);
  config.run.jobs = 3;
  run_protocol(request_in(dir.path() / "three", config), corpus, quiet);
  const auto one = bytes_of(dir.path() / "one");
  EXPECT_GE(one.size(), 8U);
  EXPECT_EQ(one, bytes_of(dir.path() / "three"));
}

TEST(RunProtocol, AnInterruptedRunResumesToTheSameBytes) {
  const test::TempDir dir;
  const Corpus corpus = test::tiny_corpus(2);
  NoProgress quiet;
  run_protocol(request_in(dir.path() / "whole", test::tiny_config()), corpus, quiet);

  /// Requests a stop after a number of progress reports.
  class Stopper final : public Progress {
   public:
    Stopper(std::atomic<bool>& stop, int reports) : stop_(stop), left_(reports) {}

    void start(const std::string& /*phase*/) override {}

    void update(double /*done*/, double /*total*/, const std::string& /*current*/) override {
      if (--left_ <= 0) stop_ = true;
    }

    void note(const std::string& /*line*/) override {}

    void finish() override {}

   private:
    std::atomic<bool>& stop_;
    std::atomic<int> left_;
  };

  int interruptions = 0;
  for (int reports = 3; reports < 400; reports += 12) {
    std::atomic<bool> stop{false};
    Stopper stopper(stop, reports);
    auto request = request_in(dir.path() / "parts", test::tiny_config());
    request.stop = &stop;
    try {
      run_protocol(request, corpus, stopper);
      break;
    } catch (const Interrupted&) {
      ++interruptions;
      EXPECT_FALSE(std::filesystem::exists(dir.path() / "parts" / "results.json"));
    }
  }
  EXPECT_GE(interruptions, 2);
  run_protocol(request_in(dir.path() / "parts", test::tiny_config()), corpus, quiet);
  EXPECT_EQ(bytes_of(dir.path() / "whole"), bytes_of(dir.path() / "parts"));
}

TEST(RunProtocol, WorksWithTwoAndWithSixModalities) {
  for (const int modalities : {2, 6}) {
    const test::TempDir dir;
    NoProgress quiet;
    Config config = test::tiny_config();
    config.protocol.tracks = Tracks::kUnified;
    config.protocol.conditions = "all";
    const auto result =
        run_protocol(request_in(dir.path() / "run", config), test::tiny_corpus(modalities), quiet);
    EXPECT_EQ(result.results.conditions.size(), (1U << modalities) - 1U);
    for (const auto& score : result.results.scores) EXPECT_GT(score.utterances, 0);
  }
}

TEST(RunProtocol, WorksWhenModalitiesAreReallyMissing) {
  const test::TempDir dir;
  NoProgress quiet;
  const auto result = run_protocol(request_in(dir.path() / "run", test::tiny_config()),
                                   test::tiny_corpus(3, 0.3), quiet);
  EXPECT_FALSE(result.results.scores.empty());
}

/// The contents of a model file without its scores on the test part.
std::pair<std::map<std::string, std::vector<std::byte>>, std::string> without_test_scores(
    const std::filesystem::path& model) {
  const TensorFile file = load_tensor_file(model);
  const TensorFileView view = view_of(file);
  std::map<std::string, std::vector<std::byte>> arrays;
  for (const auto& [name, array] : view.arrays) {
    arrays[name].assign(array.bytes.begin(), array.bytes.end());
  }
  auto about = nlohmann::json::parse(file.text("hardy.model"));
  auto scores = nlohmann::json::array();
  for (const auto& score : about.at("scores")) {
    if (score.at("part") == "validation") scores.push_back(score);
  }
  about["scores"] = scores;
  return {arrays, about.dump() + file.text("hardy.config")};
}

TEST(RunProtocol, TestLabelsInfluenceNothingButTheFinalNumbers) {
  const test::TempDir dir;
  NoProgress quiet;
  Corpus corpus = test::tiny_corpus(2);
  Config config = test::tiny_config();
  auto request = request_in(dir.path() / "true", config);
  request.only_fold = 0;
  run_protocol(request, corpus, quiet);
  // Shifts every label of the test session; the checksum is kept so that nothing else changes.
  for (auto& utterance : corpus.utterances) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)];
    if (dialogue.group == "Ses01") {
      utterance.label = static_cast<float>((static_cast<int>(utterance.label) + 1) % 4);
    }
  }
  request.folder = dir.path() / "shifted";
  run_protocol(request, corpus, quiet);
  const auto honest = bytes_of(dir.path() / "true");
  const auto shifted = bytes_of(dir.path() / "shifted");
  int models = 0;
  for (const auto& [name, bytes] : honest) {
    if (!name.starts_with("models")) continue;
    ++models;
    EXPECT_TRUE(without_test_scores(dir.path() / "true" / name) ==
                without_test_scores(dir.path() / "shifted" / name))
        << name;
  }
  EXPECT_GT(models, 0);
  EXPECT_EQ(honest.at("hardness.csv"), shifted.at("hardness.csv"));
  EXPECT_EQ(honest.at("supports.csv"), shifted.at("supports.csv"));
  EXPECT_EQ(honest.at("curves.csv"), shifted.at("curves.csv"));
  EXPECT_NE(honest.at("results.csv"), shifted.at("results.csv"));
}

TEST(RunProtocol, AMaskedEvaluationIgnoresWhatTheAbsentModalityStores) {
  const test::TempDir dir;
  NoProgress quiet;
  Corpus corpus = test::tiny_corpus(3);
  auto request = request_in(dir.path() / "run", test::tiny_config());
  request.only_fold = 0;
  run_protocol(request, corpus, quiet);
  const auto before = evaluate_models(dir.path() / "run", corpus, "a", quiet);
  // Replaces the second modality everywhere; the checksum is kept so that the test part stays the
  // same.
  for (auto& value : corpus.modalities[1].features) value = 1e6F;
  const auto after = evaluate_models(dir.path() / "run", corpus, "a", quiet);
  ASSERT_EQ(before.scores.size(), after.scores.size());
  int compared = 0;
  for (std::size_t i = 0; i < before.scores.size(); ++i) {
    if (before.scores[i].condition.pattern.has(1)) continue;
    EXPECT_EQ(before.scores[i].confusion, after.scores[i].confusion);
    ++compared;
  }
  EXPECT_GE(compared, 3);
}

TEST(RunProtocol, EvaluatingStoredModelsGivesTheRunsOwnNumbers) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  const auto result =
      run_protocol(request_in(dir.path() / "run", test::tiny_config()), corpus, quiet);
  const auto again = evaluate_models(dir.path() / "run", corpus, "", quiet);
  EXPECT_EQ(results_csv(result.results), results_csv(again));
}

TEST(RunProtocol, ADamagedModelIsRefusedByName) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  auto request = request_in(dir.path() / "run", test::tiny_config());
  request.only_fold = 0;
  run_protocol(request, corpus, quiet);
  const auto file = dir.path() / "run" / "models" / "unified-fold0-seed1.safetensors";
  auto bytes = read_text_file(file);
  bytes.resize(bytes.size() / 2);
  write_file_atomically(file, bytes);
  try {
    evaluate_models(file, corpus, "", quiet);
    FAIL() << "must refuse a truncated model";
  } catch (const ArtifactError& error) {
    EXPECT_NE(std::string(error.what()).find("unified-fold0-seed1"), std::string::npos);
  }
}

TEST(RunProtocol, OneModalityIsRefusedBeforeItStarts) {
  const test::TempDir dir;
  NoProgress quiet;
  Corpus corpus = test::tiny_corpus(2);
  corpus.modalities.pop_back();
  EXPECT_THROW(run_protocol(request_in(dir.path() / "run", test::tiny_config()), corpus, quiet),
               DataError);
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "run"));
}

TEST(RunProtocol, AMissingGpuIsRefusedAndLeavesNothingBehind) {
  if (at::hasCUDA()) GTEST_SKIP() << "this machine has a GPU";
  const test::TempDir dir;
  NoProgress quiet;
  Config config = test::tiny_config();
  config.run.device = "cuda";
  EXPECT_THROW(run_protocol(request_in(dir.path() / "run", config), test::tiny_corpus(2), quiet),
               ConfigError);
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "run"));
}

TEST(RunProtocol, KLargerThanTheDatabaseAndSlotsWork) {
  const test::TempDir dir;
  NoProgress quiet;
  Config config = test::tiny_config();
  hardymer_settings(config).retrieval.k = 100;
  hardymer_settings(config).retrieval.supports = SupportUse::kSlots;
  hardymer_settings(config).recogniser.pattern_epochs = 1;
  config.protocol.tracks = Tracks::kUnified;
  auto request = request_in(dir.path() / "run", config);
  request.only_fold = 0;
  EXPECT_NO_THROW(run_protocol(request, test::tiny_corpus(2), quiet));
}

TEST(RunProtocol, ValidationResultsLieBesideTheTestOnes) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  const auto result =
      run_protocol(request_in(dir.path() / "run", test::tiny_config()), corpus, quiet);
  const auto file = dir.path() / "run" / "validation.json";
  const auto stored = parse_results(read_text_file(file), "validation.json");
  ASSERT_EQ(stored.scores.size(), result.results.scores.size());
  EXPECT_EQ(results_json(stored), results_json(result.validation));
  std::int64_t held_out = 0;
  for (const auto& score : stored.scores) held_out += score.utterances;
  EXPECT_GT(held_out, 0);
}

TEST(RunProtocol, SelectionByAccuracyKeepsAnEpochThatIsNoWorseOnValidation) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  Config config = test::tiny_config();
  hardymer_settings(config).recogniser.pattern_epochs = 12;
  hardymer_settings(config).recogniser.optimiser.learning_rate =
      0.02;  // far from smooth: epochs differ
  const auto mean_wa = [](const Results& results) {
    double total = 0;
    for (const auto& score : results.scores) total += score.metrics.front().value;
    return total / static_cast<double>(results.scores.size());
  };
  config.protocol.tracks = Tracks::kSpecialist;
  const auto by_loss = run_protocol(request_in(dir.path() / "loss", config), corpus, quiet);
  config.protocol.selection = Selection::kWa;
  const auto by_wa = run_protocol(request_in(dir.path() / "wa", config), corpus, quiet);
  ASSERT_EQ(by_wa.validation.scores.front().metrics.front().name, "wa");
  EXPECT_GT(mean_wa(by_wa.validation), mean_wa(by_loss.validation));
}

TEST(Device, IsRefusedInWordsWhereItIsNotBuilt) {
  if (HARDY_HAS_CUDA != 0) GTEST_SKIP() << "built with CUDA";
  Config config = test::tiny_config();
  EXPECT_EQ(protocol_device(config), at::Device(at::kCPU));
  EXPECT_EQ(device_class("cpu"), "cpu");
  config.run.device = "cuda";
  const test::TempDir folder;
  const auto corpus = test::tiny_corpus(2);
  NoProgress quiet;
  try {
    run_protocol(request_in(folder.path() / "run", config), corpus, quiet);
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("built without CUDA"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "run"));
}

}  // namespace
}  // namespace hardy
