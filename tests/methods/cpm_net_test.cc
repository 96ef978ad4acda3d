#include "hardy/methods/cpm_net/cpm_net.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "hardy/core/errors.h"
#include "hardy/evaluation/run_protocol.h"
#include "methods/fit_method.h"
#include "support/temp_dir.h"

namespace hardy::test {
namespace {

TEST(CpmClassLoss, MatchesHandWorkedValue) {
  // Class 0: (1,0), (1,0); class 1: (0,1), (3,1). Similarities G_0, G_1 by row: 1, 1.5; 1, 1.5;
  // 0, 1; 3, 1. The first two and the last are wrong: .5 + 1, .5 + 1, 0, 2 + 1.
  const auto h = at::tensor(std::vector<float>{1, 0, 1, 0, 0, 1, 3, 1}).view({4, 2});
  const auto labels = at::tensor(std::vector<std::int64_t>{0, 0, 1, 1});
  EXPECT_NEAR(cpm_class_loss(h, labels, 2).item<double>(), 6.0, 1e-6);
}

TEST(CpmClassLoss, RowsWithoutAClassWeighNothing) {
  const auto h = at::tensor(std::vector<float>{1, 0, 1, 0, 0, 3, 0, 1}).view({4, 2});
  const auto with = cpm_class_loss(h, at::tensor(std::vector<std::int64_t>{0, 0, -1, 1}), 2);
  const auto rows = at::tensor(std::vector<std::int64_t>{0, 1, 3});
  const auto without =
      cpm_class_loss(h.index_select(0, rows), at::tensor(std::vector<std::int64_t>{0, 0, 1}), 2);
  EXPECT_EQ(with.item<float>(), without.item<float>());
}

TEST(CpmDecoders, InferenceFindsTheLeastSquaresLatent) {
  const Corpus corpus = method_corpus(2);
  const MethodOnFold on_fold(corpus, method_config("cpm_net"));
  CpmNetSettings settings;
  settings.latent = 4;
  settings.inference_learning_rate = 0.02;
  Generator initial(1);
  CpmDecoders decoders(on_fold.data, settings.latent, &initial);
  const std::vector<std::int64_t> utterances = {0, 1, 2};
  const std::vector<Pattern> observed = {Pattern(1), Pattern(3), Pattern(2)};
  auto h = decoders.infer(utterances, observed, settings);
  h.requires_grad_(true);
  decoders.reconstruction_loss(h, utterances, observed).backward();
  EXPECT_LT(h.grad().abs().max().item<float>(), 1e-2);  // at the minimum
}

TEST(CpmDecoders, GradientFlowsToDecodersAndLatents) {
  const Corpus corpus = method_corpus(2);
  const MethodOnFold on_fold(corpus, method_config("cpm_net"));
  Generator initial(1);
  CpmDecoders decoders(on_fold.data, 4, &initial);
  auto h = at::rand({2, 4});
  h.requires_grad_(true);
  decoders.reconstruction_loss(h, {0, 1}, {Pattern(1), Pattern(2)}).backward();
  EXPECT_GT(h.grad().abs().sum(1).min().item<float>(), 0);
  for (const auto& [name, value] : decoders.parameters().all()) {
    EXPECT_GT(value.grad().abs().sum().item<float>(), 0) << name;
  }
}

TEST(CpmNet, RefusesValuesOfOneSign) {
  const TempDir dir;
  Corpus corpus = method_corpus(2, true);
  for (auto& utterance : corpus.utterances) utterance.label = std::abs(utterance.label);
  NoProgress quiet;
  ProtocolRequest request;
  request.config = method_config("cpm_net");
  request.folder = dir / "run";
  try {
    run_protocol(request, corpus, quiet);
    FAIL() << "must refuse";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("values of one sign"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "run"));
}

}  // namespace
}  // namespace hardy::test
