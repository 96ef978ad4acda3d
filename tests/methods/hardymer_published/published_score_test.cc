// Hardness as in the published code, computed by hand: defects H5b and H10.
#include "methods/hardymer_published/published_score.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "methods/hardymer/score.h"
#include "methods/hardymer_published/padded_layout.h"

namespace hardy {
namespace {

using Rows = std::vector<std::int64_t>;

// Three dialogues of 3, 1 and 2 utterances, padded to S = 3:
//   [B, S] flat: 0 1 2 | 3 . . | 4 5 .        (packed rows, . = padding)
//   [S, B] flat: 0 3 4 | 1 . 5 | 2 . .
// Read at the same flat index: row 0 <- 0, 3 <- 1, 4 <- 2, 1 <- 3, the first padding <- padding,
// 5 <- padding, 2 <- 4, the second padding (dialogue 1) <- 5, the last <- padding.
const Rows kOffsets = {0, 3, 4, 6};

TEST(PaddedLayout, ReadsAnotherUtterancesValue) {
  const auto read = misread(kOffsets);
  EXPECT_EQ(read.source, (Rows{0, 3, 4, 1, 2, -1}));
  EXPECT_EQ(read.padding, (Rows{1}));
}

TEST(PaddedLayout, OneDialogueOrDialoguesOfOneUtteranceAreReadRight) {
  EXPECT_EQ(misread({0, 4}).source, (Rows{0, 1, 2, 3}));
  EXPECT_EQ(misread({0, 1, 2, 3}).source, (Rows{0, 1, 2}));
  EXPECT_TRUE(misread({0, 4}).padding.empty());
}

TEST(PaddedLayout, AllowsEmptyDialogues) {
  // [B, S] flat: 0 1 | . . ; [S, B] flat: 0 . | 1 .
  const auto read = misread({0, 2, 2});
  EXPECT_EQ(read.source, (Rows{0, -1}));
  EXPECT_EQ(read.padding, (Rows{1}));
}

class PublishedScore : public ::testing::Test {
 protected:
  PublishedScore() {
    config_.components = HardnessTerms::kDirect;
    config_.centre = ScoreCentre::kPaper;
  }

  [[nodiscard]] float score_of(float scaled) const {
    const std::vector<float> direct = {scaled};
    const std::vector<float> none = {0.0F};
    return combine_scaled(direct, none, config_).front();
  }

  HardnessConfig config_;
  PublishedSettings published_;
  const std::vector<float> direct_ = {2, 4, 6, 8, 10, 1};
  const std::vector<float> indirect_ = std::vector<float>(6, 0.0F);
};

TEST_F(PublishedScore, WithoutDefectsIsTheUnifiedScore) {
  const auto score =
      published_score(direct_, indirect_, {{{0, 1, 2, 3, 4, 5}, kOffsets}}, config_, published_);
  EXPECT_EQ(score, unified_score(direct_, indirect_, config_));
}

TEST_F(PublishedScore, ScalesWithinTheBatchAndItsPadding) {
  published_.h5b_batch_scaling = true;
  // A batch of 2 and 1 utterances has padding: 2, 4, 6 over 0..6. One of 2 has none: 8, 10 over
  // 8..10. The last has one utterance: its range is 0.
  const std::vector<HardnessBatch> batches = {
      {{0, 1, 2}, {0, 2, 3}}, {{3, 4}, {0, 2}}, {{5}, {0, 1}}};
  const auto score = published_score(direct_, indirect_, batches, config_, published_);
  const float scaled[] = {2.0F / 6, 4.0F / 6, 1, 0, 1, 0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(score[i], score_of(scaled[i])) << i;
}

TEST_F(PublishedScore, GivesEveryUtteranceTheScoreAtItsPlaceInTheOtherLayout) {
  published_.h10_swapped_hardness = true;
  const auto honest = unified_score(direct_, indirect_, config_);
  const auto score =
      published_score(direct_, indirect_, {{{0, 1, 2, 3, 4, 5}, kOffsets}}, config_, published_);
  const std::int64_t source[] = {0, 3, 4, 1, 2};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(score[i], honest[static_cast<std::size_t>(source[i])]) << i;
  }
  EXPECT_FLOAT_EQ(score[5], score_of(0));
}

TEST_F(PublishedScore, DealsEveryDialogueOnce) {
  std::vector<Rows> dialogues;
  for (std::int64_t d = 0; d < 7; ++d) dialogues.push_back({2 * d, 2 * d + 1});
  Generator draws(3);
  const auto batches = deal_batches(dialogues, 3, draws);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].offsets, (Rows{0, 2, 4, 6}));
  EXPECT_EQ(batches[2].offsets, (Rows{0, 2}));
  std::set<std::int64_t> rows;
  for (const auto& batch : batches) rows.insert(batch.rows.begin(), batch.rows.end());
  EXPECT_EQ(rows.size(), 14U);
  EXPECT_NE(batches[0].rows, (Rows{0, 1, 2, 3, 4, 5}));  // shuffled
}

}  // namespace
}  // namespace hardy
