// Areas under risk-coverage curves worked out by hand.
#include "metrics/risk_coverage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "hardy/metrics.h"

namespace hardy {
namespace {

TEST(RiskCoverage, IsTheMeanShareOfErrorsAmongTheMostConfident) {
  // Right, wrong, right, right: risks 0, 1/2, 1/3, 1/4. With the error last 0, 0, 0, 1/4.
  RiskCoverageSum sum;
  for (const double errors : {0, 1, 0, 0}) sum.add(1, errors);
  EXPECT_NEAR(sum.areas().area, (1.0 / 2 + 1.0 / 3 + 1.0 / 4) / 4, 1e-14);
  EXPECT_NEAR(sum.areas().excess, (1.0 / 2 + 1.0 / 3) / 4, 1e-14);
}

TEST(RiskCoverage, EqualConfidencesAreInRandomOrder) {
  RiskCoverageSum all;
  all.add(4, 1);
  EXPECT_NEAR(all.areas().area, .25, 1e-14);
  EXPECT_NEAR(all.areas().excess, .25 - .25 / 4, 1e-14);
  // After one right answer, a right and a wrong one: risks 0, 1/2 or 0, 1/3.
  RiskCoverageSum some;
  some.add(1, 0);
  some.add(2, 1);
  some.add(0, 0);
  EXPECT_NEAR(some.areas().area, (.25 + 1.0 / 3) / 3, 1e-14);
}

TEST(RiskCoverage, OfTheEnds) {
  EXPECT_TRUE(std::isnan(RiskCoverageSum().areas().area));
  EXPECT_TRUE(std::isnan(RiskCoverageSum().areas().excess));
  RiskCoverageSum wrong;
  wrong.add(3, 3);
  EXPECT_NEAR(wrong.areas().area, 1, 1e-14);
  EXPECT_NEAR(wrong.areas().excess, 0, 1e-14);
  RiskCoverageSum right;
  right.add(3, 0);
  EXPECT_EQ(right.areas().area, 0);
  EXPECT_EQ(right.areas().excess, 0);
}

TEST(RiskCoverage, LongRunsOfEqualsAgreeWithTheSum) {
  RiskCoverageSum sum;
  sum.add(30, 3);
  sum.add(1000, 400);
  sum.add(5, 5);
  double risks = 0;
  double all = 0;
  double errors = 0;
  const auto step = [&](int times, double share) {
    for (int k = 0; k < times; ++k) risks += (errors += share) / ++all;
  };
  step(30, .1);
  step(1000, .4);
  step(5, 1);
  EXPECT_NEAR(sum.areas().area, risks / all, 1e-12);
  double least = 0;  // 408 errors after 627 right answers
  for (int k = 628; k <= 1035; ++k) least += (k - 627) / static_cast<double>(k);
  EXPECT_NEAR(sum.areas().excess, (risks - least) / all, 1e-12);
}

TEST(RiskCoverage, ProbabilitiesAreOrderedByTheLargest) {
  // Confidences .9 (right), .6 (wrong), .6 (right), .7 (right).
  const std::vector<std::int64_t> truth = {0, 1, 1, 0};
  const std::vector<float> probabilities = {.9F, .1F, .6F, .4F, .4F, .6F, .7F, .3F};
  const auto metrics = probability_metrics(truth, probabilities, 2);
  EXPECT_NEAR(metrics.aurc, (0 + 0 + .5 / 3 + 1.0 / 4) / 4, 1e-12);
  EXPECT_NEAR(metrics.excess_aurc, .5 / 3 / 4, 1e-12);
}

}  // namespace
}  // namespace hardy
