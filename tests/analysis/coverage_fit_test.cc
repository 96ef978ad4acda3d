// Which validation utterances give scores to prediction sets, and which.
#include "analysis/coverage_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace hardy {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::IsEmpty;

constexpr float kUnlabelled = std::numeric_limits<float>::quiet_NaN();

/// Dialogues of 3 and 2 utterances with two modalities; the second utterance lacks the first one,
/// the last one is not labelled.
Corpus validation_corpus() {
  Corpus corpus;
  corpus.class_names = {"calm", "angry"};
  for (const char* name : {"acoustic", "textual"}) {
    corpus.modalities.push_back({name, 1, std::vector<float>(5), {1, 1, 1, 1, 1}});
  }
  corpus.modalities[0].present[1] = 0;
  for (const float label : {0.0F, 1.0F, 0.0F, 1.0F, kUnlabelled}) {
    const std::int64_t dialogue = corpus.utterances.size() < 3 ? 0 : 1;
    corpus.utterances.push_back({.id = {},
                                 .dialogue = dialogue,
                                 .position = 0,
                                 .speaker = {},
                                 .label = label,
                                 .transcript = {}});
  }
  return corpus;
}

const std::vector<std::int64_t> kUtterances = {0, 1, 2, 3, 4};

TEST(CoverageFit, ScoresAreOneMinusTheProbabilityOfTheTruth) {
  const std::vector<float> outputs = {.7F, .3F, .2F, .8F, .9F, .1F, .5F, .5F, .6F, .4F};
  const auto scores =
      coverage_scores_of({{Pattern(0b10), kUtterances, outputs}}, validation_corpus());
  ASSERT_EQ(scores.size(), 1U);
  EXPECT_EQ(scores[0].pattern, Pattern(0b10));
  EXPECT_THAT(scores[0].scores,
              ElementsAre(FloatEq(.1F), FloatEq(.2F), FloatEq(.3F), FloatEq(.5F)));
  EXPECT_THAT(scores[0].sizes, ElementsAre(3, 3, 3, 1));
}

TEST(CoverageFit, OnlyUtterancesWithAllOfThePatternCount) {
  const std::vector<float> outputs = {.7F, .3F, .2F, .8F, .9F, .1F, .5F, .5F, .6F, .4F};
  const auto scores = coverage_scores_of(
      {{Pattern(0b11), kUtterances, outputs}, {Pattern(0b01), {1, 4}, {1, 0, 1, 0}}},
      validation_corpus());
  ASSERT_EQ(scores.size(), 1U) << "a pattern that no labelled utterance has gets no scores";
  EXPECT_THAT(scores[0].scores, ElementsAre(FloatEq(.1F), FloatEq(.3F), FloatEq(.5F)));
  EXPECT_THAT(scores[0].sizes, ElementsAre(2, 2, 1));
}

TEST(CoverageFit, ValuesScoreTheirDistanceAndSignsLeaveZeroOut) {
  Corpus corpus = validation_corpus();
  corpus.class_names.clear();
  corpus.label_kind = LabelKind::kValue;
  const std::vector<Evaluation> values = {{Pattern(0b10), kUtterances, {-.5F, 3, .25F, 1, 9}}};
  auto scores = coverage_scores_of(values, corpus);
  ASSERT_EQ(scores.size(), 1U);
  EXPECT_THAT(scores[0].scores, ElementsAre(0, FloatEq(.25F), FloatEq(.5F), FloatEq(2)));
  Corpus signs = validation_corpus();
  signs.values = {-1, 2, 0, 1, 0};
  scores = coverage_scores_of({{Pattern(0b10), {0, 1, 2}, {.7F, .3F, .2F, .8F, .9F, .1F}}}, signs);
  ASSERT_EQ(scores.size(), 1U);
  EXPECT_THAT(scores[0].scores, ElementsAre(FloatEq(.2F), FloatEq(.3F)));
  EXPECT_THAT(scores[0].sizes, ElementsAre(2, 2));
}

TEST(CoverageFit, NoneUnderMasksNorOfSeveralLabels) {
  const std::vector<float> outputs = {.7F, .3F, .2F, .8F, .9F, .1F, .5F, .5F, .6F, .4F};
  const Condition masked(2, "rate=0.3");
  EXPECT_THAT(coverage_scores_of({{masked, kUtterances, outputs}}, validation_corpus()), IsEmpty());
  Corpus several = validation_corpus();
  several.target_names = {"joy", "fear"};
  EXPECT_THAT(coverage_scores_of({{Pattern(0b10), kUtterances, outputs}}, several), IsEmpty());
}

}  // namespace
}  // namespace hardy
