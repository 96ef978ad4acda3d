// Explanations: Shapley values against their definition, neighbours against an exhaustive search.
#include "hardy/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "hardy/errors.h"
#include "inference/explanation_json.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

EncoderConfig tiny_encoder() {
  EncoderConfig encoder;
  encoder.hidden = 12;
  encoder.depth = 2;
  encoder.decoder_width = 16;
  return encoder;
}

/// Training utterances whose scaled features are the mean of the scaling plus a step per row.
TrainingRecords records(const BundleInfo& info, std::int64_t n) {
  TrainingRecords records;
  Generator generator(5);
  for (std::int64_t i = 0; i < n; ++i) {
    records.ids.push_back("t" + std::to_string(i));
    records.dialogues.push_back("d");
    records.transcripts.push_back(i == 0 ? "so it goes" : "");
    records.labels.push_back(static_cast<float>(i % 2));
    records.present.push_back(Pattern(i == 1 ? 0b10 : 0b11));
    records.indirect.push_back(static_cast<float>(i));
  }
  for (const auto& modality : info.modalities) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < n * modality.width; ++i) {
      values.push_back(static_cast<float>(draw_normal(generator)));
    }
    records.features.push_back(std::move(values));
    records.is_cosine.push_back(records.is_cosine.empty());
  }
  records.patterns = {Pattern(0b11)};
  records.direct.emplace_back(static_cast<std::size_t>(n), 0.5F);
  records.score.emplace_back();
  for (std::int64_t i = 0; i < n; ++i) {
    records.score[0].push_back(static_cast<float>(i) / static_cast<float>(n));
  }
  return records;
}

/// A model of two modalities with a training section.
class Explain : public testing::Test {
 protected:
  Explain() : info_(test::bundle_info({5, 4}, 2, tiny_encoder())) {
    TensorFile file = test::random_bundle(info_);
    add_training_section(file, info_, records(info_, 9));
    mean_ = {file.floats("scaling.m0.mean").begin(), file.floats("scaling.m0.mean").end()};
    save_tensor_file(dir_.path() / "model", file);
    contents_ = std::move(file);
  }

  [[nodiscard]] Explainer explainer() const {
    return Explainer(Recogniser::load(dir_.path() / "model"));
  }

  /// Raw features whose scaled form is row `row` of the training utterances.
  [[nodiscard]] std::vector<float> raw(std::size_t m, std::int64_t row) const {
    const auto& name = info_.modalities[m].name;
    const auto mean = contents_.floats("scaling." + name + ".mean");
    const auto deviation = contents_.floats("scaling." + name + ".deviation");
    const auto scaled = contents_.floats("training.features." + name)
                            .subspan(static_cast<std::size_t>(row) * mean.size(), mean.size());
    std::vector<float> values;
    for (std::size_t j = 0; j < mean.size(); ++j) {
      values.push_back(scaled[j] * deviation[j] + mean[j]);
    }
    return values;
  }

  test::TempDir dir_;
  BundleInfo info_;
  TensorFile contents_;
  std::vector<float> mean_;
};

TEST_F(Explain, ShapleyValuesAreTheMeanMarginalContributionAndSumUp) {
  const auto explainer = this->explainer();
  const test::RandomUtterances data(info_, 4, 3, Pattern(0b11));
  Workspace workspace;
  const auto explanation = explainer.explain(data.views, 2, workspace);
  ASSERT_EQ(explanation.patterns.size(), 3U);  // {0}, {1}, {0,1}
  const auto label = static_cast<std::size_t>(explanation.outcome.label);
  const auto value = [&](std::size_t i) {
    return static_cast<double>(explanation.patterns[i].outputs[label]);
  };
  const double none = explanation.baseline;
  // Two orders: 0 then 1, and 1 then 0.
  EXPECT_NEAR(explanation.contributions[0], ((value(0) - none) + (value(2) - value(1))) / 2, 1e-9);
  EXPECT_NEAR(explanation.contributions[1], ((value(1) - none) + (value(2) - value(0))) / 2, 1e-9);
  EXPECT_NEAR(explanation.contributions[0] + explanation.contributions[1], value(2) - none, 1e-9);
  EXPECT_NEAR(explanation.outcome.outputs[label], value(2), 1e-5);
}

TEST_F(Explain, SubsetsChangeOnlyTheExplainedUtterance) {
  const auto explainer = this->explainer();
  test::RandomUtterances data(info_, 3, 4, Pattern(0b11));
  Workspace workspace;
  const auto explanation = explainer.explain(data.views, 1, workspace);
  data.views[1].features[1] = nullptr;
  const auto predictions = explainer.recogniser().predict(data.views, workspace);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(explanation.patterns[0].outputs[c], predictions.row(1)[c], 1e-6);
  }
}

TEST_F(Explain, EveryPatternIsWhatPredictionGivesWithoutTheOtherModalities) {
  for (const std::size_t modalities : {2U, 3U, 6U}) {
    const auto info =
        test::bundle_info(std::vector<std::int64_t>(modalities, 5), 3, tiny_encoder());
    save_tensor_file(dir_.path() / "other", test::random_bundle(info));
    const Explainer explainer(Recogniser::load(dir_.path() / "other"));
    const auto complete = Pattern::complete(static_cast<int>(modalities));
    test::RandomUtterances data(info, 4, 9, complete);
    data.views[0].features[0] = nullptr;
    Workspace workspace;
    const auto explanation = explainer.explain(data.views, 2, workspace);
    ASSERT_EQ(explanation.patterns.size(), complete.bits());
    const UtteranceView original = data.views[2];
    for (const auto& outcome : explanation.patterns) {
      for (std::size_t m = 0; m < modalities; ++m) {
        const bool is_there = outcome.pattern.has(static_cast<int>(m));
        data.views[2].features[m] = is_there ? original.features[m] : nullptr;
      }
      const auto predictions = explainer.recogniser().predict(data.views, workspace);
      EXPECT_EQ(outcome.label, predictions.labels[2]);
      EXPECT_NEAR(outcome.confidence, predictions.confidence[2], 1e-6);
      for (std::size_t c = 0; c < outcome.outputs.size(); ++c) {
        EXPECT_NEAR(outcome.outputs[c], predictions.row(2)[c], 1e-6);
      }
    }
  }
}

TEST_F(Explain, AttentionRowsSumToOneAndNameTheirTurns) {
  const auto explainer = this->explainer();
  test::RandomUtterances data(info_, 5, 6, Pattern(0b11));
  data.views[0].features[0] = nullptr;
  Workspace workspace;
  const auto explanation = explainer.explain(data.views, 3, workspace);
  ASSERT_EQ(explanation.attention.size(), 2U);
  EXPECT_THAT(explanation.attention[0].turns, ::testing::ElementsAre(1, 2, 3, 4));
  for (const auto& attention : explanation.attention) {
    EXPECT_NEAR(std::accumulate(attention.weights.begin(), attention.weights.end(), 0.0), 1, 1e-5);
  }
}

TEST_F(Explain, ATrainingUtteranceIsRecognisedAndItsHardnessIsItsOwn) {
  const auto explainer = this->explainer();
  const auto m0 = raw(0, 4);
  const auto m1 = raw(1, 4);
  UtteranceView view;
  view.features = {m0.data(), m1.data()};
  Workspace workspace;
  const auto explanation = explainer.explain({&view, 1}, 0, workspace, 3);
  ASSERT_EQ(explanation.similar.size(), 3U);
  EXPECT_TRUE(explanation.is_training_utterance);
  for (const auto& similar : explanation.similar) EXPECT_NE(similar.id, "t4");
  EXPECT_LE(explanation.similar[0].distance, explanation.similar[1].distance);
  EXPECT_LE(explanation.similar[1].distance, explanation.similar[2].distance);
  ASSERT_TRUE(explanation.hardness.has_value());
  EXPECT_NEAR(explanation.hardness->score, 4.0 / 9, 1e-3);
  const auto json = explanation_json(explanation, info_);
  EXPECT_EQ(json["similar"].size(), 3U);
  EXPECT_TRUE(json["training_utterance"].get<bool>());
  EXPECT_EQ(json["used"].size(), 2U);
}

TEST_F(Explain, NeighboursAgreeWithBruteForce) {
  const auto explainer = this->explainer();
  const TrainingSection& training = *explainer.training();
  Generator generator(8);
  std::vector<float> query(4);
  for (float& value : query) value = static_cast<float>(draw_normal(generator));
  const std::vector<const float*> only_second = {nullptr, query.data()};
  const auto found = training.nearest(only_second, 4);
  std::vector<std::pair<double, std::int64_t>> expected;
  for (std::int64_t row = 0; row < training.size(); ++row) {
    double squares = 0;
    const auto values = training.features(1, row);
    for (std::size_t j = 0; j < 4; ++j) {
      squares += std::pow(static_cast<double>(values[j]) - static_cast<double>(query[j]), 2);
    }
    expected.emplace_back(std::sqrt(squares), row);
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(found.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(found[i].row, expected[i].second);
    EXPECT_NEAR(found[i].distance, expected[i].first, 1e-6);
  }
  EXPECT_EQ(training.nearest(only_second, 100).size(), 9U);
  // Row 1 lacks m0, so it is no candidate there.
  std::vector<float> first(5, 0.1F);
  const std::vector<const float*> only_first = {first.data(), nullptr};
  for (const auto& each : training.nearest(only_first, 100)) EXPECT_NE(each.row, 1);
}

TEST_F(Explain, RefusesWhatCannotBeExplained) {
  const auto explainer = this->explainer();
  Workspace workspace;
  const UtteranceView nothing;
  EXPECT_THROW((void)explainer.explain({&nothing, 1}, 0, workspace), DataError);
  EXPECT_THROW((void)explainer.explain({&nothing, 1}, 1, workspace), ShapeError);
  TensorFile damaged = contents_;
  damaged.arrays.erase("training.score");
  save_tensor_file(dir_.path() / "damaged", damaged);
  EXPECT_THROW(Explainer(Recogniser::load(dir_.path() / "damaged")), ArtifactError);
  TensorFile plain = test::random_bundle(info_);
  save_tensor_file(dir_.path() / "plain", plain);
  const Explainer without(Recogniser::load(dir_.path() / "plain"));
  EXPECT_FALSE(without.has_training_section());
  const test::RandomUtterances data(info_, 1, 3, Pattern(0b11));
  EXPECT_TRUE(without.explain(data.views, 0, workspace).similar.empty());
}

}  // namespace
}  // namespace hardy
