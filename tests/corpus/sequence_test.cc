#include "corpus/sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "corpus/padding.h"

namespace hardy {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> reduce(const std::vector<float>& frames, std::int64_t width,
                          const SequenceRules& rules) {
  std::vector<float> out(static_cast<std::size_t>(rules.vector_width(width)), -1.0F);
  return reduce_sequence(frames, width, rules, out.data()).is_present ? out : std::vector<float>{};
}

TEST(Sequence, MeanAndPopulationDeviation) {
  EXPECT_THAT(reduce({1, 10, 3, 20}, 2, {}), ElementsAre(2, 15));
  EXPECT_THAT(reduce({1, 10, 3, 20}, 2, {.has_deviation = true}), ElementsAre(2, 15, 1, 5));
  EXPECT_THAT(reduce({7, 8}, 2, {.has_deviation = true}), ElementsAre(7, 8, 0, 0));
  EXPECT_TRUE(reduce({}, 2, {}).empty());
}

TEST(Sequence, DeviationSurvivesALargeConstantPart) {
  const auto out = reduce({16777216, 16777218, 16777220}, 1, {.has_deviation = true});
  EXPECT_THAT(out, ElementsAre(16777218, FloatNear(1.6329932F, 1e-6F)));
}

TEST(Sequence, UnusableValuesAreRefusedSkippedOrMissing) {
  const std::vector<float> frames = {1, 2, kInfinity, 4, 5, 6};
  std::vector<float> out(2);
  const auto refused = reduce_sequence(frames, 2, {}, out.data());
  EXPECT_FALSE(refused.is_present);
  ASSERT_TRUE(refused.bad.has_value());
  EXPECT_EQ(refused.bad->frame, 1);
  EXPECT_EQ(refused.bad->column, 0);
  const auto skipped = reduce_sequence(frames, 2, {.bad = BadFeatures::kSkipFrames}, out.data());
  EXPECT_TRUE(skipped.is_present);
  EXPECT_EQ(skipped.skipped, 1);
  EXPECT_THAT(out, ElementsAre(3, 4));
  EXPECT_TRUE(reduce(frames, 2, {.bad = BadFeatures::kMissing}).empty());
  EXPECT_TRUE(reduce({1e30F}, 1, {.bad = BadFeatures::kSkipFrames}).empty());
}

TEST(Padding, ZeroFramesAtBothEndsOnly) {
  const std::vector<float> frames = {0, 0, 1, 0, 0, 0, 2, 2, 0, 0};
  EXPECT_THAT(strip_padding(frames, 2), ElementsAre(1, 0, 0, 0, 2, 2));
  EXPECT_TRUE(strip_padding(std::vector<float>(6, 0.0F), 2).empty());
}

TEST(Padding, LengthCountsFromTheSideThatHasValues) {
  const auto kept = [](std::vector<float> frames, double length) {
    const PaddedFrames padded = without_padding({{length}, {}}, 0, 1, frames);
    return std::pair(std::vector<float>(padded.frames.begin(), padded.frames.end()),
                     padded.is_contradictory);
  };
  EXPECT_EQ(kept({1, 2, 0, 0}, 2), std::pair(std::vector<float>({1, 2}), false));
  EXPECT_EQ(kept({0, 0, 1, 2}, 2), std::pair(std::vector<float>({1, 2}), false));
  EXPECT_EQ(kept({1, 0, 0, 0}, 2), std::pair(std::vector<float>({1, 0}), false));
  EXPECT_EQ(kept({1, 2, 3, 4}, 2), std::pair(std::vector<float>({1, 2}), true));
  EXPECT_EQ(kept({1, 2, 3, 4}, 9), std::pair(std::vector<float>({1, 2, 3, 4}), false));
  EXPECT_EQ(kept({0, 0, 0, 0}, 0), std::pair(std::vector<float>(), false));
  EXPECT_EQ(kept({0, 5, 0, 0}, 0), std::pair(std::vector<float>(), true));
  EXPECT_EQ(kept({5, 5}, std::numeric_limits<double>::quiet_NaN()).first.size(), 0U);
}

TEST(Padding, MaskPicksFrames) {
  std::vector<float> frames = {1, 1, 2, 2, 3, 3};
  const NumberRows mask{3, {0, 0, 0, 1, 0, 1}};
  const PaddedFrames padded = without_padding({{}, mask}, 1, 2, frames);
  EXPECT_THAT(padded.frames, ElementsAre(1, 1, 3, 3));
}

}  // namespace
}  // namespace hardy
