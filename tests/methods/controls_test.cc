// Majority, linear models, perceptron, modality dropout.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "methods/early_linear/linear_path.h"
#include "methods/fit_method.h"
#include "methods/hardymer/settings.h"

namespace hardy::test {
namespace {

TEST(Majority, PredictsTheTrainingFrequencies) {
  const Corpus corpus = method_corpus(2);
  MethodOnFold on_fold(corpus, method_config("majority"));
  const auto model = on_fold.fit({Pattern(1)});
  std::vector<float> counts(4, 0);
  for (const auto u : on_fold.data.train) {
    counts[static_cast<std::size_t>(corpus.utterances[static_cast<std::size_t>(u)].label)] += 1;
  }
  const auto outputs = on_fold.predict(model, {on_fold.data.fold.test.front()}, Pattern(2));
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_FLOAT_EQ(outputs[c], counts[c] / static_cast<float>(on_fold.data.train.size()));
  }
}

TEST(LinearPath, OfValuesIsTheClosedFormOfRidgeRegression) {
  Corpus corpus;
  corpus.label_kind = LabelKind::kValue;
  Generator generator(3);
  auto x = at::zeros({40, 3});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.data_ptr<float>()[i] = static_cast<float>(draw_normal(generator));
  }
  x = x - x.mean(0);  // then the bias is the mean of the targets
  const auto y = at::matmul(x, at::tensor(std::vector<float>{1, -2, 0.5})) + 3;
  const Objective objective(corpus, at::kCPU);
  ParameterSet parameters;
  auto layer = parameters.add_linear("layer", 3, 1, generator);
  StrengthPath path;
  path.strongest = path.weakest = 0.5;
  path.count = 1;
  fit_linear_path(objective, x, y, path, layer, {}, {});
  // mean of (x w - y)^2 + s / 2 w^2: (X'X / n + s / 2 I) w = X'y / n for one output.
  const auto gram = at::matmul(x.t(), x) / 40.0 + 0.25 * at::eye(3);
  const auto weight = at::linalg_solve(gram, at::matmul(x.t(), y - 3) / 40.0);
  EXPECT_TRUE(at::allclose(layer.weight[0], weight, 1e-3, 1e-4));
  EXPECT_NEAR(layer.bias[0].item<float>(), 3, 1e-3);
}

TEST(LinearPath, KeepsTheStrengthThatTheJudgePrefers) {
  Corpus corpus;
  corpus.label_kind = LabelKind::kValue;
  const Objective objective(corpus, at::kCPU);
  Generator generator(3);
  ParameterSet parameters;
  auto layer = parameters.add_linear("layer", 1, 1, generator);
  const auto x = at::tensor(std::vector<float>{-1, 1}).view({2, 1});
  const auto y = at::tensor(std::vector<float>{-1, 1});
  StrengthPath path;  // 10 .. 0.001
  // The judge prefers a weight near 1/6, which only the strongest penalty gives: 1 / (1 + s / 2).
  fit_linear_path(objective, x, y, path, layer,
                  [&] { return std::abs(layer.weight.item<double>() - 1.0 / 6.0); }, {});
  EXPECT_NEAR(layer.weight.item<double>(), 1.0 / 6.0, 1e-3);
}

TEST(LateLinear, AveragesTheProbabilitiesOfWhatIsThere) {
  const Corpus corpus = method_corpus(2);
  MethodOnFold on_fold(corpus, method_config("late_linear"));
  const auto model = on_fold.fit({Pattern(1)});
  const std::vector<std::int64_t> dialogue = {on_fold.data.fold.test.front()};
  const auto first = on_fold.predict(model, dialogue, Pattern(1));
  const auto second = on_fold.predict(model, dialogue, Pattern(2));
  const auto both = on_fold.predict(model, dialogue, Pattern(3));
  for (std::size_t i = 0; i < both.size(); ++i) {
    EXPECT_NEAR(both[i], (first[i] + second[i]) / 2, 1e-5);
  }
}

TEST(ModalityDropout, IsHardyMerWithoutSupportsAndReconstruction) {
  const Corpus corpus = method_corpus(2);
  MethodOnFold control(corpus, method_config("modality_dropout"));
  Config config = method_config("hardymer");
  hardymer_settings(config).retrieval.supports = SupportUse::kNone;
  hardymer_settings(config).hardness.components = HardnessTerms::kNone;
  hardymer_settings(config).recogniser.reconstruction_weight = 0;
  MethodOnFold ablated(corpus, config);
  const auto ours = control.fit(all_patterns(2));
  const auto theirs = ablated.fit(all_patterns(2));
  for (const auto& [name, array] : ours.arrays) {
    if (name.starts_with("model.")) {
      EXPECT_EQ(array.values, theirs.arrays.at(name).values) << name;
    }
  }
}

}  // namespace
}  // namespace hardy::test
