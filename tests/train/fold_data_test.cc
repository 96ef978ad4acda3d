#include "train/fold_data.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <memory>

#include "support/tiny_experiment.h"

namespace hardy {
namespace {

FoldData fold_of(const Corpus& corpus) {
  return make_fold_data(corpus, make_feature_table(corpus, at::kCPU),
                        make_folds(corpus, test::tiny_config().protocol).front(),
                        std::make_shared<Objective>(corpus, at::kCPU));
}

TEST(FoldData, FeaturesAreStandardisedOverTheTrainingRowsThatHaveThem) {
  const Corpus corpus = test::tiny_corpus(3, 0.3);
  const FoldData data = fold_of(corpus);
  for (int m = 0; m < 3; ++m) {
    std::vector<std::int64_t> rows;
    for (const auto u : data.train) {
      if (corpus.present_pattern(u).has(m)) rows.push_back(u);
    }
    const auto values = data.table.features[static_cast<std::size_t>(m)]
                            .index_select(0, index_tensor(rows, at::kCPU))
                            .to(at::kDouble);
    EXPECT_LT(values.mean(0).abs().max().item<double>(), 1e-5) << m;
    EXPECT_LT((values.square().mean(0) - 1).abs().max().item<double>(), 1e-4) << m;
  }
}

TEST(FoldData, WhatTestAndValidationHoldMovesNoTrainingRow) {
  Corpus corpus = test::tiny_corpus(2);
  const FoldData before = fold_of(corpus);
  auto& modality = corpus.modalities[0];
  for (const auto* part : {&before.fold.test, &before.fold.validation}) {
    for (const auto u : utterances_of(corpus, *part)) {
      for (std::int64_t j = 0; j < modality.width; ++j) {
        modality.features[static_cast<std::size_t>(u * modality.width + j)] += 100;
      }
    }
  }
  const FoldData after = fold_of(corpus);
  const auto rows = index_tensor(before.train, at::kCPU);
  EXPECT_TRUE(at::equal(before.table.features[0].index_select(0, rows),
                        after.table.features[0].index_select(0, rows)));
  EXPECT_TRUE(at::equal(before.scaling.highest[0], after.scaling.highest[0]));
}

TEST(FoldData, TrainingRowsAreThoseOfTheTrainingDialogues) {
  const Corpus corpus = test::tiny_corpus(2);
  const FoldData data = fold_of(corpus);
  EXPECT_EQ(data.train, utterances_of(corpus, data.fold.train));
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    EXPECT_EQ(data.train_row(data.train[i]), static_cast<std::int64_t>(i));
  }
  for (const auto u : utterances_of(corpus, data.fold.test)) EXPECT_EQ(data.train_row(u), -1);
}

}  // namespace
}  // namespace hardy
