#include "methods/cif_mmin/cif_mmin.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "methods/fit_method.h"
#include "methods/gradient_flow.h"

namespace hardy::test {
namespace {

TEST(DecoupledContrast, MatchesHandWorkedValue) {
  // x = y = the two unit vectors: positives e^tau, negatives e^0.
  const auto x = at::eye(2);
  const auto tau = at::full({1}, 2.0);
  EXPECT_NEAR(decoupled_contrast(x, x, tau).item<double>(), std::log(1.0) - 2.0, 1e-6);
  // Swapped rows of y: positives e^0, negatives e^tau.
  EXPECT_NEAR(decoupled_contrast(x, x.flip(0), tau).item<double>(), 2.0, 1e-6);
  EXPECT_EQ(decoupled_contrast(x.narrow(0, 0, 1), x.narrow(0, 0, 1), tau).item<double>(), 0);
}

TEST(PairWeights, GiveTextualPairsHalf) {
  const auto three = pair_weights({"acoustic", "textual", "visual"});
  EXPECT_EQ(three, (std::vector<double>{0.25, 0.5, 0.25}));
  const auto other = pair_weights({"m1", "m2", "m3", "m4"});
  EXPECT_EQ(other.size(), 6U);
  for (const double weight : other) EXPECT_DOUBLE_EQ(weight, 1.0 / 6);
}

TEST(CifMmin, GradientFlowsToEveryParameterOfEachStage) {
  const Corpus corpus = method_corpus(3);
  const MethodOnFold on_fold(corpus, method_config("cif_mmin"));
  const auto& settings = on_fold.config.methods.of<CifMminSettings>("cif_mmin");
  Generator initial(1);
  const InvariantNetwork teacher(on_fold.data, settings, &initial);
  BatchPlan complete = mixed_plan(on_fold, {0});
  complete = completed(on_fold.data.table, complete);
  DropoutStream off;
  // The temperature is trained too; the published program does not pass it to the optimiser.
  expect_gradients(label_loss(on_fold.data, teacher.logits(complete, off), complete) +
                       teacher.contrast(complete, off),
                   teacher.parameters(), every);
  const CifMminNetwork network(on_fold.data, settings, &initial);
  expect_gradients(
      cif_mmin_loss(on_fold.data, network, teacher, settings, mixed_plan(on_fold, {0}), off),
      network.parameters(), every);
}

}  // namespace
}  // namespace hardy::test
