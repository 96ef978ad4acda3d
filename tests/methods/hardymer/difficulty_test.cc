// Correlation of estimated hardness with the true difficulty of the demonstration corpus
// (measurements: docs/evidence.md).
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "corpus/synth/demo_corpus.h"
#include "methods/hardymer/estimate_hardness.h"
#include "methods/hardymer/score.h"
#include "methods/hardymer/settings.h"

namespace hardy {
namespace {

/// Ranks from 0; ties keep their order, which suffices for continuous values.
std::vector<double> ranks(const std::vector<float>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
  std::vector<double> rank(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<double>(i);
  return rank;
}

double spearman(const std::vector<float>& x, const std::vector<float>& y) {
  const auto a = ranks(x);
  const auto b = ranks(y);
  const double mean = static_cast<double>(a.size() - 1) / 2;
  double covariance = 0;
  double variance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    covariance += (a[i] - mean) * (b[i] - mean);
    variance += (a[i] - mean) * (a[i] - mean);
  }
  return covariance / variance;
}

TEST(Difficulty, TheDefaultScoreFollowsTheTrueDifficulty) {
  const Corpus corpus = make_demo_corpus();
  const Config config = make_preset("default");
  const auto folds = make_folds(corpus, config.protocol);
  const auto data = make_fold_data(corpus, make_feature_table(corpus, at::kCPU), folds.front(),
                                   std::make_shared<Objective>(corpus, at::kCPU));
  StageServices services;
  services.seeds = Seeds(1);
  const Pattern complete = Pattern::complete(3);
  const auto hardness =
      estimate_hardness(data, hardymer_settings(config).hardness, {complete}, services);
  const auto direct = hardness.floats("direct");
  const auto indirect = hardness.floats("indirect");
  const auto score = unified_score(direct, indirect, hardymer_settings(config).hardness);
  std::vector<float> truth;
  for (const auto u : data.train) {
    truth.push_back(corpus.true_difficulty[static_cast<std::size_t>(u)]);
  }
  // 1,000 utterances: chance is within .1 of zero.
  EXPECT_GT(spearman({score.begin(), score.end()}, truth), 0.15);
  EXPECT_NEAR(spearman(truth, truth), 1.0, 1e-12);
}

}  // namespace
}  // namespace hardy
