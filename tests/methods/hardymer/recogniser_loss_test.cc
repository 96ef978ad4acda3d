// The losses of both stages of the recogniser and their gradients, by definition and by hand, under
// every curriculum option.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <memory>

#include "methods/hardymer/curriculum_draws.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/train_recogniser.h"
#include "methods/hardymer_published/published.h"
#include "nn/backbone.h"
#include "support/tiny_experiment.h"
#include "train/first_update.h"
#include "train/recogniser_data.h"

namespace hardy::test {
namespace {

const std::string kStage = "recogniser.patterns";
const std::vector<float> kClassBias = {0.5F, -1.0F, 0.25F, 1.0F};

/// -ln softmax(kClassBias)[label] in double precision.
double nll(float label) {
  double sum = 0;
  for (const float b : kClassBias) sum += std::exp(static_cast<double>(b));
  return std::log(sum) - static_cast<double>(kClassBias[static_cast<std::size_t>(label)]);
}

/// Reconstruction of every column of modality m by the constant network.
double rebuilt(std::size_t m) { return 0.2 * static_cast<double>(m + 1); }

class RecogniserLoss : public ::testing::Test {
 protected:
  RecogniserLoss() : corpus_(tiny_corpus(3, 0.3)), config_(tiny_config()) {
    auto& recogniser = hardymer_settings(config_).recogniser;
    recogniser.optimiser = still_optimiser();
    recogniser.encoder.dropout = 0;
    recogniser.complete_epochs = recogniser.pattern_epochs = 2;
    recogniser.patience = 0;
    recogniser.reconstruction_weight = 0.7;
    hardymer_settings(config_).retrieval.supports = SupportUse::kNone;
    data_ = make_fold_data(corpus_, make_feature_table(corpus_, at::kCPU),
                           make_folds(corpus_, config_.protocol).front(),
                           std::make_shared<Objective>(corpus_, at::kCPU));
  }

  /// Logits kClassBias and reconstructions rebuilt(m), whatever the input.
  TensorFile constant_network() {
    ParameterSet parameters;
    parameters.skip_drawing();
    Generator unused;
    const Backbone backbone(backbone_options(data_, hardymer_settings(config_).recogniser.encoder),
                            parameters, unused);
    at::NoGradGuard no_gradient;
    parameters.at("classifier.bias").copy_(at::tensor(kClassBias));
    for (std::size_t m = 0; m < 3; ++m) {
      parameters.at("decoder." + corpus_.modalities[m].name + ".bias").fill_(rebuilt(m));
    }
    TensorFile file;
    parameters.save(file, "model.");
    return file;
  }

  TensorFile drawn_network() {
    ParameterSet parameters;
    Generator generator(11);
    const Backbone backbone(backbone_options(data_, hardymer_settings(config_).recogniser.encoder),
                            parameters, generator);
    TensorFile file;
    parameters.save(file, "model.");
    return file;
  }

  FirstUpdate first_update(const TensorFile& start, const CurriculumPlan& plan) {
    FirstUpdates seen(kSeed);
    const auto trained = train_recogniser(data_, config_, start, plan, seen.services,
                                          PublishedSeams(published_settings(config_)));
    EXPECT_EQ(seen.states.size(), 1U);
    EXPECT_EQ(trained.curve.front().value, FirstUpdate(seen.states.at(0)).training_loss);
    return FirstUpdate(seen.states.at(0));
  }

  [[nodiscard]] BatchPlan batch(Pattern pattern) const {
    BatchPlan plan = first_batch(data_, Seeds(kSeed), kStage);
    for (auto& row : plan.rows) row.pattern = pattern;
    return plan;
  }

  [[nodiscard]] bool is_hidden(const BatchRow& row, std::size_t m) const {
    const auto place = static_cast<int>(m);
    return corpus_.present_pattern(row.utterance).has(place) && !row.pattern.has(place);
  }

  /// Squared error of the constant network on modality m of one utterance, per column; with
  /// `partner`, on a mixture with it.
  [[nodiscard]] double error_of(std::size_t m, std::int64_t utterance, std::int64_t partner = -1,
                                double share = 0) const {
    const auto own = data_.table.features[m][utterance];
    double sum = 0;
    for (std::int64_t j = 0; j < own.size(0); ++j) {
      double x = own[j].item<double>();
      if (partner >= 0) x += share * (data_.table.features[m][partner][j].item<double>() - x);
      sum += (rebuilt(m) - x) * (rebuilt(m) - x);
    }
    return sum / static_cast<double>(own.size(0));
  }

  /// Sum over the masked modalities of a row.
  [[nodiscard]] double hidden_error(const BatchRow& row, std::int64_t partner = -1,
                                    double share = 0) const {
    double sum = 0;
    for (std::size_t m = 0; m < 3; ++m) {
      if (is_hidden(row, m)) sum += error_of(m, row.utterance, partner, share);
    }
    return sum;
  }

  /// Loss of the constant network on rows with the labels of other utterances.
  [[nodiscard]] double constant_loss(const std::vector<BatchRow>& rows,
                                     const std::vector<std::int64_t>& labelled) const {
    double labels = 0;
    double errors = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (is_read(corpus_, rows[r])) labels += nll(label_of(corpus_, labelled[r]));
      errors += hidden_error(rows[r]);
    }
    return labels / read_rows(corpus_, rows) + 0.7 * errors / static_cast<double>(rows.size());
  }

  /// Each training utterance is supported by the next but one; every fifth has no support.
  [[nodiscard]] Supports one_support() const {
    Supports supports;
    const auto n = static_cast<std::int64_t>(data_.train.size());
    for (std::int64_t i = 0; i < n; ++i) {
      supports.of.push_back(i % 5 == 4 ? std::vector<std::int64_t>{}
                                       : std::vector<std::int64_t>{(i + 2) % n});
    }
    return supports;
  }

  static constexpr std::uint64_t kSeed = 3;
  Corpus corpus_;
  Config config_;
  FoldData data_;
};

TEST_F(RecogniserLoss, IsTheLabelsLossPlusTheWeightedErrorOfWhatIsHidden) {
  const Pattern pattern(1);
  const auto seen = first_update(constant_network(), {{pattern}, {}});
  const auto plan = batch(pattern);
  const auto n = static_cast<double>(plan.rows.size());
  const double read = read_rows(corpus_, plan.rows);
  ASSERT_LT(read, n);
  double expected = 0;
  std::vector<double> class_gradient(4, 0);
  std::vector<double> decoder_gradient(3, 0);  // of the first column
  double normaliser = 0;
  for (const float b : kClassBias) normaliser += std::exp(static_cast<double>(b));
  for (const auto& row : plan.rows) {
    const float label = label_of(corpus_, row.utterance);
    expected += 0.7 * hidden_error(row) / n;
    if (is_read(corpus_, row)) expected += nll(label) / read;
    for (std::size_t c = 0; c < 4 && is_read(corpus_, row); ++c) {
      const double p = std::exp(static_cast<double>(kClassBias[c])) / normaliser;
      class_gradient[c] += (p - (c == static_cast<std::size_t>(label) ? 1 : 0)) / read;
    }
    for (std::size_t m = 0; m < 3; ++m) {
      if (!is_hidden(row, m)) continue;
      const auto& x = data_.table.features[m][row.utterance];
      decoder_gradient[m] +=
          0.7 * 2 * (rebuilt(m) - x[0].item<double>()) / static_cast<double>(x.size(0)) / n;
    }
  }
  EXPECT_NEAR(seen.training_loss, expected, 1e-5);
  const auto of_classes = seen.gradient("classifier.bias");
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_NEAR(of_classes[static_cast<std::int64_t>(c)].item<double>(), class_gradient[c], 1e-6);
  }
  for (std::size_t m = 0; m < 3; ++m) {
    const auto gradient = seen.gradient("decoder." + corpus_.modalities[m].name + ".bias");
    const double first = gradient.defined() ? gradient[0].item<double>() : 0;
    EXPECT_NEAR(first, decoder_gradient[m], 1e-6) << m;
    EXPECT_EQ(decoder_gradient[m] != 0, m != 0) << "the test itself";
  }
}

TEST_F(RecogniserLoss, WithoutReconstructionIsTheLabelsLossAlone) {
  hardymer_settings(config_).recogniser.reconstruction_weight = 0;
  const auto seen = first_update(constant_network(), {{Pattern(2)}, {}});
  double expected = 0;
  double read = 0;
  for (const auto u : data_.train) {
    if (!corpus_.present_pattern(u).has(1)) continue;  // nothing to be read
    expected += nll(label_of(corpus_, u));
    read += 1;
  }
  EXPECT_LT(read, static_cast<double>(data_.train.size()));
  EXPECT_NEAR(seen.training_loss, expected / read, 1e-5);
}

TEST_F(RecogniserLoss, SupportsAsWeightsDivideBothPartsByTheSumOfVisits) {
  hardymer_settings(config_).retrieval.supports = SupportUse::kWeights;
  const CurriculumPlan plan{{Pattern(1)}, {one_support()}};
  const auto seen = first_update(constant_network(), plan);
  std::vector<double> visits(data_.train.size(), 1);
  for (const auto& list : plan.supports[0].of) {
    for (const auto support : list) visits[static_cast<std::size_t>(support)] += 1;
  }
  double labels = 0;
  double errors = 0;
  double read = 0;
  double weights = 0;
  for (const auto& row : batch(Pattern(1)).rows) {
    const double visit = visits[static_cast<std::size_t>(data_.train_row(row.utterance))];
    errors += visit * hidden_error(row);
    weights += visit;
    if (!is_read(corpus_, row)) continue;
    labels += visit * nll(label_of(corpus_, row.utterance));
    read += visit;
  }
  EXPECT_GT(weights, static_cast<double>(data_.train.size()));
  EXPECT_NEAR(seen.training_loss, labels / read + 0.7 * errors / weights, 1e-5);
}

TEST_F(RecogniserLoss, SupportsMixedInBlendTargetsAndLabelsInTheirShares) {
  hardymer_settings(config_).retrieval.supports = SupportUse::kMix;
  hardymer_settings(config_).retrieval.k = 1;
  hardymer_settings(config_).retrieval.mix_rate = 1;
  hardymer_settings(config_).retrieval.mix_share = 0.8;
  const CurriculumPlan plan{{Pattern(1)}, {one_support()}};
  const BatchPlan rows = batch(Pattern(1));
  Generator draws = first_draws(Seeds(kSeed), kStage);
  const auto mixture =
      CurriculumDraws(data_, config_, plan)
          .draw_mixture(rows, std::vector<std::size_t>(rows.rows.size(), 0), at::kCPU, draws);
  for (const auto label : {SupportLabel::kQuery, SupportLabel::kOwn}) {
    hardymer_settings(config_).retrieval.support_label = label;
    const auto seen = first_update(constant_network(), plan);
    double labels = 0;
    double errors = 0;
    int mixed = 0;
    for (std::size_t r = 0; r < rows.rows.size(); ++r) {
      const auto& row = rows.rows[r];
      const auto place = static_cast<std::int64_t>(r);
      const auto partner = mixture.partners()[place].item<std::int64_t>();
      const double share = mixture.shares()[place].item<double>();
      mixed += partner == row.utterance ? 0 : 1;
      const double own = nll(label_of(corpus_, row.utterance));
      const double mixes =
          label == SupportLabel::kQuery ? 0 : share;  // the support has its own label
      errors += hidden_error(row, partner, share);
      if (!is_read(corpus_, row)) continue;
      labels += (1 - mixes) * own + mixes * nll(label_of(corpus_, partner));
    }
    EXPECT_GT(mixed, 3);
    const double expected = labels / read_rows(corpus_, rows.rows) +
                            0.7 * errors / static_cast<double>(rows.rows.size());
    EXPECT_NEAR(seen.training_loss, expected, 1e-5) << word_of(label);
  }
}

TEST_F(RecogniserLoss, SlotsReplaceEachUtteranceByItsSupport) {
  hardymer_settings(config_).retrieval.supports = SupportUse::kSlots;
  const auto supports = one_support();
  const BatchPlan rows = batch(Pattern(1));
  std::vector<std::int64_t> own;
  std::vector<BatchRow> replaced;
  std::vector<std::int64_t> queries;
  std::vector<std::int64_t> their_own;
  for (const auto& row : rows.rows) {
    own.push_back(row.utterance);
    const auto& list = supports.of[static_cast<std::size_t>(data_.train_row(row.utterance))];
    if (list.empty()) continue;
    BatchRow support = row;
    support.utterance = data_.train[static_cast<std::size_t>(list[0])];
    replaced.push_back(support);
    queries.push_back(row.utterance);
    their_own.push_back(support.utterance);
  }
  ASSERT_LT(replaced.size(), own.size());
  for (const auto label : {SupportLabel::kOwn, SupportLabel::kQuery}) {
    hardymer_settings(config_).retrieval.support_label = label;
    const auto seen = first_update(constant_network(), {{Pattern(1)}, {supports}});
    const double slot = constant_loss(replaced, label == SupportLabel::kOwn ? their_own : queries);
    EXPECT_NEAR(seen.training_loss, (constant_loss(rows.rows, own) + slot) / 2, 1e-5)
        << word_of(label);
  }
}

TEST_F(RecogniserLoss, DefectH12KeepsTheGradientsOfABatchesSlots) {
  hardymer_settings(config_).retrieval.supports = SupportUse::kSlots;
  const CurriculumPlan plan{{Pattern(1)}, {one_support()}};
  const auto cleared = first_update(constant_network(), plan).mean_gradient("classifier.bias");
  published_settings(config_).h12_kept_gradients = true;
  const auto kept = first_update(constant_network(), plan).mean_gradient("classifier.bias");
  // The second step takes .1 (g1 + g2) instead of .1 g2; g1 is that of the rows themselves.
  published_settings(config_).h12_kept_gradients = false;
  hardymer_settings(config_).retrieval.supports = SupportUse::kNone;
  const auto of_rows = first_update(constant_network(), {{Pattern(1)}, {}});
  const auto difference = kept - cleared - 0.1 * of_rows.gradient("classifier.bias");
  EXPECT_LT(difference.abs().max().item<double>(), 1e-6);
  EXPECT_GT((kept - cleared).abs().max().item<double>(), 1e-4);
}

TEST_F(RecogniserLoss, TheUnifiedModelDrawsAPatternPerUtteranceOrPerDialogue) {
  const auto patterns = all_patterns(3);
  for (const auto unit : {PatternUnit::kUtterance, PatternUnit::kDialogue}) {
    hardymer_settings(config_).recogniser.pattern_unit = unit;
    BatchPlan plan = batch(patterns.front());
    Generator draws = first_draws(Seeds(kSeed), kStage);
    std::vector<std::int64_t> own;
    for (std::size_t d = 0; d + 1 < plan.offsets.size(); ++d) {
      std::size_t drawn = 0;
      for (auto r = plan.offsets[d]; r < plan.offsets[d + 1]; ++r) {
        if (unit == PatternUnit::kUtterance || r == plan.offsets[d]) {
          drawn = static_cast<std::size_t>(draw_index(draws, 7));
        }
        plan.rows[static_cast<std::size_t>(r)].pattern = patterns[drawn];
        own.push_back(plan.rows[static_cast<std::size_t>(r)].utterance);
      }
    }
    const auto seen = first_update(constant_network(), {patterns, {}});
    EXPECT_NEAR(seen.training_loss, constant_loss(plan.rows, own), 1e-5) << word_of(unit);
  }
}

TEST_F(RecogniserLoss, EveryGradientIsThatOfTheDefinition) {
  hardymer_settings(config_).retrieval.supports = SupportUse::kMix;
  hardymer_settings(config_).retrieval.k = 1;
  hardymer_settings(config_).retrieval.support_label = SupportLabel::kOwn;
  const Pattern pattern(5);
  const CurriculumPlan curriculum{{pattern}, {one_support()}};
  const auto start = drawn_network();
  const auto seen = first_update(start, curriculum);
  ParameterSet parameters;
  Generator unused;
  const Backbone backbone(backbone_options(data_, hardymer_settings(config_).recogniser.encoder),
                          parameters, unused);
  parameters.load(start, "model.");
  const BatchPlan plan = batch(pattern);
  Generator draws = first_draws(Seeds(kSeed), kStage);
  const auto mixture =
      CurriculumDraws(data_, config_, curriculum)
          .draw_mixture(plan, std::vector<std::size_t>(plan.rows.size(), 0), at::kCPU, draws);
  const auto blended = [&](std::size_t m, std::int64_t r) {
    const auto& features = data_.table.features[m];
    const auto& own = features[plan.rows[static_cast<std::size_t>(r)].utterance];
    return own + mixture.shares()[r] * (features[mixture.partners()[r].item<std::int64_t>()] - own);
  };
  Batch packed = make_batch(data_.table, plan);
  for (std::size_t m = 0; m < 3; ++m) {
    auto& rows = packed.modalities[m];
    for (std::int64_t i = 0; i < rows.count; ++i) {
      rows.inputs[i].copy_(blended(m, rows.covers_all() ? i : rows.index[i].item<std::int64_t>()));
    }
  }
  DropoutStream off;
  const auto fused = backbone.fuse(packed, backbone.encode(packed, off), off);
  const auto logits = backbone.classify(fused);
  std::vector<std::vector<std::int64_t>> hidden(3);
  auto labels = at::zeros({});
  auto errors = at::zeros({});
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const auto row = static_cast<std::int64_t>(r);
    const auto partner = mixture.partners()[row].item<std::int64_t>();
    const auto share = mixture.shares()[row];
    if (is_read(corpus_, plan.rows[r])) {
      const auto own = loss_on(logits[row], corpus_, label_of(corpus_, plan.rows[r].utterance));
      const auto other = loss_on(logits[row], corpus_, label_of(corpus_, partner));
      labels = labels + (1 - share) * own + share * other;
    }
    for (std::size_t m = 0; m < 3; ++m) {
      if (is_hidden(plan.rows[r], m)) hidden[m].push_back(row);
    }
  }
  const auto outputs = backbone.reconstruct(fused, hidden);
  for (std::size_t m = 0; m < 3; ++m) {
    for (std::size_t i = 0; i < hidden[m].size(); ++i) {
      const auto& output = outputs[m][static_cast<std::int64_t>(i)];
      errors = errors + (output - blended(m, hidden[m][i])).square().mean();
    }
  }
  expect_same(seen, parameters,
              labels / read_rows(corpus_, plan.rows) +
                  0.7 * errors / static_cast<double>(plan.rows.size()));
}

TEST_F(RecogniserLoss, ValidationIsTheMeanLabelsLossOverPatterns) {
  const auto seen = first_update(constant_network(), {{Pattern(1), Pattern(6)}, {}});
  double expected = 0;
  double read = 0;
  const auto utterances = utterances_of(corpus_, data_.fold.validation);
  for (const auto pattern : {Pattern(1), Pattern(6)}) {
    for (const auto u : utterances) {
      if ((pattern & corpus_.present_pattern(u)).empty()) continue;
      expected += nll(label_of(corpus_, u));
      read += 1;
    }
  }
  EXPECT_LT(read, 2 * static_cast<double>(utterances.size()));
  EXPECT_NEAR(seen.validation_loss, expected / read, 1e-5);
}

TEST_F(RecogniserLoss, OfValuesIsTheSquaredError) {
  corpus_.label_kind = LabelKind::kValue;
  corpus_.class_names.clear();
  data_.objective = std::make_shared<Objective>(corpus_, at::kCPU);
  ParameterSet parameters;
  Generator generator(12);
  const Backbone backbone(backbone_options(data_, hardymer_settings(config_).recogniser.encoder),
                          parameters, generator);
  TensorFile start;
  parameters.save(start, "model.");
  hardymer_settings(config_).recogniser.reconstruction_weight = 0;
  const auto seen = first_update(start, {{Pattern(7)}, {}});
  const BatchPlan plan = batch(Pattern(7));
  const Batch packed = make_batch(data_.table, plan);
  DropoutStream off;
  const auto logits = backbone.classify(backbone.fuse(packed, backbone.encode(packed, off), off));
  expect_same(seen, parameters, mean_label_loss(data_, logits, plan));
}

/// The sum over modalities of the mean loss of their heads, on the rows that have them.
at::Tensor heads_loss(const FoldData& data, const Backbone& backbone, const BatchPlan& plan) {
  const Batch packed = make_batch(data.table, plan);
  DropoutStream off;
  const auto encoded = backbone.encode(packed, off);
  auto loss = at::zeros({});
  for (int m = 0; m < data.table.modality_count(); ++m) {
    const auto logits = backbone.classify_modality(m, encoded.z[static_cast<std::size_t>(m)]);
    BatchPlan having;
    for (const auto& row : plan.rows) {
      if (data.corpus->present_pattern(row.utterance).has(m)) having.rows.push_back(row);
    }
    loss = loss + mean_label_loss(data, logits, having);
  }
  return loss;
}

TEST_F(RecogniserLoss, OfPretrainingIsTheSumOverModalitiesOfTheirHeads) {
  FirstUpdates updates(kSeed);
  pretrain_recogniser(data_, hardymer_settings(config_).recogniser, updates.services);
  ASSERT_EQ(updates.states.size(), 1U);
  const FirstUpdate seen(updates.states[0]);
  ParameterSet parameters;
  Generator initial = Seeds(kSeed).stream("recogniser.init");
  const Backbone backbone(backbone_options(data_, hardymer_settings(config_).recogniser.encoder),
                          parameters, initial);
  expect_same(seen, parameters,
              heads_loss(data_, backbone, first_batch(data_, Seeds(kSeed), "recogniser.complete")));
  BatchPlan held_out;
  for (const auto dialogue : data_.fold.validation) {
    held_out.add_dialogue(corpus_, data_.table, dialogue, Pattern::complete(3));
  }
  EXPECT_NEAR(seen.validation_loss, heads_loss(data_, backbone, held_out).item<double>(), 1e-4);
}

TEST_F(RecogniserLoss, PretrainingMovesTheEncoderAndHeadOfEveryModality) {
  hardymer_settings(config_).recogniser.optimiser.learning_rate = 1e-2;
  const auto trained = [&](std::int64_t epochs) {
    hardymer_settings(config_).recogniser.complete_epochs = epochs;
    StageServices services;
    services.seeds = Seeds(kSeed);
    return pretrain_recogniser(data_, hardymer_settings(config_).recogniser, services);
  };
  const auto none = trained(0);
  const auto some = trained(2);
  int moved = 0;
  for (const auto& modality : corpus_.modalities) {
    for (const std::string part : {"embed.", "head."}) {
      for (const std::string kind : {".weight", ".bias"}) {
        const auto name = "model." + part + modality.name + kind;
        EXPECT_NE(none.arrays.at(name).values, some.arrays.at(name).values) << name;
        ++moved;
      }
    }
  }
  EXPECT_EQ(moved, 12);
  EXPECT_EQ(none.arrays.at("model.classifier.bias").values,
            some.arrays.at("model.classifier.bias").values);
}

}  // namespace
}  // namespace hardy::test
