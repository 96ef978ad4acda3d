// Recognisers of tuned features: training, storage, and all uses of models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "analysis/results_text.h"
#include "base/files.h"
#include "hardy/errors.h"
#include "hardy/recogniser.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/tune_features.h"
#include "methods/method.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"
#include "support/temp_dir.h"
#include "support/tiny_experiment.h"

namespace hardy {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

constexpr const char* kUnified = "unified-fold0-seed1.safetensors";

ProtocolResult run_in(const std::filesystem::path& folder, const Corpus& corpus,
                      const std::filesystem::path& cache = {},
                      FeatureKind input = FeatureKind::kTuned) {
  ProtocolRequest request;
  request.config = test::tiny_config();
  hardymer_settings(request.config).recogniser.input = input;
  request.config.protocol.conditions = "all";
  request.folder = folder;
  request.cache = cache;
  request.only_fold = 0;
  NoProgress quiet;
  return run_protocol(request, corpus, quiet);
}

std::map<std::string, std::string> models_of(const std::filesystem::path& run) {
  std::map<std::string, std::string> bytes;
  for (const auto& entry : std::filesystem::directory_iterator(run / "models")) {
    bytes[entry.path().filename().string()] = read_text_file(entry.path());
  }
  return bytes;
}

TEST(TunedInput, ModelsAreStoredAndEvaluateToTheRunsOwnNumbers) {
  const TempDir dir;
  const Corpus corpus = test::tiny_corpus(3);
  const auto result = run_in(dir / "run", corpus);
  ASSERT_EQ(models_of(dir / "run").size(), 8U);  // seven specialists and the unified model
  NoProgress quiet;
  EXPECT_EQ(results_csv(result.results),
            results_csv(evaluate_models(dir / "run", corpus, "", quiet)));
  const auto file = dir / "run" / "models" / kUnified;
  StoredModel model = load_model(file);
  ASSERT_TRUE(has_tuning_nets(model.file));
  EXPECT_EQ(model.file.shape("tuning.visual.adapter2.weight"), (std::vector<std::int64_t>{20, 20}));
  for (const auto& [name, array] : model.file.arrays) {
    EXPECT_EQ(name.find("head1"), std::string::npos) << "the head only teaches";
  }
}

/// Probabilities of the prediction runtime for a corpus's dialogues under one pattern.
std::vector<float> by_runtime(const std::filesystem::path& file, const Corpus& corpus,
                              const std::vector<std::int64_t>& dialogues, Pattern pattern) {
  const auto recogniser = Recogniser::load(file);
  const auto speakers = make_feature_table(corpus, at::kCPU).speakers;
  Workspace workspace;
  PredictOptions options;
  options.available = pattern;
  std::vector<float> all;
  for (const auto d : dialogues) {
    const Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(d)];
    std::vector<UtteranceView> views;
    for (auto u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
      UtteranceView view;
      for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
        if (corpus.present_pattern(u).has(static_cast<int>(m))) {
          view.features[m] = corpus.modalities[m].row(u).data();
        }
      }
      view.speaker = speakers[static_cast<std::size_t>(u)];
      views.push_back(view);
    }
    const auto predictions = recogniser.predict(views, workspace, options);
    all.insert(all.end(), predictions.raw_probabilities.begin(),
               predictions.raw_probabilities.end());
  }
  return all;
}

TEST(TunedInput, TheRuntimeGivesWhatTheTrainedModuleGivesUnderEveryPattern) {
  for (const int modalities : {2, 3, 4}) {
    const TempDir dir;
    const Corpus corpus = test::tiny_corpus(modalities);
    run_in(dir / "run", corpus);
    const auto file = dir / "run" / "models" / kUnified;
    const StoredModel model = load_model(file);
    FoldData data;
    data.corpus = &corpus;
    data.objective = std::make_shared<Objective>(corpus, at::kCPU);
    data.scaling = stored_scaling(model);
    data.table = apply_scaling(make_feature_table(corpus, at::kCPU), data.scaling);
    const auto plain = data;
    const Method& method = find_method("hardymer");
    data.table = method.stored_input(data, model.config, model.file);
    const auto& dialogues = model.info.test_dialogues;
    for (const auto pattern : all_patterns(modalities)) {
      const auto trained = method.predict(data, model.config, model.file, dialogues, pattern);
      const auto ours = by_runtime(file, corpus, dialogues, pattern);
      ASSERT_EQ(ours.size(), trained.size());
      for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], trained[i], 1e-5);
      EXPECT_NE(trained, method.predict(plain, model.config, model.file, dialogues, pattern))
          << "the nets change nothing";
    }
  }
}

TEST(TunedInput, EqualRunsStoreEqualBytes) {
  const TempDir dir;
  const Corpus corpus = test::tiny_corpus(2);
  run_in(dir / "one", corpus);
  run_in(dir / "two", corpus);
  EXPECT_EQ(models_of(dir / "one"), models_of(dir / "two"));
}

TEST(TunedInput, APlainModelHoldsNoNetAndSaysSo) {
  const TempDir dir;
  run_in(dir / "run", test::tiny_corpus(2), {}, FeatureKind::kPlain);
  const StoredModel model = load_model(dir / "run" / "models" / kUnified);
  EXPECT_FALSE(has_tuning_nets(model.file));
  EXPECT_THAT(model.file.text("hardy.model"), HasSubstr("\"input\":\"plain\""));
}

/// Rewrites every file of a folder whose arrays `change` modifies; returns their number.
int change_files(const std::filesystem::path& folder,
                 const std::function<bool(TensorFile&)>& change) {
  int changed = 0;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  for (const auto& path : files) {
    TensorFile file = load_tensor_file(path);
    if (!change(file)) continue;
    save_tensor_file(path, file);
    ++changed;
  }
  return changed;
}

TEST(TunedInput, ACacheWithoutTheNetsIsCompletedToTheSameModels) {
  const TempDir dir;
  const Corpus corpus = test::tiny_corpus(2);
  run_in(dir / "fresh", corpus, dir / "cache");
  const int changed = change_files(dir / "cache", [](TensorFile& file) {
    return std::erase_if(file.arrays,
                         [](const auto& entry) { return entry.first.starts_with("tuning."); }) > 0;
  });
  ASSERT_EQ(changed, 1);
  run_in(dir / "old", corpus, dir / "cache");
  EXPECT_EQ(models_of(dir / "fresh"), models_of(dir / "old"));
}

TEST(TunedInput, EvaluationRefusesMissingAndMisshapenNetsByName) {
  const TempDir dir;
  const Corpus corpus = test::tiny_corpus(2);
  run_in(dir / "run", corpus);
  const auto file = dir / "run" / "models" / kUnified;
  const TensorFile whole = load_tensor_file(file);
  const auto name = "tuning." + corpus.modalities[1].name + ".adapter2.bias";
  NoProgress quiet;
  const auto complaint = [&](const TensorFile& changed) -> std::string {
    save_tensor_file(file, changed);
    try {
      evaluate_models(file, corpus, "", quiet);
    } catch (const ArtifactError& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  TensorFile missing = whole;
  missing.arrays.erase(name);
  EXPECT_THAT(complaint(missing), HasSubstr("no array '" + name + "'"));
  missing.add(name, {3}, std::vector<float>(3, 0.5F));
  EXPECT_THAT(complaint(missing), HasSubstr("array '" + name + "' has shape [3], expected [20]"));
  EXPECT_EQ(complaint(whole), "nothing was thrown");
}

}  // namespace
}  // namespace hardy
