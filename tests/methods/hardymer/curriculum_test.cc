#include "methods/hardymer/curriculum.h"

#include "methods/hardymer_published/published.h"

#include <gtest/gtest.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

NeighbourTable table_of_three() {
  NeighbourTable table;
  table.k = 4;
  table.ids = {1, 2, -1, -1, 0, 2, -1, -1, 1, 0, -1, -1};
  table.distances.assign(12, 1.0F);
  table.counts = {2, 2, 2};
  return table;
}

TEST(Curriculum, HarderUtterancesGetMoreSupports) {
  // ceil(H K) with K = 4: .2 -> 1, .3 -> 2, .9 -> 4, limited to the two candidates.
  const auto supports = choose_supports(std::vector<float>{0.2F, 0.3F, 0.9F}, table_of_three());
  EXPECT_EQ(supports.of[0], (std::vector<std::int64_t>{1}));
  EXPECT_EQ(supports.of[1], (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(supports.of[2], (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(supports.longest(), 2U);
}

TEST(Curriculum, EveryoneGetsAtLeastOneSupport) {
  const auto supports = choose_supports(std::vector<float>(3, 1e-6F), table_of_three());
  for (const auto& list : supports.of) EXPECT_EQ(list.size(), 1U);
}

TEST(Curriculum, VisitsSumToUtterancesPlusSupports) {
  const auto visits =
      count_visits(choose_supports(std::vector<float>{0.2F, 0.3F, 0.9F}, table_of_three()));
  // 0 supports 1 and 2; 1 supports 0 and 2; 2 supports 1.
  EXPECT_EQ(visits, (std::vector<float>{3, 3, 2}));
}

TEST(Curriculum, RefusesScoresOfOtherUtterances) {
  EXPECT_THROW(choose_supports(std::vector<float>{1}, table_of_three()), ShapeError);
}

TEST(Curriculum, DefectH16PutsTheUtteranceInFrontOfItsSupports) {
  const Supports filled = filled_with_self({{{1, 2}, {}, {0, 1, 2}}}, 3);
  EXPECT_EQ(filled.of[0], (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(filled.of[1], (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(filled.of[2], (std::vector<std::int64_t>{0, 1, 2}));
}

}  // namespace
}  // namespace hardy
