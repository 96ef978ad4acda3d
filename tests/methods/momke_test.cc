#include "methods/momke/momke.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "inference/published_checkpoint.h"
#include "methods/fit_method.h"
#include "parity/golden.h"

namespace hardy::test {
namespace {

/// The network with the published weights.
struct PublishedMomke {
  GoldenBatch golden = load_golden_batch();
  TensorFile state_dict = golden_state("momke");
  MomkeNetwork network{golden.table, published_options(state_dict), nullptr};

  PublishedMomke() { network.parameters().load(convert_published(state_dict, kNames)); }
};

TEST_P(Golden, MomkeLogitsUnderEveryCondition) {
  const PublishedMomke published;
  for (const std::string condition : {"a", "t", "v", "at", "av", "tv", "atv"}) {
    DropoutStream off;
    const auto name = "momke_" + condition + "_out";
    expect_close(published.network.logits(published.golden.plan(golden_pattern(condition)), off),
                 load_golden(name, published.golden, Layout::kBatchFirst), name);
  }
}

TEST_P(Golden, MomkeStageOneHeads) {
  const PublishedMomke published;
  const Batch batch =
      make_batch(published.golden.table, published.golden.plan(Pattern::complete(3)));
  for (int m = 0; m < 3; ++m) {
    DropoutStream off;
    const auto name = std::string("momke_stage1_out_") + "atv"[m];
    expect_close(published.network.modality_logits(batch, m, off),
                 load_golden(name, published.golden, Layout::kBatchFirst), name);
  }
}

TEST(Momke, HasThePublishedNumberOfParameters) {
  FeatureTable table;
  BackboneOptions options;
  options.modality_names = kNames;
  options.widths = {512, 1024, 1024};
  options.outputs = 4;
  options.has_decoder = false;
  options.encoder.hidden = 256;
  options.encoder.depth = 4;
  table.features.push_back(at::zeros({1, 1}));
  MomkeNetwork network(table, options, nullptr);
  EXPECT_EQ(network.parameters().count(),
            5'400'089);  // the published network (docs/methods/momke.md)
}

TEST(Momke, GradientFlowsToEveryParameterOfEachStage) {
  const Corpus corpus = method_corpus(3);
  const MethodOnFold on_fold(corpus, method_config("momke"));
  const auto& settings = on_fold.config.methods.of<MomkeSettings>("momke");
  Generator initial(1);
  MomkeNetwork network(on_fold.data.table, momke_options(on_fold.data, settings), &initial);
  BatchPlan plan;
  plan.add_dialogue(corpus, on_fold.data.table, 0, Pattern::complete(3));
  DropoutStream off;
  label_loss(on_fold.data, network.logits(plan, off), plan).backward();
  for (const auto& [name, value] : network.parameters().all()) {
    const bool is_stage_one_head = name.starts_with("head.");
    const bool has_gradient = value.grad().defined() && value.grad().abs().sum().item<float>() > 0;
    EXPECT_EQ(has_gradient, !is_stage_one_head) << name;
  }
}

}  // namespace
}  // namespace hardy::test
