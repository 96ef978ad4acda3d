// `hardy stress` without its program: what the table holds, against predictions made by hand.
#include "experiments/stress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using testing::HasSubstr;
using testing::Not;

/// A model with weights at random and a corpus labelled by its own answers, so that without damage
/// everything is right. Its features are about 1 in size; larger than e is suspected.
class Stress : public ::testing::Test {
 protected:
  Stress() {
    EncoderConfig encoder;
    encoder.hidden = 8;
    encoder.depth = 1;
    encoder.heads = 2;
    encoder.decoder = Decoder::kLinear;
    const auto info = test::bundle_info({3, 3}, 2, encoder);
    TensorFile file = test::random_bundle(info, 3);
    for (const char* name : {"m0", "m1"}) {
      const std::string scaling = "scaling." + std::string(name);
      file.arrays[scaling + ".mean"] = {{3}, std::vector<float>{0, 0, 0}};
      file.arrays[scaling + ".deviation"] = {{3}, std::vector<float>{1, 1, 1}};
      const std::string prefix = "reliability." + std::string(name);
      file.add(prefix + ".basis", {1, 3}, std::vector<float>{1, 0, 0});
      file.add(prefix + ".variance", {2}, std::vector<float>{1, 1});
      file.add(prefix + ".loud", {1}, std::vector<float>{2});
      for (const char* other : {".faint", ".shapeless", ".repeated"}) {
        file.add(prefix + other, {0}, std::vector<float>{});
      }
      file.add(prefix + ".counts", {4}, std::vector<std::int64_t>{99, 0, 0, 0});
    }
    save_tensor_file(dir / "model", file);
    auto generator = Seeds(1).stream("stress test");
    corpus.name = "small";
    corpus.class_names = info.class_names;
    for (const char* name : {"m0", "m1"}) {
      corpus.modalities.push_back({name, 3, {}, std::vector<std::uint8_t>(60, 1)});
    }
    for (std::int64_t u = 0; u < 60; ++u) {
      if (u % 6 == 0) corpus.dialogues.push_back({fmt::format("d{}", u), u, 6, "", Part::kNone});
      corpus.utterances.push_back(
          {fmt::format("u{}", u), u / 6, u % 6, u % 2 == 0 ? "a" : "b", 0, ""});
      for (auto& modality : corpus.modalities) {
        for (int j = 0; j < 3; ++j) {
          modality.features.push_back(static_cast<float>(draw_normal(generator)));
        }
      }
    }
    models.push_back(load_stressed(dir / "model", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    const auto labels = answers(Pattern::complete(2), nullptr);
    for (std::size_t u = 0; u < 60; ++u) {
      corpus.utterances[u].label = static_cast<float>(labels[u]);
    }
  }

  /// The model's answers, with other features of m0 where given.
  std::vector<std::int64_t> answers(Pattern available, const std::vector<float>* first) const {
    std::vector<std::int64_t> labels;
    Workspace workspace;
    for (const auto& dialogue : corpus.dialogues) {
      std::vector<UtteranceView> views(6);
      for (std::int64_t i = 0; i < 6; ++i) {
        auto& view = views[static_cast<std::size_t>(i)];
        const auto u = dialogue.first + i;
        view.features[0] =
            first == nullptr ? corpus.modalities[0].row(u).data() : first->data() + 3 * u;
        view.features[1] = corpus.modalities[1].row(u).data();
        view.speaker = i % 2;
      }
      const auto got = models[0].recogniser.predict(views, workspace, {.available = available});
      labels.insert(labels.end(), got.labels.begin(), got.labels.end());
    }
    return labels;
  }

  [[nodiscard]] double agreement(const std::vector<std::int64_t>& labels) const {
    double right = 0;
    for (std::size_t u = 0; u < 60; ++u) {
      right += corpus.utterances[u].label == static_cast<float>(labels[u]) ? 1 : 0;
    }
    return right / 60;
  }

  StressResult run(StressPlan plan) const {
    plan.metric = "wa";
    return stress_models(models, corpus, {corpus.class_names, {0, 1}}, plan, [](double) {});
  }

  test::TempDir dir;
  Corpus corpus;
  std::vector<StressedModel> models;
};

TEST_F(Stress, ScoresAreThoseOfPredictionsFromDamagedFeatures) {
  const auto result = run({.damages = {Damage::kFrozen, Damage::kNoise},
                           .severities = {0.5, 1},
                           .modalities = {0},
                           .seed = 7});
  EXPECT_DOUBLE_EQ(result.clean.plain, 1);
  EXPECT_TRUE(std::isnan(result.clean.set_aside));
  EXPECT_EQ(result.utterances, 60);
  ASSERT_EQ(result.modalities.size(), 1U);
  EXPECT_DOUBLE_EQ(result.modalities[0].missing, agreement(answers(Pattern(2), nullptr)));
  EXPECT_LT(result.modalities[0].missing, 1);
  ASSERT_EQ(result.cells.size(), 4U);
  const std::vector<float> zero(3, 0);
  const std::vector<float> one(3, 1);
  for (const auto& cell : result.cells) {
    const auto damage =
        damage_modality(corpus, models[0].dialogues, {cell.damage, cell.severity, 0, 7, zero, one});
    EXPECT_DOUBLE_EQ(cell.score.plain, agreement(answers(Pattern::complete(2), &damage.features)));
    EXPECT_EQ(cell.touched, cell.damage == Damage::kNoise ? 60 : cell.severity == 1 ? 50 : 30);
  }
}

TEST_F(Stress, WhatIsSetAsideCostsAsMuchAsWhatIsMissing) {
  const auto result = run({.damages = {Damage::kScale},
                           .severities = {1},
                           .modalities = {0, 1},
                           .set_aside_rate = 0.01});
  EXPECT_DOUBLE_EQ(result.clean.set_aside, 1);
  ASSERT_EQ(result.cells.size(), 2U);
  for (std::size_t m = 0; m < 2; ++m) {
    EXPECT_DOUBLE_EQ(result.modalities[m].false_alarms, 0);
    // Ten times the features: the log of the mean square exceeds 2 for all but the smallest.
    EXPECT_GT(result.cells[m].suspected, 0.9);
    EXPECT_NEAR(result.cells[m].score.set_aside, result.modalities[m].missing, 0.1);
  }
}

TEST_F(Stress, ScoresAreMeansOverModels) {
  const StressPlan plan{.damages = {Damage::kScale}, .severities = {1}, .modalities = {0}};
  const auto one = run(plan);
  models.push_back(load_stressed(dir / "model", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const auto two = run(plan);
  EXPECT_EQ(two.models, 2);
  EXPECT_DOUBLE_EQ(two.clean.plain, one.clean.plain);
  EXPECT_DOUBLE_EQ(two.cells[0].score.plain, one.cells[0].score.plain);
  EXPECT_EQ(two.utterances, 120);
}

TEST_F(Stress, DamageIsInUnitsOfItsOwnModality) {
  models[0].means[1] = {5, 6, 7};
  models[0].deviations[1] = {2, 3, 4};
  const auto result =
      run({.damages = {Damage::kNoise}, .severities = {1}, .modalities = {1}, .seed = 7});
  const auto damage =
      damage_modality(corpus, models[0].dialogues,
                      {Damage::kNoise, 1, 1, 7, models[0].means[1], models[0].deviations[1]});
  corpus.modalities[1].features = damage.features;
  EXPECT_DOUBLE_EQ(result.cells[0].score.plain, agreement(answers(Pattern::complete(2), nullptr)));
}

TEST_F(Stress, WhatIsFoundIsAShareOfDamagedUtterances) {
  // Every fourth utterance is loud in m0, so its size tells whose features it got.
  for (std::size_t u = 0; u < 60; ++u) {
    const float size = u % 4 == 0 ? 100 : 1;
    for (std::size_t j = 0; j < 3; ++j) corpus.modalities[0].features[3 * u + j] = size;
  }
  const auto result = run({.damages = {Damage::kSwapped},
                           .severities = {0.1},
                           .modalities = {0},
                           .seed = 7,
                           .set_aside_rate = 0.01});
  const auto damage =
      damage_modality(corpus, models[0].dialogues,
                      {Damage::kSwapped, 0.1, 0, 7, models[0].means[0], models[0].deviations[0]});
  double loud = 0;
  double all = 0;
  for (std::size_t u = 0; u < 60; ++u) {
    if (damage.touched[u] == 0) continue;
    ++all;
    loud += damage.features[3 * u] > 10 ? 1 : 0;
  }
  EXPECT_EQ(all, 6);
  EXPECT_DOUBLE_EQ(result.cells[0].suspected, loud / all);  // of 6, so never the share of all
  EXPECT_DOUBLE_EQ(result.modalities[0].false_alarms, 0.25);
}

TEST_F(Stress, OutputsAreBroughtToTheClassesOfTheCorpus) {
  for (auto& utterance : corpus.utterances) utterance.label = 1 - utterance.label;
  std::swap(corpus.class_names[0], corpus.class_names[1]);
  StressPlan plan{.damages = {}, .severities = {}, .modalities = {0}, .metric = "wa"};
  const auto result =
      stress_models(models, corpus, {corpus.class_names, {1, 0}}, plan, [](double) {});
  EXPECT_DOUBLE_EQ(result.clean.plain, 1);
}

TEST_F(Stress, WhatDoesNotApplyIsNotScored) {
  for (auto& utterance : corpus.utterances) utterance.speaker.clear();
  const StressPlan plan{.damages = {Damage::kSpeaker}, .severities = {1}, .modalities = {1}};
  const auto result = run(plan);
  EXPECT_EQ(result.cells[0].touched, 0);
  EXPECT_TRUE(std::isnan(result.cells[0].score.plain));
  const auto json = nlohmann::json::parse(stress_json(result, plan, corpus));
  EXPECT_TRUE(json.at("modalities")[0].at("damaged")[0].at("value").is_null());
}

TEST_F(Stress, TheTableFits80Columns) {
  StressPlan plan{.damages = {all_damages().begin(), all_damages().end()},
                  .severities = {0.125, 0.25, 0.5, 0.75, 1},
                  .modalities = {0, 1},
                  .set_aside_rate = 0.01};
  corpus.modalities[0].name = "a modality of a long name";
  const auto text = stress_text(run(plan), plan, corpus);
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) EXPECT_LE(line.size(), 80U) << line;
  EXPECT_THAT(text, HasSubstr("WA of 1 model on 60 utterances of small"));
  EXPECT_THAT(text, HasSubstr("   0.125     0.5       1  |"));
  EXPECT_THAT(text, HasSubstr("Shown: 3 of 5 severities; --json has all."));
  EXPECT_THAT(text, HasSubstr("a modality of a long name\n"));
  plan.set_aside_rate = 0;
  const auto plain = stress_text(run(plan), plan, corpus);
  EXPECT_THAT(plain, HasSubstr("   0.125    0.25     0.5    0.75       1\n"));
  EXPECT_THAT(plain, Not(HasSubstr("Shown:")));
}

TEST_F(Stress, AMetricThatTheLabelsDoNotHaveIsRefused) {
  const StressPlan plan{
      .damages = {Damage::kNoise}, .severities = {1}, .modalities = {0}, .metric = "mae"};
  EXPECT_THAT(message_of<ConfigError>([&] {
                stress_models(models, corpus, {corpus.class_names, {0, 1}}, plan, [](double) {});
              }),
              HasSubstr("the labels have no metric 'mae'"));
}

}  // namespace
}  // namespace hardy
