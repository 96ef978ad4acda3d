// Feature tuning: its training data, and its result after one step.
#include "methods/hardymer/tune_features.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <memory>

#include "methods/hardymer/settings.h"
#include "methods/hardymer/tuning_net.h"
#include "support/tiny_experiment.h"
#include "train/first_update.h"

namespace hardy::test {
namespace {

class TuneFeatures : public ::testing::Test {
 protected:
  TuneFeatures() : corpus_(tiny_corpus(3, 0.3)), config_(tiny_config()) { rebuild(); }

  /// One epoch with one batch, so that validation selects nothing.
  TensorFile tuned() {
    hardymer_settings(config_).tuning.epochs = 1;
    hardymer_settings(config_).tuning.batch = 1'000'000;
    hardymer_settings(config_).tuning.learning_rate = 0.01;
    hardymer_settings(config_).tuning.weight_decay = 0;
    StageServices services;
    services.seeds = Seeds(kSeed);
    return tune_features(data_, hardymer_settings(config_).tuning, services);
  }

  void rebuild() {
    data_ = make_fold_data(corpus_, make_feature_table(corpus_, at::kCPU),
                           make_folds(corpus_, config_.protocol).front(),
                           std::make_shared<Objective>(corpus_, at::kCPU));
  }

  void shift_labels(const std::vector<std::int64_t>& dialogues) {
    for (const auto u : utterances_of(corpus_, dialogues)) {
      auto& label = corpus_.utterances[static_cast<std::size_t>(u)].label;
      label = static_cast<float>((static_cast<int>(label) + 1) % 4);
    }
    rebuild();
  }

  static constexpr std::uint64_t kSeed = 3;
  Corpus corpus_;
  Config config_;
  FoldData data_;
};

TEST_F(TuneFeatures, OneStepFollowsTheGradientOfTheTrainingRowsThatHaveTheModality) {
  const auto result = tuned();
  for (int m = 0; m < 3; ++m) {
    const auto place = static_cast<std::size_t>(m);
    const auto& features = data_.table.features[place];
    ParameterSet parameters;
    Generator initial = Seeds(kSeed).stream("tuning.init", {m});
    const TuningNet net(features.size(1), data_.objective->outputs(), parameters, initial);
    auto loss = at::zeros({});
    std::int64_t rows = 0;
    for (const auto u : data_.train) {
      if (!corpus_.present_pattern(u).has(m)) continue;
      const auto logits = net.head(net.feature(features[u].unsqueeze(0)));
      loss = loss + loss_on(logits[0], corpus_, label_of(corpus_, u));
      ++rows;
    }
    ASSERT_LT(rows, static_cast<std::int64_t>(data_.train.size()));
    (loss / static_cast<double>(rows)).backward();
    const auto prefix = "tuning." + corpus_.modalities[place].name + ".";
    for (const auto& [name, value] : parameters.all()) {
      if (!name.starts_with("adapter")) {
        EXPECT_FALSE(result.arrays.contains(prefix + name)) << "the head is not kept";
        continue;
      }
      // Adam's first step is the learning rate times the sign of the gradient, unless it is tiny.
      const auto& gradient = value.grad();
      const auto expected = value.detach() - 0.01 * gradient / (gradient.abs() + 1e-8);
      const auto ours = result.floats(prefix + name);
      const auto flat = expected.contiguous().view(-1);
      const auto size = gradient.abs().contiguous().view(-1);
      for (std::int64_t i = 0; i < flat.size(0); ++i) {
        if (size[i].item<float>() < 1e-5F) continue;
        ASSERT_NEAR(ours[static_cast<std::size_t>(i)], flat[i].item<float>(), 2e-5)
            << prefix << name << " " << i;
      }
    }
  }
}

TEST_F(TuneFeatures, LabelsOfValidationAndTestTeachNothing) {
  const auto before = tuned();
  shift_labels(data_.fold.validation);
  shift_labels(data_.fold.test);
  const auto after = tuned();
  ASSERT_EQ(before.arrays.size(), after.arrays.size());
  for (const auto& [name, array] : before.arrays) {
    EXPECT_EQ(array.values, after.arrays.at(name).values) << name;
  }
  shift_labels(data_.fold.train);
  EXPECT_NE(before.arrays.begin()->second.values, tuned().arrays.begin()->second.values);
}

TEST_F(TuneFeatures, MapsEveryUtteranceAndLeavesAbsentRowsAtZero) {
  const auto table = tuned_table(data_, tuned());
  for (int m = 0; m < 3; ++m) {
    for (std::int64_t u = 0; u < corpus_.size(); ++u) {
      const float size = table.features[static_cast<std::size_t>(m)][u].abs().sum().item<float>();
      EXPECT_EQ(size > 0, corpus_.present_pattern(u).has(m)) << u;
    }
  }
}

}  // namespace
}  // namespace hardy::test
