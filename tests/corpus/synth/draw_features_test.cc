#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include <fmt/format.h>

#include "base/random.h"
#include "corpus/synth/demo_corpus.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "tests/support/linear_probe.h"

namespace hardy {
namespace {

/// Labels without features: `dialogues` dialogues of 30 utterances by two speakers, five groups.
Corpus labels_only(LabelKind kind, std::int64_t classes, std::int64_t dialogues) {
  Corpus corpus;
  corpus.name = "hand-made";
  corpus.label_kind = kind;
  if (kind == LabelKind::kClass) {
    for (std::int64_t c = 0; c < classes; ++c) corpus.class_names.push_back(fmt::format("c{}", c));
  }
  Generator generator(3);
  for (std::int64_t d = 0; d < dialogues; ++d) {
    corpus.dialogues.push_back(
        {fmt::format("d{}", d), corpus.size(), 30, fmt::format("g{}", d % 5), Part::kNone});
    for (std::int64_t i = 0; i < 30; ++i) {
      Utterance utterance;
      utterance.id = fmt::format("d{}_{}", d, i);
      utterance.dialogue = d;
      utterance.position = i;
      utterance.label = kind == LabelKind::kClass
                            ? static_cast<float>(draw_index(generator, classes))
                            : static_cast<float>(std::clamp(1.5 * draw_normal(generator), -3., 3.));
      corpus.utterances.push_back(utterance);
    }
  }
  return corpus;
}

TEST(DrawFeatures, KeepsTheLabelsAndSaysSynthetic) {
  const Corpus labels = labels_only(LabelKind::kClass, 6, 4);
  const Corpus corpus = draw_features(labels, {.modalities = demo_modalities()});
  EXPECT_EQ(corpus.name, "hand-made (synthetic features)");
  EXPECT_TRUE(corpus.is_synthetic);
  ASSERT_EQ(corpus.size(), labels.size());
  for (std::size_t i = 0; i < labels.utterances.size(); ++i) {
    EXPECT_EQ(corpus.utterances[i].id, labels.utterances[i].id);
    EXPECT_EQ(corpus.utterances[i].label, labels.utterances[i].label);
  }
  // Existing features are replaced.
  EXPECT_EQ(draw_features(corpus, {.modalities = demo_modalities()}).checksum, corpus.checksum);
}

TEST(DrawFeatures, SixClassesKeepTheirStrength) {
  const Corpus corpus =
      draw_features(labels_only(LabelKind::kClass, 6, 60), {.modalities = demo_modalities()});
  EXPECT_NEAR(test::accuracy_on_unseen_groups(corpus, {1}), 0.77, 0.04);
}

TEST(DrawFeatures, PublishedWidthsKeepTheirStrength) {
  // 120 dialogues, the first 90 train: enough rows for 1024 columns with a short fit.
  const Corpus corpus = draw_features(labels_only(LabelKind::kClass, 4, 120));
  std::vector<std::size_t> training(90 * 30);
  std::iota(training.begin(), training.end(), 0U);
  std::vector<std::size_t> testing(30 * 30);
  std::iota(testing.begin(), testing.end(), training.size());
  std::vector<std::int64_t> truth;
  for (const auto i : testing) {
    truth.push_back(static_cast<std::int64_t>(corpus.utterances[i].label));
  }
  const std::array<double, 3> wanted = {0.70, 0.77, 0.57};
  for (int m = 0; m < 3; ++m) {
    const auto scores = test::probe(corpus, {m}, training, testing);
    EXPECT_NEAR(class_metrics(truth, scores, 4).wa, wanted[static_cast<std::size_t>(m)], 0.04);
  }
}

TEST(DrawFeatures, ValuesAreReadableFromTheFeatures) {
  const Corpus corpus =
      draw_features(labels_only(LabelKind::kValue, 0, 60), {.modalities = demo_modalities()});
  std::vector<std::size_t> training(48 * 30);
  std::iota(training.begin(), training.end(), 0U);
  std::vector<std::size_t> testing(12 * 30);
  std::iota(testing.begin(), testing.end(), training.size());
  std::vector<float> truth;
  for (const auto i : testing) truth.push_back(corpus.utterances[i].label);
  const auto textual = sentiment_metrics(truth, test::probe(corpus, {1}, training, testing));
  EXPECT_NEAR(textual.accuracy, 0.77, 0.05);
  EXPECT_GT(textual.correlation, 0.5);
  const auto visual = sentiment_metrics(truth, test::probe(corpus, {2}, training, testing));
  EXPECT_NEAR(visual.accuracy, 0.57, 0.06);
}

TEST(DrawFeatures, BrokenLabelsAreRefused) {
  Corpus labels = labels_only(LabelKind::kClass, 4, 2);
  labels.utterances[7].label = 4;
  try {
    draw_features(labels);
    ADD_FAILURE() << "label 4 of 4 classes was accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("d0_7"), std::string::npos) << error.what();
  }
  EXPECT_THROW(draw_features(Corpus{}), DataError);
}

}  // namespace
}  // namespace hardy
