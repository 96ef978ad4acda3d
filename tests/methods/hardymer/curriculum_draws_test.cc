#include "methods/hardymer/curriculum_draws.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <memory>

#include "methods/hardymer/settings.h"
#include "support/tiny_experiment.h"

namespace hardy::test {
namespace {

class CurriculumDrawsTest : public ::testing::Test {
 protected:
  CurriculumDrawsTest() : corpus_(tiny_corpus(2)), config_(tiny_config()) {
    data_ = make_fold_data(corpus_, make_feature_table(corpus_, at::kCPU),
                           make_folds(corpus_, config_.protocol).front(),
                           std::make_shared<Objective>(corpus_, at::kCPU));
    hardymer_settings(config_).retrieval.supports = SupportUse::kWeights;
    const auto n = data_.train.size();
    plan_.patterns = {Pattern(1), Pattern(2)};
    plan_.supports.resize(2);
    for (auto& supports : plan_.supports) supports.of.resize(n);
    // Rows 1 and 2 are supported by row 0 under the second pattern, row 1 also by row 3.
    plan_.supports[1].of[0] = {1, 2};
    plan_.supports[1].of[3] = {1};
  }

  /// The training utterances in order, as one dialogue.
  [[nodiscard]] BatchPlan all_rows() const {
    BatchPlan plan;
    for (const auto u : data_.train) plan.rows.push_back({u, 0, -1, Pattern::complete(2)});
    plan.close_dialogue();
    return plan;
  }

  Corpus corpus_;
  Config config_;
  FoldData data_;
  CurriculumPlan plan_;
};

TEST_F(CurriculumDrawsTest, TheWeightOfADrawnPatternIsTheMeanOfItsVisits) {
  const CurriculumDraws draws(data_, config_, plan_);
  const BatchPlan plan = all_rows();
  const auto weights = draws.weights(plan, std::vector<std::size_t>(plan.rows.size(), 0), at::kCPU);
  // Visits under the two patterns: row 0: 1 and 1; row 1: 1 and 3; row 2: 1 and 2.
  EXPECT_FLOAT_EQ(weights[0].item<float>(), 1.0F);
  EXPECT_FLOAT_EQ(weights[1].item<float>(), 2.0F);
  EXPECT_FLOAT_EQ(weights[2].item<float>(), 1.5F);
}

TEST_F(CurriculumDrawsTest, WhereDialoguesDrawTheWeightIsThatOfTheDrawnPattern) {
  hardymer_settings(config_).recogniser.pattern_unit = PatternUnit::kDialogue;
  const CurriculumDraws draws(data_, config_, plan_);
  const BatchPlan plan = all_rows();
  const auto first = draws.weights(plan, std::vector<std::size_t>(plan.rows.size(), 0), at::kCPU);
  const auto second = draws.weights(plan, std::vector<std::size_t>(plan.rows.size(), 1), at::kCPU);
  EXPECT_FLOAT_EQ(first[1].item<float>(), 1.0F);
  EXPECT_FLOAT_EQ(second[1].item<float>(), 3.0F);
}

/// Frequency of the second of two patterns for one row, in 2000 draws.
double second_share(const CurriculumDraws& draws, const BatchPlan& all, std::size_t row) {
  Generator generator = Seeds(4).stream("test");
  int second = 0;
  for (int i = 0; i < 2000; ++i) {
    BatchPlan plan;
    plan.rows = {all.rows[row]};
    plan.close_dialogue();
    const auto choice = draws.draw_patterns(plan, generator);
    second += choice[0] == 1 ? 1 : 0;
    EXPECT_EQ(plan.rows[0].pattern, Pattern(choice[0] == 1 ? 2 : 1));
  }
  return second / 2000.0;
}

TEST_F(CurriculumDrawsTest, PatternsAreDrawnInProportionToTheirVisits) {
  const CurriculumDraws draws(data_, config_, plan_);
  // 3 of 4, 1 of 2, 2 of 3, within four standard deviations.
  EXPECT_NEAR(second_share(draws, all_rows(), 1), 0.75, 0.04);
  EXPECT_NEAR(second_share(draws, all_rows(), 0), 0.50, 0.045);
  EXPECT_NEAR(second_share(draws, all_rows(), 2), 0.667, 0.042);
}

TEST_F(CurriculumDrawsTest, WithoutWeightsPatternsAreDrawnEvenly) {
  hardymer_settings(config_).retrieval.supports = SupportUse::kMix;
  const CurriculumDraws draws(data_, config_, plan_);
  EXPECT_FALSE(draws.gives_weights());
  EXPECT_TRUE(draws.gives_mixtures());
  EXPECT_NEAR(second_share(draws, all_rows(), 1), 0.5, 0.045);
}

TEST_F(CurriculumDrawsTest, PartnersAreTheSupportsOfTheRowsOwnPattern) {
  hardymer_settings(config_).retrieval.supports = SupportUse::kMix;
  hardymer_settings(config_).retrieval.k = 1;
  hardymer_settings(config_).retrieval.mix_rate = 1;
  plan_.supports[0].of[0] = {5};
  plan_.supports[1].of[0] = {6};
  const CurriculumDraws draws(data_, config_, plan_);
  BatchPlan plan;
  plan.rows = {all_rows().rows[0], all_rows().rows[0], all_rows().rows[4]};
  plan.close_dialogue();
  Generator generator = Seeds(4).stream("test");
  const auto mixture = draws.draw_mixture(plan, {0, 1, 1}, at::kCPU, generator);
  EXPECT_EQ(mixture.partners()[0].item<std::int64_t>(), data_.train[5]);
  EXPECT_EQ(mixture.partners()[1].item<std::int64_t>(), data_.train[6]);
  EXPECT_EQ(mixture.partners()[2].item<std::int64_t>(), data_.train[4]);  // it has no support
}

}  // namespace
}  // namespace hardy::test
