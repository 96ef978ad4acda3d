// Prediction sets: quantiles worked out by hand, and what they promise on drawn dialogues.
#include "hardy/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "hardy/errors.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Pattern kFirst{0b01};
constexpr Pattern kAll{0b11};

/// Dialogues of one utterance each.
CoverageScores scores_alone(std::vector<float> scores) {
  const std::vector<std::int64_t> sizes(scores.size(), 1);
  return {kAll, std::move(scores), sizes};
}

TEST(LargestScore, OfUtterancesThatStandAloneIsTheConformalQuantile) {
  const auto nine = scores_alone({.1F, .2F, .3F, .4F, .5F, .6F, .7F, .8F, .9F});
  EXPECT_EQ(largest_score(nine, .5), static_cast<double>(.5F));   // ceil(.5 * 10) = 5th
  EXPECT_EQ(largest_score(nine, .51), static_cast<double>(.6F));  // ceil(5.1) = 6th
  EXPECT_EQ(largest_score(nine, .8), static_cast<double>(.8F));   // 8th
  EXPECT_EQ(largest_score(nine, .9), static_cast<double>(.9F));   // 9th: the last that nine promise
  EXPECT_TRUE(std::isinf(largest_score(nine, .91)));
  EXPECT_TRUE(
      std::isinf(largest_score(scores_alone({.1F, .2F, .3F, .4F, .5F, .6F, .7F, .8F}), .9)));
}

TEST(LargestScore, EveryDialogueCountsTheSame) {
  // One dialogue of four, four of one: shares 1/4, 1/2, 3/4, 1, 2, 3, 4, 5 of the 6 with the new
  // one.
  const CoverageScores five{
      kAll, {.1F, .2F, .3F, .4F, .5F, .6F, .7F, .8F}, {4, 4, 4, 4, 1, 1, 1, 1}};
  EXPECT_EQ(dialogues_of(five), 5);
  EXPECT_EQ(largest_score(five, .125), static_cast<double>(.3F));  // .75 of 6
  EXPECT_EQ(largest_score(five, .5), static_cast<double>(.6F));    // 3 of 6
  EXPECT_EQ(largest_score(five, .8), static_cast<double>(.8F));    // 4.8 of 6
  EXPECT_TRUE(std::isinf(largest_score(five, .84)));               // 5.04 of 6
}

TEST(LargestScore, EqualScoresAreTakenTogether) {
  const auto ties = scores_alone({.1F, .3F, .3F, .3F, .3F, .3F, .3F, .3F, .6F});
  EXPECT_EQ(largest_score(ties, .15), static_cast<double>(.3F));
  EXPECT_EQ(largest_score(ties, .8), static_cast<double>(.3F));
  EXPECT_EQ(largest_score(ties, .81), static_cast<double>(.6F));
}

TEST(LargestScore, FewestDialoguesAreThoseOfTheQuantile) {
  EXPECT_EQ(fewest_dialogues(.5), 1);
  EXPECT_EQ(fewest_dialogues(.8), 4);
  EXPECT_EQ(fewest_dialogues(.9), 9);
  EXPECT_EQ(fewest_dialogues(.95), 19);
  EXPECT_EQ(fewest_dialogues(.99), 99);
  for (const double coverage : {.33, .6, .7, .75, .8, .9, .95, .975, .99}) {
    const auto few = static_cast<std::size_t>(fewest_dialogues(coverage));
    EXPECT_EQ(largest_score(scores_alone(std::vector<float>(few, .5F)), coverage), .5) << coverage;
    EXPECT_TRUE(std::isinf(largest_score(scores_alone(std::vector<float>(few - 1, .5F)), coverage)))
        << coverage;
  }
}

/// The share of new utterances whose score is within the quantile, over drawn sets of dialogues of
/// 1..`longest` utterances, which have much in common.
double reached(double coverage, std::size_t dialogues, std::int64_t longest) {
  constexpr int kTimes = 2000;
  Generator generator(5);
  int held = 0;
  for (int time = 0; time < kTimes; ++time) {
    std::vector<std::pair<float, std::int64_t>> rows;
    float asked = 0;
    for (std::size_t d = 0; d <= dialogues; ++d) {
      const auto size = 1 + draw_index(generator, longest);
      const double common = draw_normal(generator);
      // Long dialogues are harder, as it may be.
      const double hardness = 3 * static_cast<double>(size) / static_cast<double>(longest);
      for (std::int64_t i = 0; i < size; ++i) {
        const auto score =
            static_cast<float>(std::exp(hardness + common + .3 * draw_normal(generator)));
        if (d < dialogues) rows.emplace_back(score, size);
        asked = score;
      }
    }
    std::sort(rows.begin(), rows.end());
    CoverageScores scores{kAll, {}, {}};
    for (const auto& [score, size] : rows) {
      scores.scores.push_back(score);
      scores.sizes.push_back(size);
    }
    held += static_cast<double>(asked) <= largest_score(scores, coverage) ? 1 : 0;
  }
  return held / static_cast<double>(kTimes);
}

TEST(LargestScore, HoldsWhatItPromisesForNewDialogues) {
  constexpr double kRandom = 3 * .0112;  // three standard errors of a share over 2000 draws
  for (const double coverage : {.5, .8, .9}) {
    for (const std::int64_t longest : {1, 12}) {
      const double share = reached(coverage, 24, longest);
      EXPECT_GE(share, coverage - kRandom) << coverage << " " << longest;
      EXPECT_LE(share, coverage + 2.0 / 25 + kRandom) << coverage << " " << longest;
    }
  }
  EXPECT_EQ(reached(.9, 5, 12), 1) << "nothing is left out where nothing can be promised";
}

/// A model of three classes with nine scores under {m0, m1}, four under {m0}.
BundleInfo made_info(int classes = 3) {
  EncoderConfig encoder;
  encoder.hidden = 8;
  encoder.depth = 1;
  encoder.heads = 2;
  BundleInfo info = test::bundle_info({2, 3}, classes, encoder);
  CoverageScores few = scores_alone({.1F, .2F, .3F, .4F});
  few.pattern = kFirst;
  info.coverage = {few, scores_alone({.1F, .2F, .3F, .4F, .5F, .6F, .7F, .8F, .9F})};
  return info;
}

/// Predictions of one utterance.
struct MadePrediction {
  std::vector<float> row;
  std::vector<std::int64_t> labels;
  std::vector<Pattern> used;

  MadePrediction(std::vector<float> outputs, Pattern pattern)
      : row(std::move(outputs)),
        labels({std::max_element(row.begin(), row.end()) - row.begin()}),
        used({pattern}) {}

  [[nodiscard]] Predictions view() const {
    Predictions predictions;
    predictions.count = 1;
    predictions.outputs = static_cast<std::int64_t>(row.size());
    predictions.probabilities = row;
    predictions.raw_probabilities = row;
    predictions.labels = labels;
    predictions.used = used;
    return predictions;
  }
};

TEST(PredictionSets, HoldTheClassesThatAreProbableEnough) {
  const PredictionSets sets(made_info(), .7);  // scores up to .7: probabilities from .3
  EXPECT_NEAR(sets.threshold(kAll), .7, 1e-4);
  const auto of = [&](std::vector<float> row) {
    return sets.classes(MadePrediction(std::move(row), kAll).view(), 0);
  };
  EXPECT_THAT(of({.3F, .1F, .6F}), ElementsAre(2, 0)) << "the most probable first";
  EXPECT_THAT(of({.29F, .1F, .61F}), ElementsAre(2));
  EXPECT_THAT(of({.45F, .45F, .1F}), ElementsAre(0, 1)) << "equals in their order";
  const PredictionSets narrow(made_info(), .1);  // scores up to .1
  EXPECT_THAT(narrow.classes(MadePrediction({.5F, .3F, .2F}, kAll).view(), 0), ElementsAre(0))
      << "the label always";
}

TEST(PredictionSets, AreMadeOfTheNetworksOwnProbabilitiesAsTheScoresWere) {
  const PredictionSets sets(made_info(), .7);
  const MadePrediction made({.3F, .1F, .6F}, kAll);
  Predictions predictions = made.view();
  const std::vector<float> calibrated = {.1F, .05F, .85F};
  predictions.probabilities = calibrated;
  EXPECT_THAT(sets.classes(predictions, 0), ElementsAre(2, 0));
}

TEST(PredictionSets, TheUtteranceOfTheThresholdIsWithinDespiteRounding) {
  const PredictionSets sets(made_info(), .7);
  EXPECT_THAT(sets.classes(MadePrediction({.299995F, .1F, .600005F}, kAll).view(), 0),
              ElementsAre(2, 0))
      << "training and prediction differ by as much";
}

TEST(PredictionSets, PatternsPromiseForThemselvesAlone) {
  const PredictionSets sets(made_info(), .9);
  EXPECT_THAT(sets.refusal(kAll), IsEmpty());
  EXPECT_EQ(sets.refusal(kFirst), "4 validation dialogues with these modalities; 0.9 takes 9");
  EXPECT_EQ(sets.refusal(Pattern(0b10)), "no validation utterances with these modalities");
  const MadePrediction first({.98F, .01F, .01F}, kFirst);
  EXPECT_THAT(sets.classes(first.view(), 0), ElementsAre(0, 1, 2)) << "every class";
  EXPECT_THAT(PredictionSets(made_info(), .8).refusal(kFirst), IsEmpty());
}

TEST(PredictionSets, OfAValueAreIntervals) {
  BundleInfo info = made_info(0);
  info.label_kind = "value";
  const PredictionSets sets(info, .8);
  const MadePrediction value({-.5F}, kAll);
  const auto [low, high] = sets.interval(value.view(), 0);
  EXPECT_NEAR(low, -1.3, 1e-4);
  EXPECT_NEAR(high, .3, 1e-4);
  const MadePrediction unknown({-.5F}, Pattern(0b10));
  EXPECT_TRUE(std::isinf(sets.interval(unknown.view(), 0).second));
}

/// The message of the refusal, with its kind.
std::pair<ErrorKind, std::string> set_refusal(const BundleInfo& info, double coverage) {
  try {
    const PredictionSets sets(info, coverage);
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  return {ErrorKind::kIo, "no refusal"};
}

TEST(PredictionSets, RefuseWhatCannotBePromised) {
  for (const double outside : {0.0, 1.0, -1.0, 90.0, std::nan("")}) {
    EXPECT_EQ(set_refusal(made_info(), outside).first, ErrorKind::kConfig) << outside;
  }
  const auto much = set_refusal(made_info(), .99);
  EXPECT_EQ(much.first, ErrorKind::kConfig);
  EXPECT_THAT(much.second, HasSubstr("coverage 0.99: it takes 99 validation dialogues, the model "
                                     "has 9; they promise 0.900 at most"));
  BundleInfo old = made_info();
  old.coverage.clear();
  EXPECT_EQ(set_refusal(old, .9).first, ErrorKind::kArtifact);
  EXPECT_THAT(set_refusal(old, .9).second, HasSubstr("train it again"));
  BundleInfo several = made_info(0);
  several.target_names = {"joy", "fear"};
  several.label_kind = "labels";
  EXPECT_THAT(set_refusal(several, .9).second, HasSubstr("this model predicts several labels"));
}

TEST(PredictionSets, ScoresAreKeptInTheModelFile) {
  const test::TempDir dir;
  const auto file = dir / "model.safetensors";
  save_tensor_file(file, test::random_bundle(made_info()));
  const auto read = Recogniser::load(file).info().coverage;
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].pattern, kFirst);
  EXPECT_EQ(read[1].scores, made_info().coverage[1].scores);
  EXPECT_EQ(read[1].sizes, made_info().coverage[1].sizes);
  BundleInfo old = made_info();
  old.coverage.clear();
  save_tensor_file(file, test::random_bundle(old));
  EXPECT_THAT(Recogniser::load(file).info().coverage, IsEmpty());
}

TEST(PredictionSets, DamagedScoresAreRefused) {
  const test::TempDir dir;
  const auto file = dir / "model.safetensors";
  const auto message = [&](const std::vector<float>& scores,
                           const std::vector<std::int64_t>& sizes) {
    BundleInfo info = made_info();
    info.coverage = {{kAll, scores, sizes}};
    save_tensor_file(file, test::random_bundle(info));
    try {
      static_cast<void>(Recogniser::load(file));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kArtifact);
      return std::string(error.what());
    }
    return std::string("no refusal");
  };
  const std::string damaged = "array 'coverage.3.scores' or 'coverage.3.sizes' is damaged";
  EXPECT_THAT(message({.2F, .1F}, {1, 1}), HasSubstr(damaged)) << "not ascending";
  EXPECT_THAT(message({.1F, .2F}, {1, 2}), HasSubstr(damaged)) << "half a dialogue";
  EXPECT_THAT(message({.1F, .2F}, {1, 0}), HasSubstr(damaged));
  EXPECT_THAT(message({.1F, 1.2F}, {1, 1}), HasSubstr(damaged)) << "a probability below 0";
  EXPECT_THAT(message({.1F, std::nanf("")}, {1, 1}), HasSubstr(damaged));
  EXPECT_THAT(message({}, {}), HasSubstr(damaged));
  EXPECT_EQ(message({.1F, .2F}, {2, 2}), "no refusal");
  TensorFile strange = test::random_bundle(made_info());
  strange.add("coverage.4.scores", {1}, std::vector<float>{.1F});
  save_tensor_file(file, strange);
  EXPECT_THROW(static_cast<void>(Recogniser::load(file)), ArtifactError) << "a third modality";
  TensorFile uneven = test::random_bundle(made_info());
  uneven.add("coverage.2.scores", {1}, std::vector<float>{.1F});
  uneven.add("coverage.2.sizes", {2}, std::vector<std::int64_t>{1, 1});
  save_tensor_file(file, uneven);
  EXPECT_THROW(static_cast<void>(Recogniser::load(file)), ArtifactError) << "one score, two sizes";
}

}  // namespace
}  // namespace hardy
