#include "methods/mmin/mmin.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "methods/fit_method.h"
#include "methods/gradient_flow.h"

namespace hardy::test {
namespace {

/// Two dialogues, rows under different patterns.
TEST(LinearDecay, IsConstantThenFallsLinearly) {
  EXPECT_DOUBLE_EQ(linear_decay(0, 20, 80), 1.0);
  EXPECT_DOUBLE_EQ(linear_decay(19, 20, 80), 1.0);
  EXPECT_DOUBLE_EQ(linear_decay(20, 20, 80), 1.0 - 1.0 / 81.0);
  EXPECT_DOUBLE_EQ(linear_decay(99, 20, 80), 1.0 - 80.0 / 81.0);
}

TEST(ResidualAutoencoder, WithZeroWeightsPassesNothingOn) {
  ParameterSet parameters;
  parameters.skip_drawing();
  Generator generator(1);
  const ResidualAutoencoder cascade(parameters, "c", 6, {4, 2}, 3, generator);
  const auto result = cascade.forward(at::ones({5, 6}));
  EXPECT_EQ(result.latents.size(), 3U);
  EXPECT_EQ(result.latents.front().sizes(), (std::vector<std::int64_t>{5, 2}));
  EXPECT_EQ(result.rebuilt.abs().sum().item<float>(), 0);
}

TEST(RedrawNormal, HasTheAskedSpreadAndZeroBiases) {
  ParameterSet parameters;
  Generator generator(1);
  const auto layer = parameters.add_linear("layer", 200, 300, generator);
  redraw_normal(parameters, "layer", 0, generator);
  EXPECT_NEAR(layer.weight.std().item<float>(), 0.1, 0.002);  // sqrt(2 / 200)
  EXPECT_EQ(layer.bias.abs().sum().item<float>(), 0);
  redraw_normal(parameters, "layer", 0.02, generator);
  EXPECT_NEAR(layer.weight.std().item<float>(), 0.02, 0.0005);
}

TEST(Mmin, HasThePublishedNumberOfParameters) {
  Corpus corpus;
  for (const auto& [name, width] :
       {std::pair("acoustic", 512), std::pair("textual", 1024), std::pair("visual", 1024)}) {
    corpus.modalities.push_back({name, width, {}, {}});
  }
  corpus.class_names = {"a", "b", "c", "d"};
  FoldData data;
  data.corpus = &corpus;
  data.table.features = {at::zeros({1, 512}), at::zeros({1, 1024}), at::zeros({1, 1024})};
  data.objective = std::make_shared<Objective>(corpus, at::kCPU);
  const MminNetwork network(data, MminSettings{}, nullptr);
  EXPECT_EQ(network.parameters().count(),
            3'874'052);  // the published network (docs/methods/mmin.md)
}

TEST(Mmin, GradientFlowsToEveryParameter) {
  const Corpus corpus = method_corpus(3);
  const MethodOnFold on_fold(corpus, method_config("mmin"));
  const auto& settings = on_fold.config.methods.of<MminSettings>("mmin");
  Generator initial(1);
  const FusionNetwork teacher(on_fold.data, settings.hidden, 0, &initial);
  const MminNetwork network(on_fold.data, settings, &initial);
  DropoutStream off;
  expect_gradients(
      mmin_loss(on_fold.data, network, teacher, settings, mixed_plan(on_fold, {0, 1}), off),
      network.parameters(), every);
  for (const auto& [name, value] : teacher.parameters().all()) {
    EXPECT_FALSE(value.grad().defined()) << name;
  }
}

TEST(Mmin, TheTeacherSeesExactlyWhatTheRowHides) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  const MethodOnFold on_fold(corpus, method_config("mmin"));
  const auto plan = mixed_plan(on_fold, {0, 1});
  const auto hidden = complement(on_fold.data.table, plan);
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const auto present = corpus.present_pattern(plan.rows[r].utterance).bits();
    EXPECT_EQ(hidden.rows[r].pattern.bits() & plan.rows[r].pattern.bits(), 0U);
    EXPECT_EQ(hidden.rows[r].pattern.bits() | (plan.rows[r].pattern.bits() & present), present);
  }
}

}  // namespace
}  // namespace hardy::test
