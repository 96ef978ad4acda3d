#include "analysis/pooled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "analysis/comparison.h"
#include "analysis/distributions.h"
#include "hardy/metrics.h"
#include "tests/analysis/made_predictions.h"

namespace hardy {
namespace {

using test::made_table;
using test::MadePlace;
using test::MadeSize;
using test::number_in;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A difference of one training over `dialogues` dialogues of ten utterances, right in one more
/// utterance of every dialogue in which `bonus` holds.
template <typename Bonus>
Resampled made_difference(const MadeSize& size, const Bonus& bonus) {
  const auto of = [&](bool is_second) {
    return number_in(resample(made_table(size,
                                         [&](const MadePlace& p) {
                                           return p.utterance < 3 ||
                                                  (p.utterance == 3 && !is_second && bonus(p));
                                         }),
                              {}),
                     "a", "wa");
  };
  return difference_of(of(false), of(true));
}

const MadeSize kTwenty = {.dialogues = 20, .utterances = 10};
const MadeSize kTen = {.dialogues = 10, .utterances = 10};

bool is_even(const MadePlace& p) { return p.dialogue % 2 == 0; }

TEST(Satterthwaite, MatchesItsFormula) {
  EXPECT_NEAR(satterthwaite({{2, 4}, {1, 10}}), 9 / (4 / 4.0 + 1 / 10.0), 1e-12);
  EXPECT_NEAR(satterthwaite({{3, 7}}), 7, 1e-12);
  EXPECT_TRUE(std::isinf(satterthwaite({{0, 4}})));
}

TEST(Pool, IsTheMeanOfTheCorporaWithTheErrorOfIndependentOnes) {
  const auto first = made_difference(kTwenty, is_even);
  const auto second = made_difference(kTen, [](const MadePlace& p) { return p.dialogue == 0; });
  const Pooled pooled = pool({{"one", first}, {"two", second}}, 0.95, 0.01);
  EXPECT_NEAR(pooled.estimate, (0.05 + 0.01) / 2, 1e-12);
  const double a = mean_and_deviation(first.replicates).deviation;
  const double b = mean_and_deviation(second.replicates).deviation;
  EXPECT_NEAR(pooled.error, std::sqrt(a * a + b * b) / 2, 1e-12);
  EXPECT_NEAR(pooled.freedom, satterthwaite({{a * a, 19}, {b * b, 9}}), 1e-9);
  EXPECT_NEAR(pooled.interval.high - pooled.estimate,
              t_quantile(0.975, pooled.freedom) * pooled.error, 1e-12);
  EXPECT_NEAR(pooled.p, two_sided_t_probability(pooled.estimate / pooled.error, pooled.freedom),
              1e-12);
  EXPECT_GT(pooled.equivalence_p, 0.5) << "3 points are not within 1";
  ASSERT_EQ(pooled.parts.size(), 2U);
  EXPECT_EQ(pooled.parts[1].name, "two");
}

TEST(Pool, SaysLevelOnlyWithinTheMargin) {
  const auto none = [](const MadePlace&) { return false; };
  auto pooled = pool(
      {{"one", made_difference(kTwenty, none)}, {"two", made_difference(kTen, none)}}, 0.95, 0.01);
  pooled.first_name = "A";
  pooled.second_name = "B";
  EXPECT_DOUBLE_EQ(pooled.p, 1);
  EXPECT_DOUBLE_EQ(pooled.equivalence_p, 0);
  EXPECT_THAT(verdict(pooled, 0.95, 0.01),
              AllOf(StartsWith("A is better than B by 0.00 points [0.00, 0.00] over 2 corpora"),
                    HasSubstr("not beyond chance; level within 1 point (p = 0.000)")));
  auto better = pool({{"one", made_difference(kTwenty, is_even)}}, 0.95, 0.02);
  better.first_name = "B";
  better.second_name = "A";
  EXPECT_THAT(verdict(better, 0.95, 0.02),
              AllOf(StartsWith("B is better than A by 5.00 points"), HasSubstr("p < 0.001: beyond"),
                    ::testing::Not(HasSubstr("level"))));
}

TEST(Pool, OneCorpusWithoutIntervalGivesNone) {
  auto broken = made_difference(kTen, is_even);
  broken.missing = "fold 1 tests one dialogue";
  const auto pooled =
      pool({{"one", made_difference(kTwenty, is_even)}, {"two", broken}}, 0.95, 0.01);
  EXPECT_TRUE(std::isnan(pooled.p));
  EXPECT_EQ(verdict(pooled, 0.95, 0.01), "not computable because two: fold 1 tests one dialogue");
}

}  // namespace
}  // namespace hardy
