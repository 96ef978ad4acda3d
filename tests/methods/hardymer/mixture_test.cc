#include "methods/hardymer/mixture.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

namespace hardy {
namespace {

const Pattern kBothModalities = Pattern::complete(2);

/// Three utterances of two modalities; the last lacks the second one.
FeatureTable features_of_three() {
  FeatureTable table;
  table.features = {at::tensor({0.F, 0.F, 10.F, 10.F, 20.F, 20.F}).view({3, 2}),
                    at::tensor({1.F, 2.F, 0.F}).view({3, 1})};
  table.present = {kBothModalities, kBothModalities, Pattern(1)};
  table.speakers = {-1, -1, -1};
  return table;
}

TEST(Mixture, AnUtteranceWithoutSupportsStaysAsItIs) {
  Generator draws = Seeds(1).stream("test");
  MixtureDraw draw;
  draw_partner(features_of_three(), 1, {}, {.rate = 1, .share = 1, .k = 3}, draws, draw);
  EXPECT_EQ(draw.partners, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(draw.shares, (std::vector<float>{0}));
}

TEST(Mixture, MoreSupportsAreMixedMoreOften) {
  const auto table = features_of_three();
  // Utterance 2 has all modalities of these. With 3 of K = 4 supports: .8 * 3 / 4 = .6.
  const std::vector<std::int64_t> supports = {0, 1, 1};
  Generator draws = Seeds(2).stream("test");
  std::map<std::int64_t, int> counts;
  double shares = 0;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    MixtureDraw draw;
    draw_partner(table, 2, supports, {.rate = 0.8, .share = 0.5, .k = 4}, draws, draw);
    ++counts[draw.partners[0]];
    EXPECT_LT(draw.shares[0], 0.5F);
    EXPECT_EQ(draw.partners[0] == 2, draw.shares[0] == 0);
    shares += static_cast<double>(draw.shares[0]);
  }
  // Within four standard deviations.
  EXPECT_NEAR(counts[2], 0.4 * kDraws, 124);
  EXPECT_NEAR(counts[0], 0.2 * kDraws, 102);
  EXPECT_NEAR(counts[1], 0.4 * kDraws, 124);
  EXPECT_NEAR(shares / kDraws, 0.6 * 0.25, 0.015);
}

TEST(Mixture, ASupportThatLacksAModalityIsNotMixedIn) {
  Generator draws = Seeds(3).stream("test");
  const std::vector<std::int64_t> supports = {2};
  for (int i = 0; i < 50; ++i) {
    MixtureDraw draw;
    draw_partner(features_of_three(), 0, supports, {.rate = 1, .share = 1, .k = 1}, draws, draw);
    EXPECT_EQ(draw.partners[0], 0);
  }
}

TEST(Mixture, BlendsTheRowsThatAModalityHas) {
  const auto table = features_of_three();
  BatchPlan plan;
  plan.rows = {{0, 0, -1, kBothModalities}, {1, 1, -1, Pattern(1)}};
  plan.close_dialogue();
  Batch batch = make_batch(table, plan);
  const Mixture mixture({.partners = {1, 1}, .shares = {0.25F, 0}}, at::kCPU);
  mixture.blend_inputs(table, batch);
  // (1 - .25) 0 + .25 10; the second row is its own partner.
  EXPECT_TRUE(
      at::equal(batch.modalities[0].inputs, at::tensor({2.5F, 2.5F, 10.F, 10.F}).view({2, 2})));
  // Only row 0 has the second modality: .75 1 + .25 2.
  EXPECT_TRUE(at::equal(batch.modalities[1].inputs, at::tensor({1.25F}).view({1, 1})));
}

TEST(Mixture, DefaultMixesNothing) { EXPECT_FALSE(Mixture().is_used()); }

}  // namespace
}  // namespace hardy
