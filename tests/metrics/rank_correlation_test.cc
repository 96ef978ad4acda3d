// Spearman's correlation against values worked by hand.
#include "metrics/rank_correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hardy/errors.h"

namespace hardy {
namespace {

using Values = std::vector<double>;
using ::testing::ElementsAre;

TEST(RankCorrelation, EqualValuesShareTheirMeanRank) {
  EXPECT_THAT(mean_ranks(Values{30, 10, 20, 10}), ElementsAre(4, 1.5, 3, 1.5));
}

TEST(RankCorrelation, MatchesHandWorkedValues) {
  // d = 1, 1, 0, 0: 1 - 6 * 2 / (4 * 15) = .8
  EXPECT_DOUBLE_EQ(rank_correlation(Values{1, 2, 3, 4}, Values{2, 1, 3, 4}), 0.8);
  EXPECT_DOUBLE_EQ(rank_correlation(Values{1, 2, 3}, Values{-1, -8, -9}), -1.0);
  // Ranks 1.5 1.5 3 and 1 2 3: 1.5 / sqrt(1.5 * 2)
  EXPECT_DOUBLE_EQ(rank_correlation(Values{5, 5, 6}, Values{1, 2, 3}), 1.5 / std::sqrt(3.0));
}

TEST(RankCorrelation, MonotoneMapsChangeNothing) {
  const Values x = {3, 1, 4, 1.5, 9, 2.6};
  const Values y = {2, 7, 1, 8, 2.8, 1.8};
  Values mapped;
  for (const double value : x) mapped.push_back(std::exp(value));
  EXPECT_DOUBLE_EQ(rank_correlation(x, y), rank_correlation(mapped, y));
}

TEST(RankCorrelation, UndefinedWithoutVariationOrPairs) {
  EXPECT_TRUE(std::isnan(rank_correlation(Values{1, 1, 1}, Values{1, 2, 3})));
  EXPECT_TRUE(std::isnan(rank_correlation(Values{1, 2}, Values{1, 2})));
  EXPECT_TRUE(std::isnan(rank_correlation(Values{}, Values{})));
  EXPECT_THROW(rank_correlation(Values{1, 2, 3}, Values{1, 2}), ShapeError);
}

}  // namespace
}  // namespace hardy
