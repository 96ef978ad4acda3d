// Computations of a training stage before its first update, and the same from definitions.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "train/epoch_loop.h"
#include "train/fold_data.h"

namespace hardy::test {

/// One batch per epoch and no movement, so that the loss itself remains.
inline OptimiserConfig still_optimiser() {
  return {.batch = 1'000'000, .learning_rate = 0, .weight_decay = 0};
}

/// The first epoch of a stage of two or more epochs under still_optimiser(), read from the
/// checkpoint that follows it.
class FirstUpdate {
 public:
  explicit FirstUpdate(TensorFile state) : state_(std::move(state)) {
    const auto numbers = state_.integers("state");
    for (std::size_t i = 3; i + 2 < numbers.size(); i += 3) {
      if (numbers[i] != 1) continue;  // the epoch
      double value = 0;
      std::memcpy(&value, &numbers[i + 2], sizeof value);
      (numbers[i + 1] == 1 ? validation_loss : training_loss) = value;
    }
  }

  /// The parameters that the stage started from, which have not moved.
  void load(ParameterSet& parameters) const { parameters.load(state_, "now."); }

  [[nodiscard]] bool has(const std::string& parameter) const {
    return state_.arrays.contains("now." + parameter);
  }

  /// Adam's mean of gradients; undefined for a parameter without gradient.
  [[nodiscard]] at::Tensor mean_gradient(const std::string& parameter) const {
    const auto name = "adam." + parameter + ".mean";
    if (!state_.arrays.contains(name)) return {};
    const auto values = state_.floats(name);
    return at::tensor(std::vector<float>(values.begin(), values.end())).view(state_.shape(name));
  }

  /// The gradient of the epoch's only update: the first mean is (1 - beta1) times it.
  [[nodiscard]] at::Tensor gradient(const std::string& parameter) const {
    constexpr double kBeta1 = 0.9;
    const auto mean = mean_gradient(parameter);
    return mean.defined() ? mean / (1 - kBeta1) : mean;
  }

  double training_loss = std::nan("");
  double validation_loss = std::nan("");

 private:
  TensorFile state_;
};

/// Services that keep the first epoch of every loop of a stage, in order. Requires: every loop has
/// two epochs.
struct FirstUpdates {
  StageServices services;
  std::vector<TensorFile> states;

  explicit FirstUpdates(std::uint64_t seed) {
    services.seeds = Seeds(seed);
    services.checkpoint_interval_s = 0;
    services.store_checkpoint = [this](const TensorFile& state) { states.push_back(state); };
  }

  FirstUpdates(const FirstUpdates&) = delete;
  FirstUpdates& operator=(const FirstUpdates&) = delete;
};

/// Compares a stage's loss and every gradient with those of `loss`, which was made of `parameters`.
inline void expect_same(const FirstUpdate& seen, ParameterSet& parameters, const at::Tensor& loss) {
  const double value = loss.item<double>();
  EXPECT_NEAR(seen.training_loss, value, 2e-5 * std::max(1.0, std::abs(value)));
  parameters.clear_gradients();
  loss.backward();
  for (const auto& [name, parameter] : parameters.all()) {
    const auto ours = seen.gradient(name);
    const auto& theirs = parameter.grad();
    const double size = theirs.defined() ? theirs.abs().max().item<double>() : 0;
    if (!ours.defined()) {
      EXPECT_EQ(size, 0) << name << " got no gradient";
      continue;
    }
    const auto difference = theirs.defined() ? ours - theirs : ours;
    EXPECT_LT(difference.abs().max().item<double>(), 2e-5 * std::max(1.0, size)) << name;
  }
}

/// Loss of one row of logits (or values) on a label by its definition, in shapes [C] -> [].
inline at::Tensor loss_on(const at::Tensor& logits, const Corpus& corpus, float label) {
  if (corpus.label_kind == LabelKind::kValue) return (logits[0] - label).square();
  return logits.exp().sum().log() - logits[static_cast<std::int64_t>(label)];
}

/// The label of an utterance.
inline float label_of(const Corpus& corpus, std::int64_t utterance) {
  return corpus.utterances[static_cast<std::size_t>(utterance)].label;
}

/// Whether a row's pattern leaves anything of its utterance to be read; otherwise its label does
/// not count.
inline bool is_read(const Corpus& corpus, const BatchRow& row) {
  return !(row.pattern & corpus.present_pattern(row.utterance)).empty();
}

/// Number of rows of which something is read.
inline double read_rows(const Corpus& corpus, const std::vector<BatchRow>& rows) {
  return static_cast<double>(std::count_if(
      rows.begin(), rows.end(), [&](const BatchRow& row) { return is_read(corpus, row); }));
}

/// Mean loss of the rows of a plan that are read on their own labels. Shapes: logits [n, C] -> [].
inline at::Tensor mean_label_loss(const FoldData& data, const at::Tensor& logits,
                                  const BatchPlan& plan) {
  at::Tensor sum = at::zeros({});
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    if (!is_read(*data.corpus, plan.rows[r])) continue;
    sum = sum + loss_on(logits[static_cast<std::int64_t>(r)], *data.corpus,
                        label_of(*data.corpus, plan.rows[r].utterance));
  }
  return sum / read_rows(*data.corpus, plan.rows);
}

/// The batch of an epoch of one batch: training dialogues in the shuffled order of `stage`, with
/// complete input.
inline BatchPlan first_batch(const FoldData& data, const Seeds& seeds, const std::string& stage) {
  Generator shuffle = seeds.stream(stage + ".shuffle", {0});
  BatchPlan plan;
  for (const auto item :
       draw_permutation(shuffle, static_cast<std::int64_t>(data.fold.train.size()))) {
    plan.add_dialogue(*data.corpus, data.table, data.fold.train[static_cast<std::size_t>(item)],
                      Pattern::complete(data.table.modality_count()));
  }
  return plan;
}

/// The stream that the first batch of a stage draws patterns and partners from.
inline Generator first_draws(const Seeds& seeds, const std::string& stage) {
  return seeds.stream(stage + ".draws", {0, 0});
}

}  // namespace hardy::test
