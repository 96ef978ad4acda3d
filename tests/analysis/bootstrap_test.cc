#include "analysis/bootstrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/distributions.h"
#include "base/random.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "tests/analysis/made_predictions.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::made_table;
using test::MadePlace;
using test::MadeSize;
using test::message_of;
using test::number_in;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Resampled wa_of(const PredictionTable& table, const BootstrapOptions& options = {}) {
  return number_in(resample(table, options), "a", "wa");
}

bool first_half(const MadePlace& place) { return place.dialogue % 2 == 0; }

TEST(Distributions, MatchTheTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(t_quantile(0.975, 1), 12.7062, 1e-4);
  EXPECT_NEAR(t_quantile(0.975, 10), 2.228139, 1e-6);
  // Two degrees of freedom: P(|T| > t) = 1 - t / sqrt(2 + t^2).
  EXPECT_NEAR(two_sided_t_probability(-2 * std::sqrt(3.0), 2),
              1 - 2 * std::sqrt(3.0) / std::sqrt(14.0), 1e-12);
}

TEST(Bootstrap, SpreadOfSingleUtteranceDialoguesIsTheBinomialOne) {
  const auto table = made_table({.dialogues = 40, .utterances = 1}, first_half);
  const Resampled number = wa_of(table, {.resamples = 20000});
  EXPECT_DOUBLE_EQ(number.estimate, 0.5);
  EXPECT_EQ(number.freedom, 39);
  // n - 1 draws of values with variance 1/4.
  EXPECT_NEAR(mean_and_deviation(number.replicates).deviation, std::sqrt(0.25 / 39), 0.002);
  const Interval interval = interval_of(number, 0.95);
  const double half = t_quantile(0.975, 39) * std::sqrt(0.25 / 39);
  EXPECT_NEAR(interval.low, 0.5 - half, 0.02);   // steps of 1 / 39
  EXPECT_NEAR(interval.high, 0.5 + half, 0.02);  // steps of 1 / 39
}

TEST(Bootstrap, SeedsAreTheSpreadWithinFoldsPooled) {
  Resampled number;
  number.cells = {{0.5, 0.7}, {0.8, 0.8}, {0.1, 0.5}};
  const SeedSpread spread = seed_spread_of(number);
  EXPECT_EQ(spread.freedom, 3);
  // Variances .02, 0 and .08, one degree of freedom each; six trainings.
  EXPECT_NEAR(spread.error, std::sqrt((0.02 + 0 + 0.08) / 3 / 6), 1e-12);
  number.cells = {{0.5}, {0.9}};
  EXPECT_EQ(seed_spread_of(number).freedom, 0);
  EXPECT_EQ(seed_spread_of(number).error, 0);
}

TEST(Bootstrap, FoldsThatDifferDoNotWidenTheSeedsShare) {
  // Two seeds that agree within each of five folds of different accuracy.
  const auto table =
      made_table({.folds = 5, .dialogues = 12, .utterances = 1, .seeds = {1, 2}},
                 [](const MadePlace& place) { return place.dialogue <= 2 * place.fold; });
  const Resampled number = wa_of(table);
  EXPECT_EQ(seed_spread_of(number).freedom, 5);
  EXPECT_NEAR(seed_spread_of(number).error, 0, 1e-12);
}

TEST(Bootstrap, AResampleOfFewDialoguesHasOneDrawLess) {
  // Variance 1/4 over 5 draws, where 6 would give .2041.
  const auto table = made_table({.dialogues = 6, .utterances = 1}, first_half);
  const Resampled number = wa_of(table, {.resamples = 20000});
  EXPECT_NEAR(mean_and_deviation(number.replicates).deviation, 0.2236, 0.006);
}

TEST(Bootstrap, SeedsShareTheirResampledDialogues) {
  const auto one = wa_of(made_table({.seeds = {1}}, first_half));
  const auto three = wa_of(made_table({.seeds = {1, 2, 3}}, first_half));
  ASSERT_EQ(one.replicates.size(), three.replicates.size());
  for (std::size_t b = 0; b < one.replicates.size(); ++b) {
    EXPECT_NEAR(one.replicates[b], three.replicates[b], 1e-12) << b;
  }
}

TEST(Bootstrap, DialoguesCountAsWholes) {
  // Five equal utterances carry no more information than one.
  const auto single = made_table({.dialogues = 40, .utterances = 1}, first_half);
  const auto five = made_table({.dialogues = 40, .utterances = 5}, first_half);
  const Interval narrow = interval_of(wa_of(single), 0.95);
  const Interval wide = interval_of(wa_of(five), 0.95);
  EXPECT_DOUBLE_EQ(narrow.low, wide.low);
  EXPECT_DOUBLE_EQ(narrow.high, wide.high);
}

TEST(Bootstrap, SeedsAddTheirTDistribution) {
  // All dialogues equal: only the seeds vary, .6, .7 and .8.
  const MadeSize size = {.dialogues = 10, .utterances = 10, .seeds = {1, 2, 3}};
  const auto table = made_table(size, [](const MadePlace& p) { return p.utterance < 5 + p.seed; });
  const Resampled number = wa_of(table, {.resamples = 50000});
  EXPECT_NEAR(number.estimate, 0.7, 1e-12);
  EXPECT_THAT(number.by_seed, ElementsAre(0.6, 0.7, 0.8));
  const Interval interval = interval_of(number, 0.95);
  const double half = t_quantile(0.975, 2) * 0.1 / std::sqrt(3.0);  // 0.248
  EXPECT_NEAR(interval.low, 0.7 - half, 0.02);
  EXPECT_NEAR(interval.high, 0.7 + half, 0.02);
}

TEST(Bootstrap, TwoSeedsSayLittleAndTheIntervalStaysInRange) {
  const MadeSize size = {.dialogues = 10, .utterances = 10, .seeds = {1, 2}};
  const auto table =
      made_table(size, [](const MadePlace& p) { return p.utterance < 6 + 2 * (p.seed - 1); });
  const Interval interval = interval_of(wa_of(table), 0.95);
  EXPECT_DOUBLE_EQ(interval.low, 0);
  EXPECT_DOUBLE_EQ(interval.high, 1);
}

TEST(Bootstrap, AveragesConditionsWithinAFoldAndSeed) {
  const MadeSize size = {.folds = 2, .seeds = {1, 2}, .conditions = {"a", "t", "a,t"}};
  const auto table = made_table(size, [](const MadePlace& p) {
    return p.condition == "t" || (p.utterance + p.fold + p.seed) % 3 == 0;
  });
  const auto numbers = resample(table, {});
  const auto average = number_in(numbers, "average", "wa");
  const auto acoustic = number_in(numbers, "a", "wa");
  EXPECT_NEAR(average.estimate, (acoustic.estimate + 1) / 2, 1e-12);
  for (std::size_t b = 0; b < 20; ++b) {
    EXPECT_NEAR(average.replicates[b], (acoustic.replicates[b] + 1) / 2, 1e-12);
  }
  EXPECT_EQ(average.freedom, 38);
  EXPECT_THAT(average.folds, ElementsAre(0, 1));
}

TEST(Bootstrap, IsDeterministicAndSeeded) {
  const auto table = made_table({}, first_half);
  EXPECT_EQ(wa_of(table).replicates, wa_of(table).replicates);
  EXPECT_NE(wa_of(table).replicates, wa_of(table, {.seed = 2}).replicates);
}

TEST(Bootstrap, FoldsTestedOnTheSameDialoguesShareTheirResamples) {
  // Two models on one test set carry no more information than one.
  PredictionTable twice = made_table({.folds = 1}, first_half);
  const Interval once = interval_of(wa_of(twice), 0.95);
  TestFold copy = twice.folds[0];
  copy.fold = 1;
  twice.folds.push_back(copy);
  auto cell = twice.cells[0];
  cell.fold = 1;
  twice.cells.push_back(cell);
  const Resampled number = wa_of(twice);
  EXPECT_EQ(number.freedom, 19);
  EXPECT_NEAR(interval_of(number, 0.95).low, once.low, 1e-12);
}

TEST(Bootstrap, SaysWhyItIsNotComputable) {
  const auto reason = [](const PredictionTable& table, const std::string& metric = "wa") {
    const auto number = number_in(resample(table, {}), "a", metric);
    const Interval interval = interval_of(number, 0.95);
    EXPECT_FALSE(interval.is_computable());
    EXPECT_TRUE(std::isnan(interval.low) && std::isnan(interval.high));
    EXPECT_TRUE(std::isnan(p_value_of(number)));
    return interval.missing;
  };
  EXPECT_THAT(reason(made_table({.folds = 3, .dialogues = 1}, first_half)),
              HasSubstr("fold 1 tests one dialogue"));
  EXPECT_EQ(reason(made_table({.folds = 2, .dialogues = 3}, first_half)),
            "6 test dialogues in 2 folds are too few, 7 are needed");
  PredictionTable overlapping = made_table({.folds = 2}, first_half);
  overlapping.folds[1].dialogues[0] = overlapping.folds[0].dialogues[0];
  EXPECT_THAT(reason(overlapping), HasSubstr("folds 1 and 2 share some test dialogues"));
  PredictionTableBuilder builder({TaskKind::kClass, {"calm", "angry"}}, {"acoustic", "textual"});
  builder.start("unified", Pattern(1), 0, 1);
  const auto add = [&](int d, double truth, double predicted) {
    builder.add({.dialogue = fmt::format("d{}", d),
                 .utterance = fmt::format("u{}", d),
                 .speaker = "",
                 .truth = truth,
                 .predicted = predicted});
  };
  for (int d = 0; d < 30; ++d) add(d, 1, d % 2);
  EXPECT_EQ(reason(builder.finish()), "all test utterances are of one class (angry)");
  EXPECT_TRUE(std::isnan(number_in(resample(builder.finish(), {}), "a", "wa").estimate));
  add(30, 0, 0);  // one calm utterance among 31
  EXPECT_THAT(reason(builder.finish(), "recall.calm"), HasSubstr("too few test utterances"));
}

TEST(Bootstrap, RefusesOptionsOutOfRange) {
  const auto table = made_table({}, first_half);
  EXPECT_THAT(message_of<ConfigError>([&] { (void)resample(table, {.resamples = 9}); }),
              HasSubstr("9 resamples"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)resample(table, {.level = 95}); }),
              HasSubstr("level 95"));
  EXPECT_THROW((void)interval_of(wa_of(table), 0.2), ConfigError);
}

TEST(Bootstrap, SeedsThatDifferByTheChoiceOfDialoguesAloneAddNothing) {
  // Answers of two seeds drawn independently with equal chance: only the utterances differ.
  Generator generator(7);
  const auto table = made_table({.dialogues = 60, .utterances = 6, .seeds = {1, 2, 3, 4, 5, 6}},
                                [&](const MadePlace&) { return draw_unit(generator) < 0.5; });
  const Resampled number = wa_of(table);
  ASSERT_EQ(number.seed_replicates.size(), 6U);
  // A deviation of .5 / sqrt(360) between seeds would give an error of .0108.
  EXPECT_LT(seed_spread_of(number).error, 0.006);
}

TEST(Bootstrap, OneSeedLearnsTheSpreadOfTrainingFromTheFoldsOfADifference) {
  // Right in 5, 6, 7, 8 and 9 of ten utterances in the folds' dialogues, against 3 in all.
  const MadeSize size = {.folds = 5, .dialogues = 6, .utterances = 10};
  const auto rising =
      wa_of(made_table(size, [](const MadePlace& p) { return p.utterance < 5 + p.fold; }));
  const auto level = wa_of(made_table(size, [](const MadePlace& p) { return p.utterance < 3; }));
  EXPECT_EQ(seed_spread_of(rising).error, 0) << "folds of a number may differ in difficulty";
  const auto difference = difference_of(rising, level);
  EXPECT_EQ(seed_spread_of(difference).freedom, 4);
  EXPECT_NEAR(seed_spread_of(difference).error, std::sqrt(0.025 / 5), 1e-9);
  const Interval interval = interval_of(difference, 0.95);
  const double half = t_quantile(0.975, 4) * std::sqrt(0.025 / 5);  // .196
  EXPECT_NEAR(interval.high - 0.4, half, 0.02);
}

TEST(Equivalence, IsTheLargerOfTwoOneSidedTests) {
  const MadeSize size = {.dialogues = 40, .utterances = 10};
  const auto worse = wa_of(made_table(size, [](const MadePlace& p) { return p.utterance < 5; }));
  const auto gain = [&](int every) {
    return difference_of(wa_of(made_table(size,
                                          [&](const MadePlace& p) {
                                            return p.utterance < 5 ||
                                                   (p.utterance == 5 && p.dialogue % every == 0);
                                          })),
                         worse);
  };
  // 1 point +- .5: within 3, not within .5.
  const auto small = gain(10);
  EXPECT_NEAR(small.estimate, 0.01, 1e-12);
  EXPECT_LT(equivalence_p_of(small, 0.03), 0.01);
  EXPECT_GT(equivalence_p_of(small, 0.005), 0.5);
  EXPECT_NEAR(equivalence_p_of(small, 0.01), 0.5, 0.1) << "at the margin itself";
  const auto none = difference_of(worse, worse);
  EXPECT_NEAR(equivalence_p_of(none, 0.01), 1.0 / 2001, 1e-12);
}

TEST(Bootstrap, PairingRemovesWhatBothShare) {
  // Hard and easy dialogues; the second is right wherever the first is, and in two of ten more.
  const MadeSize size = {.dialogues = 40, .utterances = 10};
  const auto worse =
      made_table(size, [](const MadePlace& p) { return p.utterance < 2 + p.dialogue % 6; });
  const auto better =
      made_table(size, [](const MadePlace& p) { return p.utterance < 4 + p.dialogue % 6; });
  const Resampled difference = difference_of(wa_of(better), wa_of(worse));
  EXPECT_NEAR(difference.estimate, 0.2, 1e-12);
  const Interval interval = interval_of(difference, 0.95);
  EXPECT_NEAR(interval.low, 0.2, 1e-9) << "the gain is the same in every dialogue";
  EXPECT_NEAR(interval.high, 0.2, 1e-9);
  EXPECT_NEAR(p_value_of(difference), 2.0 / 2001, 1e-12);
  EXPECT_DOUBLE_EQ(p_value_of(difference_of(wa_of(better), wa_of(better))), 1);
}

TEST(Bootstrap, DifferencesOfUnequalSeedsAreNotComputable) {
  const auto two = made_table({.seeds = {1, 2}}, first_half);
  const auto one = made_table({.seeds = {1}}, first_half);
  EXPECT_THAT(interval_of(difference_of(wa_of(two), wa_of(one)), 0.95).missing,
              HasSubstr("other folds or seeds"));
}

// ---- properties: coverage of the interval -----------------------------------------------------

/// A model in which dialogues differ in difficulty and seeds in accuracy; the true accuracy is
/// known.
struct World {
  int folds = 1;
  int dialogues = 12;
  std::vector<std::int64_t> seeds = {1, 2, 3};
  double seed_deviation = 0.02;
  double gain = 0;  ///< gain of the second method
};

PredictionTable draw_world(const World& world, Generator& generator, bool is_second) {
  std::vector<double> luck;
  for (std::size_t s = 0; s < world.seeds.size(); ++s) {
    luck.push_back(world.seed_deviation * draw_normal(generator));
  }
  // Dialogues of a table and its partner must have equal difficulty, which therefore has its own
  // stream.
  const MadeSize size = {
      .folds = world.folds, .dialogues = world.dialogues, .utterances = 6, .seeds = world.seeds};
  std::vector<double> difficulty;
  for (int d = 0; d < world.folds * world.dialogues; ++d) {
    difficulty.push_back(0.5 + 0.3 * (draw_unit(generator) - 0.5));
  }
  return made_table(size, [&](const MadePlace& p) {
    const auto dialogue = static_cast<std::size_t>(p.fold * world.dialogues + p.dialogue);
    const double chance = difficulty[dialogue] + luck[static_cast<std::size_t>(p.seed - 1)] +
                          (is_second ? world.gain : 0);
    return draw_unit(generator) < chance;
  });
}

double coverage_of(const World& world) {
  constexpr int kWorlds = 400;
  int held = 0;
  for (int w = 0; w < kWorlds; ++w) {
    Generator generator(1000 + static_cast<std::uint64_t>(w));
    const auto table = draw_world(world, generator, false);
    const Interval interval = interval_of(wa_of(table, {.resamples = 400}), 0.95);
    held += interval.low <= 0.5 && 0.5 <= interval.high ? 1 : 0;
  }
  return static_cast<double>(held) / kWorlds;
}

// Standard error of a coverage of .95 over 400 worlds: .011.
TEST(BootstrapCoverage, HoldsForFewDialogues) {
  const double coverage = coverage_of({.dialogues = 8, .seeds = {1}, .seed_deviation = 0});
  EXPECT_GE(coverage, 0.91);
  EXPECT_LE(coverage, 0.99);
}

TEST(BootstrapCoverage, HoldsForSeveralFoldsAndSeeds) {
  const double coverage = coverage_of({.folds = 4, .dialogues = 6, .seed_deviation = 0.03});
  EXPECT_GE(coverage, 0.92);
  EXPECT_LE(coverage, 0.995);
}

TEST(BootstrapCoverage, HoldsWhenSeedsDominate) {
  const double coverage = coverage_of({.dialogues = 30, .seeds = {1, 2}, .seed_deviation = 0.1});
  EXPECT_GE(coverage, 0.92);
}

TEST(BootstrapCoverage, ADifferenceThatIsNoneIsRarelyCalledOne) {
  constexpr int kWorlds = 400;
  int alarms = 0;
  for (int w = 0; w < kWorlds; ++w) {
    Generator generator(5000 + static_cast<std::uint64_t>(w));
    const World world = {.folds = 2, .dialogues = 8};
    const auto first = wa_of(draw_world(world, generator, false), {.resamples = 400});
    const auto second = wa_of(draw_world(world, generator, true), {.resamples = 400});
    alarms += p_value_of(difference_of(first, second)) <= 0.05 ? 1 : 0;
  }
  EXPECT_LE(alarms, 32) << "8 % of 400; 5 % would be 20, its deviation 4.4";
}

}  // namespace
}  // namespace hardy
