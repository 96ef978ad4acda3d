#include "train/objective.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace hardy {
namespace {

/// Three utterances of two classes; the values behind them make it a binary sentiment task.
Corpus corpus_of(std::vector<float> values) {
  Corpus corpus;
  corpus.class_names = {"negative", "positive"};
  for (const float label : {0.0F, 1.0F, 0.0F}) {
    Utterance utterance;
    utterance.label = label;
    corpus.utterances.push_back(utterance);
  }
  corpus.values = std::move(values);
  return corpus;
}

const at::Tensor kAll = at::tensor({0, 1, 2}, at::TensorOptions(at::kLong));

TEST(Objective, CrossEntropyOfEqualLogitsIsLogC) {
  const Objective objective(corpus_of({}), at::kCPU);
  const auto loss = objective.loss(at::zeros({3, 2}), objective.targets(kAll), {});
  EXPECT_NEAR(loss.item<double>(), std::log(2.0), 1e-6);
}

TEST(Objective, AValueOfZeroHasNoLossAndNoGradient) {
  const Objective objective(corpus_of({-1, 2, 0}), at::kCPU);
  const auto logits = at::tensor({1.0F, 0.0F, 0.0F, 1.0F, 0.0F, 9.0F}).view({3, 2});
  auto leaf = logits.clone().requires_grad_(true);
  const auto loss = objective.loss(leaf, objective.targets(kAll), {});
  // The first two are right by one logit each; the third, badly wrong, must not count.
  EXPECT_NEAR(loss.item<double>(), std::log1p(std::exp(-1.0)), 1e-6);
  loss.backward();
  EXPECT_EQ(leaf.grad()[2].abs().sum().item<float>(), 0.0F);
  EXPECT_GT(leaf.grad()[0].abs().sum().item<float>(), 0.0F);
}

TEST(Objective, ABatchWithoutTargetsHasLossZeroNotNan) {
  const Objective objective(corpus_of({0, 0, 0}), at::kCPU);
  const auto loss = objective.loss(at::ones({3, 2}), objective.targets(kAll), {});
  EXPECT_EQ(loss.item<float>(), 0.0F);
}

TEST(Objective, AccuracyIsOfTheClassesOrOfTheSign) {
  const auto classes = corpus_of({});  // truth 0, 1, 0
  const std::vector<float> outputs = {0.9F, 0.1F, 0.8F, 0.2F, 0.7F, 0.3F};
  const Objective by_class(classes, at::kCPU);
  EXPECT_NEAR(by_class.accuracy(classes, {0, 1, 2}, outputs, false), 2.0 / 3.0, 1e-12);
  EXPECT_NEAR(by_class.accuracy(classes, {0, 1, 2}, outputs, true), 0.5, 1e-12);
  const auto signs = corpus_of({-1, 2, 0});  // the zero does not count
  const Objective by_sign(signs, at::kCPU);
  EXPECT_NEAR(by_sign.accuracy(signs, {0, 1, 2}, outputs, false), 0.5, 1e-12);
  EXPECT_TRUE(std::isnan(by_sign.accuracy(signs, {2}, {0.5F, 0.5F}, false)));
}

TEST(Objective, WeightsCountVisits) {
  const Objective objective(corpus_of({}), at::kCPU);
  const auto logits = at::tensor({2.0F, 0.0F, 2.0F, 0.0F, 2.0F, 0.0F}).view({3, 2});
  const auto weights = at::tensor({1.0F, 3.0F, 0.0F});
  // One visit of a right answer, three of a wrong one.
  const double right = std::log1p(std::exp(-2.0));
  const auto loss = objective.loss(logits, objective.targets(kAll), weights);
  EXPECT_NEAR(loss.item<double>(), (right + 3 * (right + 2)) / 4, 1e-5);
}

TEST(Objective, WeightsOfRowsWithoutTargetAreNotCounted) {
  const Objective objective(corpus_of({-1, 2, 0}), at::kCPU);
  const auto logits = at::tensor({2.0F, 0.0F, 2.0F, 0.0F, 2.0F, 0.0F}).view({3, 2});
  const double right = std::log1p(std::exp(-2.0));
  const auto loss = objective.loss(logits, objective.targets(kAll), at::tensor({1.0F, 3.0F, 5.0F}));
  EXPECT_NEAR(loss.item<double>(), (right + 3 * (right + 2)) / 4, 1e-5);
}

TEST(Objective, OfValuesIsTheMeanSquaredErrorAlsoWithWeights) {
  Corpus corpus = corpus_of({});
  corpus.label_kind = LabelKind::kValue;
  corpus.class_names.clear();
  const Objective objective(corpus, at::kCPU);  // values 0, 1, 0
  EXPECT_EQ(objective.outputs(), 1);
  auto outputs = at::tensor({1.0F, 3.0F, 0.5F}).view({3, 1});
  outputs.requires_grad_(true);
  const auto plain = objective.loss(outputs, objective.targets(kAll), {});
  EXPECT_NEAR(plain.item<double>(), (1 + 4 + 0.25) / 3, 1e-6);
  plain.backward();
  EXPECT_NEAR(outputs.grad()[1][0].item<double>(), 2 * 2.0 / 3, 1e-6);
  const auto weighted =
      objective.loss(outputs, objective.targets(kAll), at::tensor({1.0F, 2.0F, 4.0F}));
  EXPECT_NEAR(weighted.item<double>(), (1 + 8 + 1) / 7.0, 1e-6);
}

TEST(Objective, GradientOfCrossEntropyIsProbabilityMinusTruth) {
  const Objective objective(corpus_of({}), at::kCPU);
  auto logits = at::tensor({2.0F, 0.0F, 0.0F, 0.0F, 1.0F, 3.0F}).view({3, 2});
  logits.requires_grad_(true);
  objective.loss(logits, objective.targets(kAll), at::tensor({1.0F, 3.0F, 0.0F})).backward();
  const double p = 1 / (1 + std::exp(-2.0));
  EXPECT_NEAR(logits.grad()[0][0].item<double>(), (p - 1) / 4, 1e-6);
  EXPECT_NEAR(logits.grad()[1][1].item<double>(), 3 * (0.5 - 1) / 4, 1e-6);
  EXPECT_EQ(logits.grad()[2].abs().sum().item<float>(), 0);
}

}  // namespace
}  // namespace hardy
