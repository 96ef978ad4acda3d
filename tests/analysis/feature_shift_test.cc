// Shift of features, by hand.
#include "analysis/feature_shift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <nlohmann/json.hpp>

#include "tests/support/random_bundle.h"
#include "tests/support/small_corpus.h"

namespace hardy {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;

/// One modality of two columns.
Corpus columns(std::vector<float> values) {
  Corpus corpus;
  const auto count = values.size() / 2;
  corpus.modalities.push_back(
      {"acoustic", 2, std::move(values), std::vector<std::uint8_t>(count, 1)});
  return corpus;
}

TEST(FeatureShift, MomentsAreOverUtterancesThatHaveTheModality) {
  const auto moments = moments_of(test::small_corpus());
  ASSERT_EQ(moments.size(), 2U);
  EXPECT_EQ(moments[1].utterances, 4);  // u1 lacks it
  EXPECT_DOUBLE_EQ(moments[1].mean[0], (1.5 + 2.5 + 3.5 - 1) / 4);
  EXPECT_DOUBLE_EQ(moments[1].variance[0],
                   (1.5 * 1.5 + 2.5 * 2.5 + 3.5 * 3.5 + 1) / 4 - 1.625 * 1.625);
}

TEST(FeatureShift, DifferenceAndRatioByHand) {
  const auto source = moments_of(columns({0, 0, 2, 2}));  // means 1, 1; variances 1, 1
  const auto shifts = feature_shift(source, columns({2, 1, 6, 1.5F}));  // 4, 1.25; 4, 0.0625
  ASSERT_EQ(shifts.size(), 1U);
  const double first = 3 / std::sqrt(2.5);
  const double second = 0.25 / std::sqrt(1.0625 / 2);
  EXPECT_DOUBLE_EQ(shifts[0].difference, (first + second) / 2);
  EXPECT_DOUBLE_EQ(shifts[0].shifted, 1);
  EXPECT_NEAR(shifts[0].ratio, 0.5, 1e-12);  // sqrt(4 / 16)
  EXPECT_DOUBLE_EQ(shifts[0].unequal, 1);
  EXPECT_TRUE(std::isnan(shifts[0].clipped));
  const auto none = feature_shift(source, columns({0, 0, 2, 2}));
  EXPECT_DOUBLE_EQ(none[0].difference, 0);
  EXPECT_DOUBLE_EQ(none[0].shifted, 0);
  EXPECT_DOUBLE_EQ(none[0].ratio, 1);
  EXPECT_DOUBLE_EQ(none[0].unequal, 0);
}

TEST(FeatureShift, ConstantColumnsAreCountedApart) {
  const auto shifts = feature_shift(moments_of(columns({0, 5, 2, 5})), columns({0, 7, 2, 9}));
  EXPECT_EQ(shifts[0].fixed, 1);
  EXPECT_DOUBLE_EQ(shifts[0].difference, 0);
  EXPECT_THAT(shift_text(shifts), HasSubstr("1 of its columns are constant on one side"));
}

TEST(FeatureShift, AModalityThatTheCorpusLacksIsUndefined) {
  Corpus target = columns({1, 2, 3, 4});
  target.modalities[0].present = {0, 0};
  const auto shifts = feature_shift(moments_of(columns({0, 0, 2, 2})), target);
  EXPECT_EQ(shifts[0].utterances, 0);
  EXPECT_TRUE(std::isnan(shifts[0].difference));
  const auto json = nlohmann::json::parse(shift_json(shifts, "a", "b"));
  EXPECT_TRUE(json.at("modalities")[0].at("mean_difference").is_null());
}

TEST(FeatureShift, AModelTellsItsMomentsAndItsClipRange) {
  BundleInfo info = test::bundle_info({2}, 2, {.hidden = 4});
  info.limits_features = true;
  TensorFile file = test::random_bundle(info);
  const auto set = [&](const char* what, std::vector<float> values) {
    file.arrays["scaling.m0." + std::string(what)] = {{2}, std::move(values)};
  };
  set("mean", {1, -1});
  set("deviation", {2, 1});
  set("lowest", {-1, 0});
  set("highest", {1.5F, 0});
  const auto moments = stored_moments(view_of(file), info);
  EXPECT_THAT(moments[0].variance, ElementsAre(4, 0));  // the second was constant in training
  EXPECT_THAT(moments[0].lowest, ElementsAre(DoubleEq(-1), DoubleEq(-1)));
  EXPECT_THAT(moments[0].highest, ElementsAre(DoubleEq(4), DoubleEq(-1)));
  // Of the eight values -2, 4.5 and the three of the second column that are not -1 are outside.
  const auto shifts = feature_shift(moments, columns({-2, -1, 4.5F, 0, 4, 1, -1, 2}));
  EXPECT_DOUBLE_EQ(shifts[0].clipped, 5.0 / 8);
  EXPECT_EQ(shifts[0].fixed, 1);
}

}  // namespace
}  // namespace hardy
