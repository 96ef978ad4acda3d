#include "methods/gcnet/gcnet.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "methods/fit_method.h"
#include "methods/gradient_flow.h"

namespace hardy::test {
namespace {

/// Two dialogues of 3 and 1 rows; speakers 5, 7, 5 and 7.
BatchPlan two_dialogues() {
  BatchPlan plan;
  plan.rows = {{0, 0, 5, Pattern(1)}, {1, 1, 7, Pattern(1)}, {2, 2, 5, Pattern(1)}};
  plan.close_dialogue();
  plan.rows.push_back({3, 0, 7, Pattern(1)});
  plan.close_dialogue();
  return plan;
}

using List = std::vector<std::int64_t>;

TEST(TemporalEdges, StayInTheWindowAndTheDialogue) {
  const auto edges = temporal_edges(two_dialogues(), 1, 1);
  ASSERT_EQ(edges.size(), 3U);
  EXPECT_EQ(edges[0].sources, (List{0, 1}));  // the target is later
  EXPECT_EQ(edges[0].targets, (List{1, 2}));
  EXPECT_EQ(edges[1].sources, (List{0, 1, 2, 3}));
  EXPECT_EQ(edges[1].targets, edges[1].sources);
  EXPECT_EQ(edges[2].sources, (List{1, 2}));
  EXPECT_EQ(edges[2].targets, (List{0, 1}));
  EXPECT_TRUE(temporal_edges(two_dialogues(), 0, 1)[2].sources.empty());
}

TEST(SpeakerEdges, NumberSpeakersByAppearanceInTheirDialogue) {
  const auto edges = speaker_edges(two_dialogues(), 2, 2, 2);
  ASSERT_EQ(edges.size(), 4U);
  // (first, first): 0-0, 0-2, 2-0, 2-2 and the lone row of the second dialogue.
  EXPECT_EQ(edges[0].sources, (List{0, 0, 2, 2, 3}));
  EXPECT_EQ(edges[0].targets, (List{0, 2, 0, 2, 3}));
  EXPECT_EQ(edges[3].sources, (List{1}));
  EXPECT_EQ(edges[1].sources, (List{1, 1}));  // to the first speaker from the second
  EXPECT_EQ(edges[1].targets, (List{0, 2}));
  std::size_t total = 0;
  for (const auto& relation : speaker_edges(two_dialogues(), 2, 2, 1)) {
    total += relation.sources.size();
  }
  EXPECT_EQ(total, 10U);
}

TEST(GraphBranch, MatchesHandWorkedSums) {
  ParameterSet parameters;
  Generator generator(1);
  const GraphBranch branch(parameters, "g", 1, 1, 3, generator);
  {
    at::NoGradGuard no_gradient;
    for (const auto& [name, value] : parameters.all()) {
      at::Tensor target = value;
      target.fill_(name.ends_with("bias") ? 0.0 : 1.0);
    }
  }
  const auto x = at::tensor(std::vector<float>{1, 2, 4}).view({3, 1});
  BatchPlan plan = two_dialogues();
  plan.rows.pop_back();
  plan.offsets = {0, 3};
  // h1 = own + mean of past + own ("now") + mean of future: 1+1+2, 2+1+2+4, 4+2+4.
  // h2 = sum of h1 over the window + own h1.
  const auto y = branch.forward(x, temporal_edges(plan, 1, 1));
  EXPECT_EQ(y[0][0].item<float>(), (4 + 9) + 4);
  EXPECT_EQ(y[1][0].item<float>(), (4 + 9 + 10) + 9);
  EXPECT_EQ(y[2][0].item<float>(), (9 + 10) + 10);
}

TEST(RecurrentStack, GivesADialogueTheSameAloneAndAmongOthers) {
  ParameterSet parameters;
  Generator generator(1);
  const RecurrentStack stack(parameters, "r", 4, 3, generator);
  const auto x = at::linspace(-1, 1, 32).view({8, 4});
  DropoutStream off;
  const auto together = stack.forward(x, StepOrder::of({0, 2, 2, 7, 8}, at::kCPU), 0, off);
  EXPECT_EQ(together.sizes(), (std::vector<std::int64_t>{8, 6}));
  const List offsets = {0, 2, 7, 8};
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
    const auto length = offsets[d + 1] - offsets[d];
    const auto alone = stack.forward(x.narrow(0, offsets[d], length),
                                     StepOrder::of({0, length}, at::kCPU), 0, off);
    EXPECT_TRUE(at::allclose(alone, together.narrow(0, offsets[d], length), 1e-5, 1e-6));
  }
  EXPECT_EQ(stack.forward(x.narrow(0, 0, 0), StepOrder::of({0}, at::kCPU), 0, off).size(0), 0);
}

TEST(Gcnet, GradientFlowsToEveryParameter) {
  const Corpus corpus = method_corpus(3);
  const MethodOnFold on_fold(corpus, method_config("gcnet"));
  const auto& settings = on_fold.config.methods.of<GcnetSettings>("gcnet");
  Generator initial(1);
  const GcnetNetwork network(on_fold.data, settings, &initial);
  BatchPlan plan;
  plan.add_dialogue(corpus, on_fold.data.table, 0, Pattern(3));
  DropoutStream off;
  expect_gradients(gcnet_loss(on_fold.data, network, settings, plan, off), network.parameters(),
                   every);
}

TEST(Gcnet, HasThePublishedNumberOfParameters) {
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
  const GcnetNetwork network(data, GcnetSettings{}, nullptr);
  EXPECT_EQ(network.parameters().count(),
            28'100'364);  // the published network without unused parts (docs/methods/gcnet.md)
}

}  // namespace
}  // namespace hardy::test
