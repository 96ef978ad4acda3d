#include "methods/hardymer/score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "hardy/errors.h"

namespace hardy {
namespace {

const std::vector<float> kDirect = {1.0F, 3.0F, 2.0F};
const std::vector<float> kIndirect = {4.0F, 0.0F, 2.0F};

/// The score of Eq. 10 as printed.
HardnessConfig printed() {
  HardnessConfig config;
  config.centre = ScoreCentre::kPaper;
  return config;
}

TEST(Score, FollowsEquation10) {
  // D~ = 0, 1, .5 and I~ = 1, 0, .5; alpha .6, .4; beta 4.
  const auto score = unified_score(kDirect, kIndirect, printed());
  EXPECT_NEAR(score[0], 1 / (1 + std::exp(-4 * 0.4)), 1e-6);
  EXPECT_NEAR(score[1], 1 / (1 + std::exp(-4 * 0.6)), 1e-6);
  EXPECT_NEAR(score[2], 1 / (1 + std::exp(-4 * 0.5)), 1e-6);
}

TEST(Score, PaperCentreNeverFallsBelowOneHalfAndMiddleSpansTheUnitInterval) {
  HardnessConfig config = printed();
  for (const float h : unified_score(kDirect, kIndirect, config)) EXPECT_GE(h, 0.5F);
  config.centre = ScoreCentre::kMiddle;
  config.components = HardnessTerms::kDirect;
  const auto score = unified_score(kDirect, kIndirect, config);
  // centre .3: -beta (0 - .3) and -beta (.6 - .3)
  EXPECT_NEAR(score[0], 1 / (1 + std::exp(1.2)), 1e-6);
  EXPECT_NEAR(score[1], 1 / (1 + std::exp(-1.2)), 1e-6);
}

TEST(Score, ConsistencySignTurnsWeakConsistencyHard) {
  HardnessConfig config;
  config.components = HardnessTerms::kIndirect;
  const auto paper = unified_score(kDirect, kIndirect, config);
  config.indirect_sign = IndirectSign::kConsistency;
  const auto prose = unified_score(kDirect, kIndirect, config);
  EXPECT_GT(paper[0], paper[1]);
  EXPECT_LT(prose[0], prose[1]);
}

TEST(Score, WithoutComponentsEveryoneGetsEverySupport) {
  HardnessConfig config;
  config.components = HardnessTerms::kNone;
  EXPECT_EQ(unified_score(kDirect, kIndirect, config), std::vector<float>(3, 1.0F));
}

TEST(Score, ConstantHardnessGivesEqualScoresNotNan) {
  const std::vector<float> same(4, 2.5F);
  const auto score = unified_score(same, same, printed());
  for (const float h : score) EXPECT_EQ(h, score[0]);
  EXPECT_FLOAT_EQ(score[0], 0.5F);
}

TEST(Score, RefusesOtherSizesAndNan) {
  EXPECT_THROW(unified_score(kDirect, std::vector<float>{1}, HardnessConfig{}), ShapeError);
  const std::vector<float> bad = {1, std::numeric_limits<float>::quiet_NaN(), 2};
  EXPECT_THROW(unified_score(bad, kIndirect, HardnessConfig{}), DataError);
}

}  // namespace
}  // namespace hardy
