#include "methods/cpm_net/cpm_net.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "hardy/errors.h"
#include "methods/fit_method.h"
#include "methods/fold_stage.h"
#include "protocol/run_protocol.h"
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

/// Epochs of a fit, by its curve.
std::int64_t epochs_of(const TensorFile& model) {
  std::int64_t last = 0;
  for (const auto& point : curve_of(model)) last = std::max(last, point.epoch);
  return last;
}

TEST(CpmNet, PatienceEndsTrainingAndKeepsTheBestEpoch) {
  const Corpus corpus = method_corpus(2);
  Config config = method_config("cpm_net");
  auto& settings = config.methods.of<CpmNetSettings>("cpm_net");
  settings.epochs = 40;
  settings.validate_every = 2;
  settings.latent_learning_rate = 0.3;  // far too large, so that validation soon gets worse
  MethodOnFold whole(corpus, config);
  const auto all = whole.fit({Pattern(3)});
  EXPECT_EQ(epochs_of(all), 40);
  settings.patience = 4;
  MethodOnFold stopped(corpus, config);
  const auto some = stopped.fit({Pattern(3)});
  EXPECT_LT(epochs_of(some), 40);
  double best = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0;
  for (const auto& point : curve_of(some)) {
    if (point.name != "validation_loss" || point.value >= best) continue;
    best = point.value;
    best_epoch = point.epoch;
  }
  EXPECT_EQ(epochs_of(some) - best_epoch, 4);
}

TEST(CpmNet, KeepsTheLastEpochWithoutAValidationPart) {
  const Corpus corpus = method_corpus(2);
  Config config = method_config("cpm_net");
  auto& settings = config.methods.of<CpmNetSettings>("cpm_net");
  settings.validate_every = 2;
  settings.patience = 1;
  const auto fitted = [&](std::int64_t epochs, std::int64_t validate_every) {
    settings.epochs = epochs;
    settings.validate_every = validate_every;
    MethodOnFold on_fold(corpus, config);
    on_fold.data.fold.validation.clear();
    return on_fold.fit({Pattern(3)});
  };
  const auto last = fitted(6, 2);
  EXPECT_EQ(epochs_of(last), 6);
  const auto name = "model.decoder." + corpus.modalities[0].name + ".weight";
  const auto values = [&](const TensorFile& model) {
    const auto floats = model.floats(name);
    return std::vector<float>(floats.begin(), floats.end());
  };
  EXPECT_EQ(values(last), values(fitted(6, 6)));
  EXPECT_NE(values(last), values(fitted(2, 2)));
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
