// Defects of the published code in training, one by one.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "methods/hardymer/estimate_hardness.h"
#include "methods/hardymer/hardness_module.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer_published/published.h"
#include "methods/hardymer_published/published_loss.h"
#include "methods/hardymer_published/published_selection.h"
#include "support/tiny_experiment.h"
#include "train/fold_data.h"

namespace hardy {
namespace {

/// Sum of the absolute gradients of the cross-attention's q, k, v and output projection after a
/// backward pass through the pseudo mutual information in training.
double attention_gradient(bool drops_attention) {
  BackboneOptions options;
  options.modality_names = {"acoustic", "textual"};
  options.widths = {5, 7};
  options.outputs = 3;
  options.encoder.hidden = 8;
  options.encoder.depth = 1;
  options.encoder.dropout = 0.3;
  options.drops_cross_attention = drops_attention;
  ParameterSet parameters;
  Generator initial = Seeds(1).stream("init");
  const HardnessModule module(options, parameters, initial);
  const auto z = [&](std::int64_t column) {
    return at::arange(6 * 8, at::TensorOptions(at::kFloat)).view({6, 8}).sin() *
           static_cast<double>(column);
  };
  const Segments segments{{0, 4, 6}, {}, {}};
  DropoutStream dropout(7);
  const auto information = module.information(0, z(1), z(2), segments, segments, dropout).sum();
  information.backward();
  double total = 0;
  int found = 0;
  for (const auto& [name, value] : parameters.all()) {
    const bool is_attention = name.ends_with(".q.weight") || name.ends_with(".kv.weight") ||
                              (name.starts_with("cross.") && name.ends_with(".proj.weight"));
    if (!is_attention || !name.starts_with("cross.")) continue;
    ++found;
    // Zero, but defined, so that the L2 penalty of Adam still moves the parameter.
    EXPECT_TRUE(value.grad().defined()) << name;
    if (value.grad().defined()) total += value.grad().abs().sum().item<double>();
  }
  EXPECT_EQ(found, 6);
  return total;
}

TEST(PublishedDefects, H9LeavesCrossAttentionWithoutAnyGradient) {
  EXPECT_EQ(attention_gradient(true), 0.0);
  EXPECT_GT(attention_gradient(false), 1e-4);
}

/// Three dialogues of 3, 1 and 2 utterances under a pattern each.
BatchPlan three_dialogues() {
  BatchPlan plan;
  const std::int64_t lengths[] = {3, 1, 2};
  std::int64_t next = 0;
  for (std::uint32_t d = 0; d < 3; ++d) {
    for (std::int64_t s = 0; s < lengths[d]; ++s)
      plan.rows.push_back({next++, s, -1, Pattern(d + 1)});
    plan.close_dialogue();
  }
  return plan;
}

TEST(PublishedDefects, H14CountsWhatTheMisreadMaskCounts) {
  const auto mask = swapped_mask(three_dialogues());
  EXPECT_EQ(mask.weights, (std::vector<float>{1, 1, 1, 1, 1, 0}));
  // One padded position of the second dialogue, whose pattern is the second modality.
  ASSERT_EQ(mask.padding.size(), 1U);
  EXPECT_EQ(mask.padding.front(), Pattern(2));
}

/// A fold of a small corpus.
class PublishedFold : public ::testing::Test {
 protected:
  PublishedFold()
      : corpus_(test::tiny_corpus(3)),
        config_(test::tiny_config()),
        data_(make_fold_data(corpus_, make_feature_table(corpus_, at::kCPU),
                             make_folds(corpus_, config_.protocol).front(),
                             std::make_shared<Objective>(corpus_, at::kCPU))) {
    services_.seeds = Seeds(1);
  }

  std::vector<float> direct(Pattern pattern, const PublishedSettings& published) {
    const auto hardness = estimate_hardness(data_, hardymer_settings(config_).hardness, {pattern},
                                            services_, PublishedSeams(published));
    const auto values = hardness.floats("direct");
    return {values.begin(), values.end()};
  }

  Corpus corpus_;
  Config config_;
  FoldData data_;
  StageServices services_;
};

TEST_F(PublishedFold, H4MeasuresNothingOnCompleteInputAndTrainsTowardsZero) {
  PublishedSettings published;
  published.h4_masked_target = true;
  const auto complete = Pattern::complete(3);
  for (const float value : direct(complete, published)) EXPECT_EQ(value, 0.0F);
  for (const float value : direct(complete, {})) EXPECT_GT(value, 0.0F);
  // Under a pattern this is the energy of the prediction, which training reduces because the target
  // is 0.
  const auto mean = [&] {
    const auto values = direct(Pattern(1), published);
    double sum = 0;
    for (const float value : values) sum += static_cast<double>(value);
    return sum / static_cast<double>(values.size());
  };
  const double after_two = mean();
  hardymer_settings(config_).hardness.pattern_epochs = 25;
  EXPECT_LT(mean(), 0.8 * after_two);
}

TEST_F(PublishedFold, H9AndH14ChangeTheEstimatorAndNothingElseDoes) {
  const auto honest = direct(Pattern(1), {});
  EXPECT_EQ(direct(Pattern(1), {}), honest);
  PublishedSettings only_h14;
  only_h14.h14_swapped_mask = true;
  EXPECT_NE(direct(Pattern(1), only_h14), honest);
  PublishedSettings of_others;
  of_others.h1_test_epoch = true;
  of_others.h7_first_modality = true;
  of_others.h12_kept_gradients = true;
  EXPECT_EQ(direct(Pattern(1), of_others), honest);
}

TEST_F(PublishedFold, H1ComparesByTheTestPart) {
  const auto test = utterances_of(corpus_, data_.fold.test);
  const auto outputs_for = [&](bool is_right) {
    return [&, is_right](Pattern) {
      std::vector<float> outputs;
      for (const auto u : test) {
        const auto label =
            static_cast<std::int64_t>(corpus_.utterances[static_cast<std::size_t>(u)].label);
        for (std::int64_t c = 0; c < corpus_.class_count(); ++c) {
          outputs.push_back((c == label) == is_right ? 1.0F : 0.0F);
        }
      }
      return outputs;
    };
  };
  EXPECT_DOUBLE_EQ(test_value(data_, {Pattern(1), Pattern(2)}, outputs_for(true)), -1.0);
  EXPECT_DOUBLE_EQ(test_value(data_, {Pattern(1)}, outputs_for(false)), 0.0);
}

}  // namespace
}  // namespace hardy
