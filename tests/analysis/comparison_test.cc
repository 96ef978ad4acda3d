#include "analysis/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hardy/errors.h"
#include "tests/analysis/made_predictions.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::made_table;
using test::MadePlace;
using test::MadeSize;
using test::message_of;
using test::number_in;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(Holm, StepsDownAsByHand) {
  // Ascending .005 x 4, .01 x 3, .03 x 2, .04 x 1 -> .02, .03, .06, and never below the one before.
  EXPECT_THAT(holm(std::vector<double>{0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleNear(0.03, 1e-12), DoubleNear(0.06, 1e-12), DoubleNear(0.06, 1e-12),
                          DoubleNear(0.02, 1e-12)));
  EXPECT_THAT(holm(std::vector<double>{0.7, 0.6}), ElementsAre(1, 1));
  EXPECT_THAT(holm(std::vector<double>{0.2}), ElementsAre(0.2));
  EXPECT_THAT(holm({}), IsEmpty());
}

TEST(Holm, WhatIsNotComputableDoesNotCount) {
  const auto adjusted = holm(std::vector<double>{0.02, NAN, 0.03});
  EXPECT_DOUBLE_EQ(adjusted[0], 0.04);
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_DOUBLE_EQ(adjusted[2], 0.04);
}

TEST(PairedT, MatchesTheClosedFormOfTwoDegreesOfFreedom) {
  // Mean 2, deviation 1, t = 2 sqrt(3).
  EXPECT_NEAR(paired_t_p_value(std::vector<double>{1, 2, 3}),
              1 - 2 * std::sqrt(3.0) / std::sqrt(14.0), 1e-12);
  EXPECT_TRUE(std::isnan(paired_t_p_value(std::vector<double>{1, 2})));
  EXPECT_DOUBLE_EQ(paired_t_p_value(std::vector<double>{0, 0, 0}), 1);
  EXPECT_DOUBLE_EQ(paired_t_p_value(std::vector<double>{0.5, 0.5, 0.5}), 0);
}

/// Right on three of ten utterances, and on one more where `bonus` is true.
template <typename Bonus>
std::vector<Resampled> numbers_with(const MadeSize& size, const Bonus& bonus) {
  return resample(made_table(size,
                             [&](const MadePlace& p) {
                               return p.utterance < 3 || (p.utterance == 3 && bonus(p));
                             }),
                  {});
}

const MadeSize kThreeFolds = {
    .folds = 3, .dialogues = 12, .utterances = 10, .seeds = {1, 2}, .conditions = {"a", "t"}};

std::vector<Pair> some_pairs() {
  const auto plain = numbers_with(kThreeFolds, [](const MadePlace&) { return false; });
  // Better under {a} nearly everywhere; under {t} in one dialogue of the first fold only.
  const auto other = numbers_with(kThreeFolds, [](const MadePlace& p) {
    return p.condition == "a" ? p.dialogue % 6 != 0 : p.fold == 0 && p.dialogue == 0;
  });
  std::vector<Pair> pairs;
  for (const char* condition : {"a", "t"}) {
    pairs.push_back({"new", "old", condition, number_in(other, condition, "wa"),
                     number_in(plain, condition, "wa")});
  }
  return pairs;
}

TEST(Compare, TellsARealGainFromNone) {
  const auto results = compare(some_pairs(), {});
  ASSERT_EQ(results.size(), 2U);
  const Comparison& gain = results[0];
  EXPECT_NEAR(gain.difference, 10.0 / 12.0 / 10.0, 1e-12);
  EXPECT_TRUE(gain.is_beyond_chance);
  EXPECT_LT(gain.interval.low, gain.difference);
  EXPECT_GT(gain.interval.low, 0);
  EXPECT_EQ(gain.comparisons, 2);
  EXPECT_EQ(gain.folds, 3);
  EXPECT_EQ(gain.folds_better, 3);
  EXPECT_EQ(gain.seeds, 2);
  EXPECT_EQ(gain.seeds_better, 2);
  EXPECT_DOUBLE_EQ(gain.corrected_p, 2 * gain.p);
  const Comparison& none = results[1];
  EXPECT_NEAR(none.difference, 1.0 / 360.0, 1e-12);
  EXPECT_FALSE(none.is_beyond_chance);
  EXPECT_EQ(none.folds_better, 1);
  EXPECT_GT(none.fold_p, 0.3);
}

TEST(Verdict, IsPlain) {
  const auto results = compare(some_pairs(), {});
  EXPECT_THAT(
      verdict(results[0]),
      AllOf(StartsWith("new is better than old by 8.33 points ["), HasSubstr("], p < 0.001"),
            HasSubstr("; with 2 comparisons (corrected p = 0.002) this is beyond chance")));
  EXPECT_THAT(verdict(results[1]), HasSubstr("this is not beyond chance"));
}

TEST(Verdict, SaysLevelOrUndecided) {
  Comparison c;
  c.first_name = "A";
  c.second_name = "B";
  c.metric = "wa";
  c.difference = 0.002;
  c.interval = {-0.004, 0.008, ""};
  c.p = 0.5;
  c.comparisons = 1;
  c.margin = 0.01;
  c.equivalence_p = c.corrected_equivalence_p = 0.004;
  c.is_level = true;
  EXPECT_THAT(verdict(c), HasSubstr("this is not beyond chance; level within 1 point (p = 0.004)"));
  c.is_level = false;
  c.interval = {-0.014, 0.018, ""};
  EXPECT_THAT(verdict(c), HasSubstr("; undecided, differences up to 1.80 points are possible"));
  c.is_beyond_chance = true;
  EXPECT_THAT(verdict(c), ::testing::EndsWith("this is beyond chance"));
}

TEST(Compare, EquivalenceIsCorrectedLikeTheDifference) {
  const auto plain = numbers_with(kThreeFolds, [](const MadePlace&) { return false; });
  std::vector<Pair> pairs;
  for (const char* condition : {"a", "t"}) {
    const auto number = number_in(plain, condition, "wa");
    pairs.push_back({"new", "old", condition, number, number});
  }
  const auto results = compare(pairs, {});
  for (const auto& result : results) {
    EXPECT_DOUBLE_EQ(result.margin, 0.01);
    EXPECT_DOUBLE_EQ(result.corrected_equivalence_p, 2 * result.equivalence_p);
    EXPECT_TRUE(result.is_level);
  }
}

TEST(Verdict, TurnsTheIntervalToTheBetterOnesSide) {
  Comparison c;
  c.first_name = "A";
  c.second_name = "B";
  c.metric = "wa";
  c.difference = -0.0123;
  c.interval = {-0.03, 0.004, ""};
  c.p = 0.21;
  c.comparisons = 1;
  EXPECT_EQ(verdict(c),
            "B is better than A by 1.23 points [-0.40, 3.00], p = 0.210; this is not beyond "
            "chance");
  c.metric = "mae";  // a smaller error is better
  EXPECT_THAT(verdict(c), StartsWith("A is better than B by 0.0123 [-0.0040, 0.0300], p = 0.210"));
  c.difference = 0;
  c.interval = {0, 0, ""};
  c.p = 1;
  EXPECT_THAT(verdict(c), StartsWith("A and B are equal [0.0000, 0.0000], p = 1.000"));
  c.interval = {NAN, NAN, "fold 1 tests one dialogue"};
  EXPECT_EQ(verdict(c), "not computable because fold 1 tests one dialogue");
  c.p = 1e-5;
  c.interval.missing.clear();
  EXPECT_THAT(verdict(c), HasSubstr("p < 0.001"));
}

TEST(CommonGround, IsWhatBothHaveAndSaysSo) {
  const auto miss = [](const MadePlace&) { return false; };
  const auto first = made_table({.folds = 3, .seeds = {1, 2, 3}}, miss);
  const auto second = made_table({.folds = 2, .seeds = {2, 3, 4}}, miss);
  const CommonGround ground = common_ground(first, "A", second, "B");
  EXPECT_THAT(ground.folds, ElementsAre(0, 1));
  EXPECT_THAT(ground.seeds, ElementsAre(2, 3));
  EXPECT_EQ(ground.notice,
            "A and B are compared on the 2 folds that both have (of 3 and 2); A and B are compared "
            "on the 2 seeds that both have (of 3 and 3)");
  const PredictionTable part = restricted_to(first, ground.folds, ground.seeds);
  EXPECT_EQ(part.cells.size(), 4U);
  EXPECT_EQ(part.folds.size(), 2U);
  EXPECT_THAT(part.seeds, ElementsAre(2, 3));
  EXPECT_THAT(common_ground(first, "A", first, "A").notice, IsEmpty());
}

TEST(Comparison, OneSeedIsSaidToKnowNothingOfTheSpreadOfTraining) {
  EXPECT_THAT(seeds_notice(1), HasSubstr("not how much training varies"));
  EXPECT_EQ(seeds_notice(0), "");  // without seeds there is no comparison
  EXPECT_EQ(seeds_notice(2), "");
}

TEST(CommonGround, RefusesWhatCannotBePaired) {
  const auto miss = [](const MadePlace&) { return false; };
  const auto table = made_table({.dialogues = 4}, miss);
  const auto refusal = [&](const PredictionTable& other) {
    return message_of<DataError>([&] { (void)common_ground(table, "A", other, "B"); });
  };
  EXPECT_THAT(refusal(made_table({.dialogues = 5}, miss)),
              AllOf(HasSubstr("fold 1 of the second tests utterance f0d004u0, fold 1 of the first "
                              "does not"),
                    HasSubstr("give runs of one corpus with the same split")));
  EXPECT_THAT(refusal(made_table({.dialogues = 3}, miss)), HasSubstr("f0d003u0"));
  EXPECT_THAT(refusal(made_table({.dialogues = 4, .seeds = {9}}, miss)),
              HasSubstr("no training seed in common"));
  PredictionTable other = table;
  other.folds[0].truth[7] = 1 - other.folds[0].truth[7];
  EXPECT_THAT(refusal(other), HasSubstr("utterance f0d001u2 has another label in the second"));
  other = table;
  other.folds[0].dialogues[1] = "another";
  EXPECT_THAT(refusal(other), HasSubstr("divided into other dialogues"));
  other = table;
  other.folds[0].fold = 3;
  EXPECT_THAT(refusal(other), HasSubstr("no test fold in common"));
  other = table;
  other.layout = TallyLayout(TaskKind::kValue, {});
  EXPECT_THAT(refusal(other), HasSubstr("the second acc2_non0, f1_non0"));
}

}  // namespace
}  // namespace hardy
