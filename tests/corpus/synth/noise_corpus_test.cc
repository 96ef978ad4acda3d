#include "corpus/synth/noise_corpus.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/small_corpus.h"

namespace hardy {
namespace {

TEST(NoiseCorpus, KeepsEverythingButTheFeatures) {
  const Corpus corpus = test::small_corpus();
  const Corpus noise = noise_corpus(corpus, 1);
  validate_corpus(noise);
  EXPECT_EQ(noise.name, "small (noise)");
  EXPECT_TRUE(noise.is_synthetic);
  EXPECT_NE(noise.checksum, corpus_checksum(corpus));
  EXPECT_EQ(noise.checksum, corpus_checksum(noise));
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    const auto u = static_cast<std::size_t>(i);
    EXPECT_EQ(noise.utterances[u].label, corpus.utterances[u].label);
    EXPECT_EQ(noise.present_pattern(i), corpus.present_pattern(i));
  }
  EXPECT_NE(noise.modalities[0].features, corpus.modalities[0].features);
  EXPECT_EQ(noise.modalities[1].row(1)[0], 0.0F);  // u1 lacks the textual modality
}

TEST(NoiseCorpus, IsNormalAndAFunctionOfTheSeed) {
  Corpus corpus = test::small_corpus();
  corpus.modalities[0].width = 4000;
  corpus.modalities[0].features.assign(5 * 4000, 0.0F);
  const Corpus noise = noise_corpus(corpus, 1);
  double sum = 0;
  double squares = 0;
  for (const float value : noise.modalities[0].features) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.04);
  EXPECT_EQ(noise_corpus(corpus, 1).checksum, noise.checksum);
  EXPECT_NE(noise_corpus(corpus, 2).checksum, noise.checksum);
}

}  // namespace
}  // namespace hardy
