// Validation: chunks, patterns and the selection of epochs.
#include "train/recogniser_data.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <memory>

namespace hardy {
namespace {

/// Two validation dialogues of 600 and 30 utterances, which make two chunks, and one of 3 to train
/// on. The label of utterance i is i % classes, or 0 where labels are values.
struct Held {
  Corpus corpus;
  FoldData data;

  explicit Held(int classes) {
    corpus.label_kind = classes == 0 ? LabelKind::kValue : LabelKind::kClass;
    for (int c = 0; c < classes; ++c) corpus.class_names.push_back(std::string(1, "abc"[c]));
    corpus.dialogues = {{"train", 0, 3, "", Part::kTrain},
                        {"long", 3, 600, "", Part::kValidation},
                        {"short", 603, 30, "", Part::kValidation}};
    for (std::int64_t d = 0; d < 3; ++d) {
      const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(d)];
      for (std::int64_t i = 0; i < dialogue.count; ++i) {
        const auto u = dialogue.first + i;
        const float label = classes == 0 ? 0.0F : static_cast<float>(u % classes);
        corpus.utterances.push_back({std::to_string(u), d, i, "", label, ""});
      }
    }
    corpus.modalities = {
        {"acoustic", 1, std::vector<float>(633, 1), std::vector<std::uint8_t>(633, 1)},
        {"textual", 1, std::vector<float>(633, 2), std::vector<std::uint8_t>(633, 1)}};
    Fold fold;
    fold.train = {0};
    fold.validation = {1, 2};
    data = make_fold_data(corpus, make_feature_table(corpus, at::kCPU), fold,
                          std::make_shared<Objective>(corpus, at::kCPU));
  }
};

double rows_of(const BatchPlan& plan) { return static_cast<double>(plan.rows.size()); }

TEST(MeanOverValidation, WeighsChunksByTheirUtterances) {
  const Held held(2);
  int chunks = 0;
  const double mean = mean_over_validation(held.data, Pattern(1), [&](const BatchPlan& plan) {
    ++chunks;
    for (const auto& row : plan.rows) EXPECT_EQ(row.pattern, Pattern(1));
    return rows_of(plan);
  });
  EXPECT_EQ(chunks, 2);
  EXPECT_NEAR(mean, (600.0 * 600 + 30.0 * 30) / 630, 1e-9);
}

TEST(ValidationValue, WeighsChunksByTheirUtterancesAndAveragesPatterns) {
  const Held held(0);
  // Values of 0 answered by 1 in the long dialogue and by 3 in the short; nothing is wrong under
  // the second pattern.
  const std::vector<Pattern> patterns = {Pattern::only(0), Pattern::only(1)};
  const auto logits = [&](const BatchPlan& plan) {
    const auto n = static_cast<std::int64_t>(plan.rows.size());
    const double answer = n == 600 ? 1.0 : 3.0;
    return std::vector<at::Tensor>{at::full({n, 1}, answer), at::zeros({n, 1})};
  };
  const double value = validation_value(held.data, patterns, Selection::kLoss, logits);
  EXPECT_NEAR(value, (600.0 * 1 + 30.0 * 9) / 630 / 2, 1e-6);
}

/// Logits that answer class 0 for all rows.
std::vector<at::Tensor> always_first(const BatchPlan& plan) {
  auto logits = at::zeros({static_cast<std::int64_t>(plan.rows.size()), 3});
  logits.select(1, 0).fill_(2.0);
  return {logits};
}

TEST(ValidationValue, ByAccuracyIsItsNegativeWithTheLossAsATieBreak) {
  const Held held(3);  // 210 utterances of each class
  // A row of class 0 loses ln(1 + 2 e^-2); the others 2 more.
  const double loss = std::log1p(2 * std::exp(-2.0)) + 2 * 2.0 / 3;
  EXPECT_NEAR(validation_value(held.data, {Pattern(3)}, Selection::kLoss, always_first), loss,
              1e-5);
  EXPECT_NEAR(validation_value(held.data, {Pattern(3)}, Selection::kWa, always_first),
              -1.0 / 3 + 1e-9 * loss, 1e-11);
  EXPECT_NEAR(validation_value(held.data, {Pattern(3)}, Selection::kUa, always_first),
              -1.0 / 3 + 1e-9 * loss, 1e-11);
}

TEST(ValidationValue, UaIsNotWa) {
  Held held(3);
  for (auto& utterance : held.corpus.utterances) {
    if (utterance.dialogue == 2) utterance.label = 0;
  }
  held.data.objective = std::make_shared<Objective>(held.corpus, at::kCPU);
  // 200 + 30 of 630 are of class 0.
  EXPECT_NEAR(validation_value(held.data, {Pattern(3)}, Selection::kWa, always_first), -230.0 / 630,
              1e-6);
  EXPECT_NEAR(validation_value(held.data, {Pattern(3)}, Selection::kUa, always_first), -1.0 / 3,
              1e-6);
}

/// Utterances of a dialogue that have no text.
void take_text(Held& held, std::int64_t dialogue) {
  for (std::size_t i = 0; i < held.corpus.utterances.size(); ++i) {
    if (held.corpus.utterances[i].dialogue == dialogue) held.corpus.modalities[1].present[i] = 0;
  }
  Fold fold = held.data.fold;
  held.data = make_fold_data(held.corpus, make_feature_table(held.corpus, at::kCPU), fold,
                             std::make_shared<Objective>(held.corpus, at::kCPU));
}

TEST(ValidationValue, UtterancesOfWhichAPatternLeavesNothingDoNotCountUnderIt) {
  Held held(0);
  take_text(held, 2);
  const std::vector<Pattern> patterns = {Pattern::only(0), Pattern::only(1)};
  const auto logits = [&](const BatchPlan& plan) {
    const auto n = static_cast<std::int64_t>(plan.rows.size());
    const double answer = n == 600 ? 1.0 : 3.0;
    return std::vector<at::Tensor>{at::full({n, 1}, answer), at::full({n, 1}, answer)};
  };
  // The short dialogue counts once, under its sound.
  EXPECT_NEAR(validation_value(held.data, patterns, Selection::kLoss, logits),
              (2 * 600.0 * 1 + 30.0 * 9) / 1230, 1e-6);
}

TEST(ValidationValue, NeitherDoTheyCountInTheAccuracy) {
  Held held(3);
  for (auto& utterance : held.corpus.utterances) {
    if (utterance.dialogue == 2) utterance.label = 0;
  }
  take_text(held, 2);
  // Of the long dialogue 200 of 600 are of class 0; the short one, all of class 0, is not read.
  EXPECT_NEAR(validation_value(held.data, {Pattern::only(1)}, Selection::kWa, always_first),
              -1.0 / 3, 1e-6);
}

TEST(TargetsOf, NothingToReadIsNothingToLearn) {
  Held held(3);
  take_text(held, 0);
  const auto text = targets_of(held.data, training_plan(held.data, {0}, Pattern::only(1)));
  EXPECT_EQ(held.data.objective->counted(text), 0);
  EXPECT_EQ(text.sum().item<std::int64_t>(), -3);
  const auto both = targets_of(held.data, training_plan(held.data, {0}, Pattern(3)));
  EXPECT_EQ(held.data.objective->counted(both), 3);
  const auto loss = held.data.objective->loss(at::zeros({3, 3}), text, {});
  EXPECT_EQ(loss.item<float>(), 0);
}

TEST(JudgeOf, IsNothingWithoutAValidationPart) {
  Held held(2);
  EXPECT_TRUE(judge_of(held.data, [] { return 1.0; }) != nullptr);
  held.data.fold.validation.clear();
  EXPECT_TRUE(judge_of(held.data, [] { return 1.0; }) == nullptr);
}

}  // namespace
}  // namespace hardy
