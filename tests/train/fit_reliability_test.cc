// The reliability estimate of a fold: what is stored, and that it keeps its promise.
#include "train/fit_reliability.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "base/random.h"
#include "inference/reliability.h"
#include "nn/batch.h"
#include "train/objective.h"

namespace hardy {
namespace {

constexpr std::int64_t kTurns = 4;

constexpr std::int64_t kWidth = 12;

/// Dialogues of four utterances; features of five factors with little noise: the first factor is in
/// four columns, each of the others in two.
class FitReliability : public ::testing::Test {
 protected:
  FitReliability() {
    corpus.class_names = {"x", "y"};
    corpus.modalities.push_back({"sound", kWidth, {}, {}});
    auto generator = Seeds(5).stream("reliability test");
    for (std::int64_t d = 0; d < 150; ++d) {
      corpus.dialogues.push_back({fmt::format("d{}", d), d * kTurns, kTurns, "", Part::kNone});
      for (std::int64_t t = 0; t < kTurns; ++t) {
        const float label = t % 2 == 0 ? 0.0F : 1.0F;
        corpus.utterances.push_back({fmt::format("u{}_{}", d, t), d, t, "", label, ""});
        double factor = 0;
        for (int j = 0; j < kWidth; ++j) {
          if (j == 0 || (j >= 4 && j % 2 == 0)) factor = draw_normal(generator);
          corpus.modalities[0].features.push_back(
              static_cast<float>(factor + 0.1 * draw_normal(generator)));
        }
        corpus.modalities[0].present.push_back(1);
      }
    }
    Fold fold;
    for (std::int64_t d = 0; d < 50; ++d) {
      fold.train.push_back(d);
      fold.validation.push_back(50 + d);
      fold.test.push_back(100 + d);
    }
    data = make_fold_data(corpus, make_feature_table(corpus, at::kCPU), fold,
                          std::make_shared<Objective>(corpus, at::kCPU));
  }

  predict::ReliabilityView view(const TensorFile& file) {
    stored = view_of(file);
    return predict::find_reliability(stored, {"sound", kWidth});
  }

  Corpus corpus;
  FoldData data;
  TensorFileView stored;
};

TEST_F(FitReliability, FirstDirectionAndCountsAreThoseOfTheData) {
  const TensorFile file = fit_reliability(data);
  const auto reliability = view(file);
  ASSERT_EQ(reliability.directions, kWidth);
  // The first four columns vary together, more than any others: (1, 1, 1, 1, 0, ..) / 2.
  for (int j = 0; j < kWidth; ++j) {
    EXPECT_NEAR(std::abs(reliability.basis[j]), j < 4 ? 0.5 : 0, 0.15) << j;
  }
  EXPECT_NEAR(reliability.variance[0], 4, 0.3);
  EXPECT_EQ(reliability.counts[predict::kLoud], 200);
  EXPECT_EQ(reliability.counts[predict::kRepeated], 150);  // a first one has no predecessor
  EXPECT_EQ(reliability.largest[predict::kShapeless].size(), 200U);
}

TEST_F(FitReliability, UtterancesOfTheTestPartAreNotRead) {
  const TensorFile before = fit_reliability(data);
  std::vector<float> values(corpus.modalities[0].features.begin(),
                            corpus.modalities[0].features.end());
  for (std::size_t i = 100 * kTurns * kWidth; i < values.size(); ++i) values[i] = 1000;
  corpus.modalities[0].features = values;
  data = make_fold_data(corpus, make_feature_table(corpus, at::kCPU), data.fold, data.objective);
  const TensorFile after = fit_reliability(data);
  for (const auto& [name, array] : before.arrays) {
    EXPECT_EQ(array.values, after.arrays.at(name).values) << name;
  }
}

TEST_F(FitReliability, FalseAlarmsKeepThePromiseAndNoiseIsFound) {
  const TensorFile file = fit_reliability(data);
  const auto reliability = view(file);
  auto generator = Seeds(9).stream("noise");
  int alarms = 0;
  int found = 0;
  for (std::int64_t u = 100 * kTurns; u < 150 * kTurns; ++u) {
    const auto z = to_floats(data.table.features[0].narrow_rows(u, 1).contiguous());
    const bool is_first = u % kTurns == 0;
    const auto before =
        to_floats(data.table.features[0].narrow_rows(is_first ? u : u - 1, 1).contiguous());
    const auto judged = [&](const std::vector<float>& row) {
      return reliability_of(reliability, strangeness_of(reliability, row.data(),
                                                        is_first ? nullptr : before.data())) <=
             0.05;
    };
    alarms += judged(z) ? 1 : 0;
    std::vector<float> noise;
    for (int j = 0; j < kWidth; ++j) noise.push_back(static_cast<float>(draw_normal(generator)));
    found += judged(noise) ? 1 : 0;
  }
  EXPECT_LE(alarms, 20);  // .05 of 200, with three deviations of chance
  EXPECT_GT(found, 180);
}

TEST_F(FitReliability, AModalityWithoutValidationUtterancesHasNone) {
  for (std::int64_t u = 50 * kTurns; u < 100 * kTurns; ++u) {
    corpus.modalities[0].present[static_cast<std::size_t>(u)] = 0;
  }
  data = make_fold_data(corpus, make_feature_table(corpus, at::kCPU), data.fold, data.objective);
  EXPECT_TRUE(fit_reliability(data).arrays.empty());
}

}  // namespace
}  // namespace hardy
