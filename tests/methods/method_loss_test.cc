// The training losses of the compared networks and their gradients, stage by stage, as in a fit.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "methods/cif_mmin/cif_mmin.h"
#include "methods/gcnet/gcnet.h"
#include "methods/mean_mlp/settings.h"
#include "methods/mmin/mmin.h"
#include "methods/momke/momke.h"
#include "methods/still_fit.h"

namespace hardy::test {
namespace {

/// Draws a pattern for every row as a fit does.
void draw_rows(BatchPlan& plan, const std::vector<Pattern>& patterns, Generator draws) {
  const auto count = static_cast<std::int64_t>(patterns.size());
  for (auto& row : plan.rows) {
    row.pattern = patterns[static_cast<std::size_t>(count > 1 ? draw_index(draws, count) : 0)];
  }
}

/// The first batch of a stage that shuffles utterances.
BatchPlan first_utterances(const FoldData& data, const Seeds& seeds, const std::string& stage) {
  Generator shuffle = seeds.stream(stage + ".shuffle", {0});
  BatchPlan plan;
  for (const auto item : draw_permutation(shuffle, static_cast<std::int64_t>(data.train.size()))) {
    const auto u = data.train[static_cast<std::size_t>(item)];
    plan.rows.push_back({u, data.corpus->utterances[static_cast<std::size_t>(u)].position,
                         data.table.speakers[static_cast<std::size_t>(u)],
                         Pattern::complete(data.table.modality_count())});
  }
  plan.close_dialogue();
  return plan;
}

/// Mean over all entries of the squared difference, entry by entry.
at::Tensor mean_square(const at::Tensor& x, const at::Tensor& y) {
  return (x - y).square().sum() / static_cast<double>(x.numel());
}

/// The rows of a plan with `shown` in place of each pattern.
BatchPlan with_patterns(const BatchPlan& plan,
                        const std::function<Pattern(const BatchRow&)>& shown) {
  BatchPlan result = plan;
  for (auto& row : result.rows) row.pattern = shown(row);
  return result;
}

BatchPlan all_shown(const FoldData& data, const BatchPlan& plan) {
  return with_patterns(
      plan, [&](const BatchRow& row) { return data.corpus->present_pattern(row.utterance); });
}

/// The masked modalities that exist in the data.
BatchPlan only_hidden(const FoldData& data, const BatchPlan& plan) {
  return with_patterns(plan, [&](const BatchRow& row) {
    return Pattern(data.corpus->present_pattern(row.utterance).bits() & ~row.pattern.bits());
  });
}

/// The validation part under one pattern, utterance by utterance.
BatchPlan validation_rows(const FoldData& data, Pattern pattern) {
  BatchPlan plan;
  for (const auto dialogue : data.fold.validation) {
    plan.add_dialogue(*data.corpus, data.table, dialogue, pattern);
  }
  return plan;
}

/// Expects a stage's validation loss to be the mean label loss of what each pattern lets be read.
void expect_validation(const FirstUpdate& seen, const FoldData& data, const Network& network,
                       const std::vector<Pattern>& patterns) {
  double sum = 0;
  double read = 0;
  for (const auto pattern : patterns) {
    const auto plan = validation_rows(data, pattern);
    DropoutStream off;
    const double rows = read_rows(*data.corpus, plan.rows);
    sum += rows * mean_label_loss(data, network.logits(plan, off), plan).item<double>();
    read += rows;
  }
  const double mean = sum / read;
  EXPECT_NEAR(seen.validation_loss, mean, 1e-4 * std::max(1.0, mean));
}

const std::vector<Pattern> kComplete = {Pattern(7)};

LinearDecayStage still_stage() {
  LinearDecayStage stage;
  stage.constant_epochs = stage.decay_epochs = 1;
  stage.learning_rate = 0;
  stage.clip = 0;
  stage.dropout = 0;
  return stage;
}

TEST(MomkeLoss, SumsTheHeadsThenTakesTheJointLoss) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("momke");
  auto& settings = config.methods.of<MomkeSettings>("momke");
  settings.dropout = 0;
  settings.optimiser = still_optimiser();
  StillFit fit(corpus, config, kTwo);
  const auto& data = fit.data();
  ASSERT_EQ(fit.updates.size(), 2U);
  MomkeNetwork network(data.table, momke_options(data, settings), nullptr);
  fit.updates[0].load(network.parameters());
  DropoutStream off;
  const auto heads_loss = [&](const BatchPlan& plan) {
    const Batch batch = make_batch(data.table, plan);
    auto heads = at::zeros({});
    for (int m = 0; m < 3; ++m) {
      BatchPlan having;
      for (const auto& row : plan.rows) {
        if (corpus.present_pattern(row.utterance).has(m)) having.rows.push_back(row);
      }
      heads = heads + mean_label_loss(data, network.modality_logits(batch, m, off), having);
    }
    return heads;
  };
  expect_same(fit.updates[0], network.parameters(),
              heads_loss(first_batch(data, fit.seeds("pretrain"), "momke.complete")));
  EXPECT_NEAR(fit.updates[0].validation_loss,
              heads_loss(validation_rows(data, Pattern(7))).item<double>(), 1e-4);
  fit.updates[1].load(network.parameters());
  const auto seeds = fit.seeds("fit " + bits_text(kTwo));
  auto drawn = first_batch(data, seeds, "momke.patterns");
  draw_rows(drawn, kTwo, first_draws(seeds, "momke.patterns"));
  expect_same(fit.updates[1], network.parameters(),
              mean_label_loss(data, network.logits(drawn, off), drawn));
  expect_validation(fit.updates[1], data, network, kTwo);
}

TEST(MeanMlpLoss, IsThatOfTheLabels) {
  for (const bool has_values : {false, true}) {
    const Corpus corpus = method_corpus(3, has_values, 0.3);
    Config config = method_config("mean_mlp");
    auto& settings = config.methods.of<MeanMlpSettings>("mean_mlp");
    settings.dropout = 0;
    settings.optimiser = still_optimiser();
    StillFit fit(corpus, config, kTwo);
    ASSERT_EQ(fit.updates.size(), 1U);
    const auto& method = dynamic_cast<const NetworkMethod&>(find_method("mean_mlp"));
    const auto network = method.make_network(fit.data(), config, nullptr);
    fit.updates[0].load(network->parameters());
    const auto seeds = fit.seeds("fit " + bits_text(kTwo));
    auto plan = first_utterances(fit.data(), seeds, "mean_mlp");
    draw_rows(plan, kTwo, first_draws(seeds, "mean_mlp"));
    DropoutStream off;
    expect_same(fit.updates[0], network->parameters(),
                mean_label_loss(fit.data(), network->logits(plan, off), plan));
    expect_validation(fit.updates[0], fit.data(), *network, kTwo);
  }
}

TEST(GcnetLoss, AddsTheWeightedErrorOfWhatThePatternHides) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("gcnet");
  auto& settings = config.methods.of<GcnetSettings>("gcnet");
  settings.dropout = 0;
  settings.optimiser = still_optimiser();
  settings.reconstruction_weight = 0.7;
  StillFit fit(corpus, config, kTwo);
  const auto& data = fit.data();
  ASSERT_EQ(fit.updates.size(), 1U);
  GcnetNetwork network(data, settings, nullptr);
  fit.updates[0].load(network.parameters());
  const auto seeds = fit.seeds("fit " + bits_text(kTwo));
  auto plan = first_batch(data, seeds, "gcnet");
  draw_rows(plan, kTwo, first_draws(seeds, "gcnet"));
  DropoutStream off;
  const auto representation = network.represent(plan, off);
  auto loss = mean_label_loss(data, network.classify(representation), plan);
  for (int m = 0; m < 3; ++m) {
    const auto rebuilt = network.reconstruct(representation, m);
    for (std::size_t r = 0; r < plan.rows.size(); ++r) {
      const auto& row = plan.rows[r];
      const bool exists = corpus.present_pattern(row.utterance).has(m);
      if (!exists || row.pattern.has(m)) continue;
      const auto& truth = data.table.features[static_cast<std::size_t>(m)][row.utterance];
      loss = loss + 0.7 * mean_square(rebuilt[static_cast<std::int64_t>(r)], truth) /
                        static_cast<double>(plan.rows.size());
    }
  }
  expect_same(fit.updates[0], network.parameters(), loss);
  expect_validation(fit.updates[0], data, network, kTwo);
}

TEST(MminLoss, OfPretrainingIsThatOfLabelsAndLaterAddsImaginationAndCycle) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("mmin");
  auto& settings = config.methods.of<MminSettings>("mmin");
  settings.batch = 1'000'000;
  settings.pretraining = settings.training = still_stage();
  settings.imagination_weight = 3;
  settings.cycle_weight = 5;
  StillFit fit(corpus, config, kTwo);
  const auto& data = fit.data();
  ASSERT_EQ(fit.updates.size(), 2U);
  FusionNetwork teacher(data, settings.hidden, 0, nullptr);
  fit.updates[0].load(teacher.parameters());
  DropoutStream off;
  const auto complete = first_utterances(data, fit.seeds("pretrain"), "mmin.complete");
  expect_same(fit.updates[0], teacher.parameters(),
              mean_label_loss(data, teacher.logits(complete, off), complete));
  expect_validation(fit.updates[0], data, teacher, kComplete);
  MminNetwork network(data, settings, nullptr);
  fit.updates[1].load(network.parameters());
  for (const auto& [name, value] : network.parameters().all()) {
    if (!name.starts_with("encoder.")) continue;
    EXPECT_TRUE(at::equal(value, teacher.parameters().at(name))) << "starts from the pretraining";
  }
  const auto seeds = fit.seeds("fit " + bits_text(kTwo));
  auto plan = first_utterances(data, seeds, "mmin.patterns");
  draw_rows(plan, kTwo, first_draws(seeds, "mmin.patterns"));
  const auto pass = network.forward(plan, off);
  const auto target = teacher.encoders().encode(only_hidden(data, plan), 0, off).detach();
  expect_same(fit.updates[1], network.parameters(),
              mean_label_loss(data, pass.logits, plan) + 3 * mean_square(pass.imagined, target) +
                  5 * mean_square(pass.given_back, pass.given.detach()));
  expect_validation(fit.updates[1], data, network, kTwo);
}

/// -ln softmax of the pairs as in the paper: the mean over both directions. Shapes: rows of length
/// 1 [n, D] twice -> [].
at::Tensor contrast_of(const at::Tensor& x, const at::Tensor& y, const at::Tensor& tau) {
  auto sum = at::zeros({1});
  const auto n = x.size(0);
  for (std::int64_t i = 0; i < n; ++i) {
    auto forth = at::zeros({1});
    auto back = at::zeros({1});
    for (std::int64_t j = 0; j < n; ++j) {
      if (j == i) continue;
      forth = forth + (tau * x[i].dot(y[j])).exp();
      back = back + (tau * x[j].dot(y[i])).exp();
    }
    sum = sum + (forth + 1e-10).log() + (back + 1e-10).log() - 2 * tau * x[i].dot(y[i]);
  }
  return sum[0] / static_cast<double>(2 * n);
}

/// The projector of a modality, layer by layer.
at::Tensor projected(const ParameterSet& parameters, const std::string& name,
                     const at::Tensor& encoded) {
  const auto layer = [&](const std::string& part, const at::Tensor& x) {
    const auto y = at::matmul(x, parameters.at("projector." + name + part + ".weight").t()) +
                   parameters.at("projector." + name + part + ".bias");
    return at::where(y > 0, y, 0.01 * y);
  };
  const auto first = layer(".first", encoded);
  const auto centred = first - first.mean(1, true);
  const auto normed = centred / (centred.square().mean(1, true) + 1e-5).sqrt() *
                          parameters.at("projector." + name + ".norm.weight") +
                      parameters.at("projector." + name + ".norm.bias");
  const auto second = layer(".second", normed);
  return second / second.square().sum(1, true).sqrt().clamp_min(1e-12);
}

TEST(CifMminLoss, ContrastsPairsInPretrainingAndLaterImaginesAndStaysInvariant) {
  const Corpus corpus = method_corpus(3, false, 0.3);
  Config config = method_config("cif_mmin");
  auto& settings = config.methods.of<CifMminSettings>("cif_mmin");
  settings.batch = 1'000'000;
  settings.pretraining = settings.training = still_stage();
  settings.contrast_weight = 0.6;
  settings.imagination_weight = 3;
  settings.invariance_weight = 5;
  StillFit fit(corpus, config, kTwo);
  const auto& data = fit.data();
  ASSERT_EQ(fit.updates.size(), 2U);
  InvariantNetwork teacher(data, settings, nullptr);
  fit.updates[0].load(teacher.parameters());
  DropoutStream off;
  const auto complete = first_utterances(data, fit.seeds("pretrain"), "cif_mmin.complete");
  const auto encoded = teacher.invariant().encode_each(complete, 0, off);
  auto contrast = at::zeros({});
  const auto weights = pair_weights(corpus.modality_names());
  std::size_t pair = 0;
  for (std::size_t x = 0; x < 3; ++x) {
    for (std::size_t y = x + 1; y < 3; ++y) {
      std::vector<std::int64_t> both;
      for (std::size_t r = 0; r < complete.rows.size(); ++r) {
        const auto present = corpus.present_pattern(complete.rows[r].utterance);
        if (present.has(static_cast<int>(x)) && present.has(static_cast<int>(y))) {
          both.push_back(static_cast<std::int64_t>(r));
        }
      }
      const auto rows = index_tensor(both, at::kCPU);
      const auto side = [&](std::size_t m) {
        return projected(teacher.parameters(), corpus.modalities[m].name,
                         encoded[m].index_select(0, rows));
      };
      contrast =
          contrast + weights[pair++] * contrast_of(side(x), side(y),
                                                   teacher.parameters().at("temperature").exp());
    }
  }
  expect_same(fit.updates[0], teacher.parameters(),
              mean_label_loss(data, teacher.logits(complete, off), complete) + 0.6 * contrast);
  expect_validation(fit.updates[0], data, teacher, kComplete);
  CifMminNetwork network(data, settings, nullptr);
  fit.updates[1].load(network.parameters());
  for (const auto& [name, value] : network.parameters().all()) {
    if (!name.starts_with("specific.") && !name.starts_with("invariant.")) continue;
    EXPECT_TRUE(at::equal(value, teacher.parameters().at(name))) << "starts from the pretraining";
  }
  const auto seeds = fit.seeds("fit " + bits_text(kTwo));
  auto plan = first_utterances(data, seeds, "cif_mmin.patterns");
  draw_rows(plan, kTwo, first_draws(seeds, "cif_mmin.patterns"));
  const auto pass = network.forward(plan, off);
  const auto specific = teacher.specific().encode(only_hidden(data, plan), 0, off).detach();
  const auto invariant = teacher.invariant().encode(all_shown(data, plan), 0, off).detach();
  expect_same(fit.updates[1], network.parameters(),
              mean_label_loss(data, pass.logits, plan) + 3 * mean_square(pass.imagined, specific) +
                  5 * mean_square(pass.invariant, invariant));
  expect_validation(fit.updates[1], data, network, kTwo);
}

}  // namespace
}  // namespace hardy::test
