// The losses of both stages of the hardness estimator, their gradients, and its measurements.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "methods/hardymer/estimate_hardness.h"
#include "methods/hardymer/hardness_module.h"
#include "methods/hardymer/settings.h"
#include "support/tiny_experiment.h"
#include "train/first_update.h"
#include "train/recogniser_data.h"

namespace hardy::test {
namespace {

class HardnessLoss : public ::testing::Test {
 protected:
  explicit HardnessLoss(double missing_rate = 0)
      : corpus_(tiny_corpus(3, missing_rate)), config_(tiny_config()) {
    auto& hardness = hardymer_settings(config_).hardness;
    hardness.optimiser = still_optimiser();
    hardness.encoder.dropout = 0;
    hardness.complete_epochs = hardness.pattern_epochs = 2;
    hardness.patience = 0;
    hardness.mi_weight = 0.3;
    hardness.reconstruction_weight = 0.7;
    data_ = make_fold_data(corpus_, make_feature_table(corpus_, at::kCPU),
                           make_folds(corpus_, config_.protocol).front(),
                           std::make_shared<Objective>(corpus_, at::kCPU));
    FirstUpdates updates(kSeed);
    measured_ = estimate_hardness(data_, hardymer_settings(config_).hardness,
                                  {Pattern(1), Pattern(2), Pattern(7)}, updates.services);
    states_ = updates.states;
    Generator initial = Seeds(kSeed).stream("hardness.init");
    module_ = std::make_unique<HardnessModule>(
        backbone_options(data_, hardymer_settings(config_).hardness.encoder), parameters_, initial);
  }

  /// Stage 1's loss of a plan with complete input, from its definition.
  [[nodiscard]] at::Tensor complete_loss(const BatchPlan& plan) const {
    DropoutStream off;
    const Batch batch = make_batch(data_.table, plan);
    const auto encoded = module_->backbone().encode(batch, off);
    auto loss = at::zeros({});
    for (int m = 0; m < 3; ++m) {
      const auto logits =
          module_->backbone().classify_modality(m, encoded.z[static_cast<std::size_t>(m)]);
      BatchPlan having;
      for (const auto& row : plan.rows) {
        if (corpus_.present_pattern(row.utterance).has(m)) having.rows.push_back(row);
      }
      loss = loss + mean_label_loss(data_, logits, having);
    }
    const auto pairs = module_->pair_information(batch, encoded, off);
    EXPECT_EQ(pairs.size(), 3U);
    for (const auto& pair : pairs) loss = loss - 0.3 * pair.information.mean() / 3.0;
    return loss;
  }

  /// Reconstructions of modality m of the rows whose utterance has it, and their rows.
  struct Rebuilt {
    std::vector<std::vector<std::int64_t>> rows;
    std::vector<at::Tensor> outputs;
    at::Tensor logits;
  };

  [[nodiscard]] Rebuilt rebuild(const BatchPlan& plan) const {
    DropoutStream off;
    const Batch batch = make_batch(data_.table, plan);
    const auto fused = module_->backbone().fuse(batch, module_->backbone().encode(batch, off), off);
    Rebuilt result;
    for (int m = 0; m < 3; ++m) {
      result.rows.emplace_back();
      for (std::size_t r = 0; r < plan.rows.size(); ++r) {
        if (!corpus_.present_pattern(plan.rows[r].utterance).has(m)) continue;
        result.rows.back().push_back(static_cast<std::int64_t>(r));
      }
    }
    result.logits = module_->backbone().classify(fused);
    result.outputs = module_->backbone().reconstruct(fused, result.rows);
    return result;
  }

  /// Mean squared error over the columns of one row of Rebuilt. Shapes: -> [].
  [[nodiscard]] at::Tensor error_of(const Rebuilt& rebuilt, const BatchPlan& plan, std::size_t m,
                                    std::size_t i) const {
    const auto row = static_cast<std::size_t>(rebuilt.rows[m][i]);
    const auto& truth = data_.table.features[m][plan.rows[row].utterance];
    return (rebuilt.outputs[m][static_cast<std::int64_t>(i)] - truth).square().sum() /
           static_cast<double>(truth.size(0));
  }

  /// Stage 2's loss of a plan, from its definition.
  [[nodiscard]] at::Tensor pattern_loss(const BatchPlan& plan) const {
    const auto rebuilt = rebuild(plan);
    auto errors = at::zeros({});
    for (std::size_t m = 0; m < 3; ++m) {
      for (std::size_t i = 0; i < rebuilt.rows[m].size(); ++i) {
        errors = errors + error_of(rebuilt, plan, m, i);
      }
    }
    return mean_label_loss(data_, rebuilt.logits, plan) +
           0.7 * errors / static_cast<double>(plan.rows.size());
  }

  [[nodiscard]] BatchPlan validation_plan() const {
    BatchPlan plan;
    for (const auto dialogue : data_.fold.validation) {
      plan.add_dialogue(corpus_, data_.table, dialogue, Pattern::complete(3));
    }
    return plan;
  }

  static void draw_patterns(BatchPlan& plan, Generator draws) {
    for (auto& row : plan.rows) {
      row.pattern = Pattern(static_cast<std::uint32_t>(1 + draw_index(draws, 7)));
    }
  }

  static constexpr std::uint64_t kSeed = 3;
  Corpus corpus_;
  Config config_;
  FoldData data_;
  TensorFile measured_;
  std::vector<TensorFile> states_;
  ParameterSet parameters_;
  std::unique_ptr<HardnessModule> module_;
};

class HardnessLossOfGaps : public HardnessLoss {
 protected:
  HardnessLossOfGaps() : HardnessLoss(0.3) {}
};

TEST_F(HardnessLoss, OfStageOneIsTheHeadsMinusTheMeanPseudoInformation) {
  ASSERT_EQ(states_.size(), 2U);
  const FirstUpdate seen(states_[0]);
  expect_same(seen, parameters_,
              complete_loss(first_batch(data_, Seeds(kSeed), "hardness.complete")));
  EXPECT_NEAR(seen.validation_loss, complete_loss(validation_plan()).item<double>(), 1e-4);
}

TEST_F(HardnessLoss, OfStageTwoIsTheJointHeadPlusEveryModalitysReconstruction) {
  ASSERT_EQ(states_.size(), 2U);
  const FirstUpdate seen(states_[1]);
  BatchPlan plan = first_batch(data_, Seeds(kSeed), "hardness.patterns");
  draw_patterns(plan, first_draws(Seeds(kSeed), "hardness.patterns"));
  expect_same(seen, parameters_, pattern_loss(plan));
  BatchPlan held_out = validation_plan();
  draw_patterns(held_out, Seeds(kSeed).stream("hardness.validation"));
  EXPECT_NEAR(seen.validation_loss, pattern_loss(held_out).item<double>(), 1e-4);
}

TEST_F(HardnessLossOfGaps, CountsWhatUtterancesHave) {
  ASSERT_EQ(states_.size(), 2U);
  expect_same(FirstUpdate(states_[0]), parameters_,
              complete_loss(first_batch(data_, Seeds(kSeed), "hardness.complete")));
  BatchPlan plan = first_batch(data_, Seeds(kSeed), "hardness.patterns");
  draw_patterns(plan, first_draws(Seeds(kSeed), "hardness.patterns"));
  expect_same(FirstUpdate(states_[1]), parameters_, pattern_loss(plan));
}

TEST_F(HardnessLoss, InformationIsTheEntropiesOfBothMinusThatOfTheirAttention) {
  // Without weights the cross-attention returns its bias for every query: 1 in the first of D = 16
  // columns from each direction, so that the joint row is (2, 0, .., 0).
  const HardnessModule& module = *module_;
  {
    at::NoGradGuard no_gradient;
    for (const auto& [name, value] : parameters_.all()) {
      at::Tensor target = value;
      if (name.starts_with("cross.")) target.zero_();
    }
    const auto& first = corpus_.modalities[0].name;
    const auto& second = corpus_.modalities[1].name;
    parameters_.at("cross." + first + "." + second + ".proj.bias")[0].fill_(1.0);
    parameters_.at("cross." + second + "." + first + ".proj.bias")[0].fill_(1.0);
  }
  const auto x = at::tensor(std::vector<float>(16, 0.5F)).unsqueeze(0);
  auto y = at::zeros({1, 16});
  y[0][0] = 1.0;
  const Segments one{{0, 1}, {}, {}};
  DropoutStream off;
  const auto entropy = [](double first) {
    const double sum = std::exp(first) + 15;
    const double p = std::exp(first) / sum;
    const double q = 1 / sum;
    return -p * std::log(p + 1e-7) - 15 * q * std::log(q + 1e-7);
  };
  EXPECT_NEAR(module.information(0, x, y, one, one, off).item<double>(),
              entropy(0) + entropy(1) - entropy(2), 1e-5);
}

TEST_F(HardnessLossOfGaps, DirectIsTheErrorOfEveryModalityUnderThePatternAndIndirectTheSumOfPairs) {
  const auto n = data_.train.size();
  const auto direct = measured_.floats("direct");
  const auto indirect = measured_.floats("indirect");
  ASSERT_EQ(direct.size(), 3 * n);
  at::NoGradGuard no_gradient;
  const std::vector<Pattern> patterns = {Pattern(1), Pattern(2), Pattern(7)};
  BatchPlan plan;
  for (const auto dialogue : data_.fold.train) {
    plan.add_dialogue(corpus_, data_.table, dialogue, Pattern::complete(3));
  }
  for (std::size_t p = 0; p < patterns.size(); ++p) {
    BatchPlan masked = plan;
    for (auto& row : masked.rows) row.pattern = patterns[p];
    const auto rebuilt = rebuild(masked);
    std::vector<double> expected(n, 0);
    for (std::size_t m = 0; m < 3; ++m) {
      for (std::size_t i = 0; i < rebuilt.rows[m].size(); ++i) {
        expected[static_cast<std::size_t>(rebuilt.rows[m][i])] +=
            error_of(rebuilt, masked, m, i).item<double>();
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(direct[p * n + i], expected[i], 1e-4 * std::max(1.0, expected[i]))
          << "pattern " << p << ", row " << i;
    }
  }
  DropoutStream off;
  const Batch batch = make_batch(data_.table, plan);
  std::vector<double> expected(n, 0);
  for (const auto& pair :
       module_->pair_information(batch, module_->backbone().encode(batch, off), off)) {
    for (std::int64_t i = 0; i < pair.information.size(0); ++i) {
      const auto row = pair.rows.empty() ? i : pair.rows[static_cast<std::size_t>(i)];
      expected[static_cast<std::size_t>(row)] += pair.information[i].item<double>();
    }
  }
  for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(indirect[i], expected[i], 1e-4) << i;
}

}  // namespace
}  // namespace hardy::test
