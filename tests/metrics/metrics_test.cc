#include "hardy/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/random.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// One row of scores per predicted class, the predicted one highest.
std::vector<float> scores_for(const std::vector<std::int64_t>& predicted, std::size_t classes) {
  std::vector<float> scores(predicted.size() * classes, -1.0F);
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    scores[i * classes + static_cast<std::size_t>(predicted[i])] = 2.0F;
  }
  return scores;
}

template <typename ErrorType, typename Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const ErrorType& error) {
    return error.what();
  }
  return "no such error was thrown";
}

TEST(ClassMetrics, MatchesValuesWorkedByHand) {
  const std::vector<std::int64_t> truth = {0, 0, 0, 0, 1, 1, 2};
  const auto metrics = class_metrics(truth, scores_for({0, 0, 0, 1, 1, 2, 1}, 3), 3);
  EXPECT_EQ(metrics.count, 7);
  EXPECT_EQ(metrics.confusion, (std::vector<std::int64_t>{3, 1, 0, 0, 1, 1, 0, 1, 0}));
  EXPECT_DOUBLE_EQ(metrics.wa, 4.0 / 7);  // hits 3 + 1 + 0
  EXPECT_DOUBLE_EQ(metrics.ua, (3.0 / 4 + 1.0 / 2 + 0) / 3);
  const double f0 = 2.0 * 3 / (4 + 3);  // 2 hits / (true + predicted)
  const double f1 = 2.0 * 1 / (2 + 3);
  EXPECT_DOUBLE_EQ(metrics.weighted_f1, (4 * f0 + 2 * f1 + 1 * 0) / 7);
  EXPECT_DOUBLE_EQ(metrics.macro_f1, (f0 + f1 + 0) / 3);
}

TEST(ClassMetrics, UaAndRecallLeaveOutClassesAbsentFromTheTruth) {
  const std::vector<std::int64_t> truth = {0, 0, 1, 1};
  const auto metrics = class_metrics(truth, scores_for({0, 0, 1, 3}, 4), 4);
  EXPECT_DOUBLE_EQ(metrics.ua, (1.0 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(metrics.recall[0], 1.0);
  EXPECT_TRUE(std::isnan(metrics.recall[2]));
  EXPECT_TRUE(std::isnan(metrics.recall[3]));
  // Class 3 was predicted, so it counts in macro F1; class 2 appears nowhere, so it does not.
  EXPECT_DOUBLE_EQ(metrics.macro_f1, (1.0 + 2.0 / 3 + 0.0) / 3);
  EXPECT_DOUBLE_EQ(metrics.weighted_f1, (2 * 1.0 + 2 * 2.0 / 3) / 4);
}

TEST(ClassMetrics, OneClassOnlyIsPerfectOrWorthless) {
  const std::vector<std::int64_t> truth = {1, 1, 1};
  const auto right = class_metrics(truth, scores_for({1, 1, 1}, 2), 2);
  EXPECT_EQ(right.wa, 1);
  EXPECT_EQ(right.ua, 1);
  EXPECT_EQ(right.weighted_f1, 1);
  EXPECT_EQ(right.macro_f1, 1);
  const auto wrong = class_metrics(truth, scores_for({0, 0, 0}, 2), 2);
  EXPECT_EQ(wrong.wa, 0);
  EXPECT_EQ(wrong.ua, 0);
  EXPECT_EQ(wrong.weighted_f1, 0);
  EXPECT_EQ(wrong.macro_f1, 0);
}

TEST(ClassMetrics, NothingGivesNaNAndZeroCounts) {
  const auto metrics = class_metrics({}, {}, 2);
  EXPECT_EQ(metrics.count, 0);
  EXPECT_TRUE(std::isnan(metrics.wa) && std::isnan(metrics.ua));
  EXPECT_TRUE(std::isnan(metrics.weighted_f1) && std::isnan(metrics.macro_f1));
  EXPECT_EQ(metrics.recall.size(), 2U);
  EXPECT_EQ(metrics.confusion, (std::vector<std::int64_t>(4, 0)));
}

TEST(ClassMetrics, TiesGoToTheLowestClass) {
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 3}), 1);
  EXPECT_EQ(argmax(std::vector<float>{0, 0, 0}), 0);
  const auto metrics = class_metrics(std::vector<std::int64_t>{1}, std::vector<float>{5, 5}, 2);
  EXPECT_EQ(metrics.confusion, (std::vector<std::int64_t>{0, 0, 1, 0}));
}

TEST(ClassMetrics, DoNotDependOnOrderScaleOrShiftOfTheRows) {
  Generator generator(5);
  const std::int64_t n = 200;
  std::vector<std::int64_t> truth;
  std::vector<float> scores;
  for (std::int64_t i = 0; i < n; ++i) {
    truth.push_back(draw_index(generator, 4));
    for (int c = 0; c < 4; ++c) scores.push_back(static_cast<float>(draw_normal(generator)));
  }
  const auto before = class_metrics(truth, scores, 4);
  std::vector<std::int64_t> moved_truth;
  std::vector<float> moved_scores;
  for (const auto i : draw_permutation(generator, n)) {
    moved_truth.push_back(truth[static_cast<std::size_t>(i)]);
    for (std::size_t c = 0; c < 4; ++c) {
      moved_scores.push_back(scores[static_cast<std::size_t>(i) * 4 + c] * 4 + 1);
    }
  }
  const auto after = class_metrics(moved_truth, moved_scores, 4);
  EXPECT_EQ(before.confusion, after.confusion);
  EXPECT_EQ(before.weighted_f1, after.weighted_f1);
  std::int64_t total = 0;
  for (const auto cell : before.confusion) total += cell;
  EXPECT_EQ(total, n);
}

TEST(ClassMetrics, WeightedRecallIsAccuracy) {
  Generator generator(6);
  std::vector<std::int64_t> truth;
  std::vector<std::int64_t> predicted;
  for (int i = 0; i < 300; ++i) {
    truth.push_back(draw_index(generator, 3));
    predicted.push_back(draw_index(generator, 3));
  }
  const auto metrics = class_metrics(truth, scores_for(predicted, 3), 3);
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    sum += metrics.recall[c] * static_cast<double>(std::count(truth.begin(), truth.end(), c));
  }
  EXPECT_NEAR(sum / 300, metrics.wa, 1e-12);
}

TEST(ClassMetrics, RefusesWrongShapesLabelsAndScores) {
  const std::vector<std::int64_t> truth = {0, 1};
  const std::vector<float> scores(4, 0.0F);
  EXPECT_NE(message_of<ShapeError>([&] {
              class_metrics(truth, scores, 3);
            }).find("scores hold 4 values but 2 labels and 3 classes need [N,C] = 6"),
            std::string::npos);
  EXPECT_NE(message_of<ShapeError>([&] { class_metrics({}, {}, 0); }).find("0 classes"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] {
              class_metrics(std::vector<std::int64_t>{0, 2}, scores, 2);
            }).find("the label of row 1 is 2; it must lie in 0..1"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] {
              class_metrics(std::vector<std::int64_t>{-1, 0}, scores, 2);
            }).find("the label of row 0 is -1"),
            std::string::npos);
  for (const float bad : {std::nanf(""), kInf, -kInf}) {
    const std::vector<float> spoilt = {0, 0, bad, 0};
    EXPECT_NE(
        message_of<DataError>([&] { class_metrics(truth, spoilt, 2); }).find("a score of row 1 is"),
        std::string::npos);
  }
}

TEST(SentimentMetrics, MatchesValuesWorkedByHand) {
  const std::vector<float> truth = {2, 1, -1, -3, 0};
  const std::vector<float> predicted = {1, -1, -1, 1, 2};
  const auto metrics = sentiment_metrics(truth, predicted);
  EXPECT_EQ(metrics.count, 5);
  EXPECT_EQ(metrics.nonzero_count, 4);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 2.0 / 4);
  EXPECT_DOUBLE_EQ(metrics.weighted_f1, 0.5);  // both classes 2*1/(2+2)
  EXPECT_DOUBLE_EQ(metrics.mae, (1 + 2 + 0 + 4 + 2) / 5.0);
  // means -0.2 and 0.4; centred sums of products xy -0.6, xx 14.8, yy 7.2
  EXPECT_NEAR(metrics.correlation, -0.6 / std::sqrt(14.8 * 7.2), 1e-12);
}

TEST(SentimentMetrics, ZeroTruthCountsOnlyInErrorAndCorrelation) {
  const auto metrics = sentiment_metrics(std::vector<float>{0, 0, 0}, std::vector<float>{1, -1, 0});
  EXPECT_EQ(metrics.nonzero_count, 0);
  EXPECT_TRUE(std::isnan(metrics.accuracy));
  EXPECT_TRUE(std::isnan(metrics.weighted_f1));
  EXPECT_DOUBLE_EQ(metrics.mae, 2.0 / 3);
  EXPECT_TRUE(std::isnan(metrics.correlation));  // the truth is constant
}

TEST(SentimentMetrics, PredictionOfZeroIsNotPositive) {
  EXPECT_EQ(sentiment_metrics(std::vector<float>{-1}, std::vector<float>{0}).accuracy, 1);
  EXPECT_EQ(sentiment_metrics(std::vector<float>{1}, std::vector<float>{0}).accuracy, 0);
}

TEST(SentimentMetrics, NothingAndConstantsGiveNaN) {
  const auto nothing = sentiment_metrics({}, {});
  EXPECT_EQ(nothing.count, 0);
  EXPECT_TRUE(std::isnan(nothing.mae) && std::isnan(nothing.correlation));
  // 0.1F has no finite binary form: the standard deviation of a constant must still be 0.
  const std::vector<float> constant(7, 0.1F);
  const std::vector<float> varied = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_TRUE(std::isnan(sentiment_metrics(varied, constant).correlation));
  EXPECT_TRUE(
      std::isnan(sentiment_metrics(std::vector<float>{1}, std::vector<float>{2}).correlation));
}

TEST(SentimentMetrics, CorrelationIgnoresScaleAndShiftAndTurnsWithTheSign) {
  const std::vector<float> truth = {-2, 0.5F, 1, 3};
  std::vector<float> up;
  std::vector<float> down;
  for (const float value : truth) {
    up.push_back(3 * value + 1);
    down.push_back(-value);
  }
  EXPECT_NEAR(sentiment_metrics(truth, up).correlation, 1, 1e-12);
  EXPECT_NEAR(sentiment_metrics(truth, down).correlation, -1, 1e-12);
}

TEST(SentimentMetrics, RefusesWrongShapesAndValues) {
  const std::vector<float> two = {1, 2};
  const std::vector<float> three = {1, 2, 3};
  EXPECT_NE(message_of<ShapeError>([&] {
              sentiment_metrics(two, three);
            }).find("2 true values but 3 predictions"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] {
              sentiment_metrics(two, std::vector<float>{1, kInf});
            }).find("the prediction of row 1 is inf"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] {
              sentiment_metrics(std::vector<float>{std::nanf(""), 1}, two);
            }).find("the true value of row 0 is nan"),
            std::string::npos);
}

TEST(BinarySentimentMetrics, ExcludesZeroTruthAndHasNoErrorOrCorrelation) {
  const std::vector<float> truth = {1.5F, -2, 0, 3, -1};
  const std::vector<float> scores = {0, 1, 1, 0, 0, 9, 2, 1, 0, 0};
  const auto metrics = binary_sentiment_metrics(truth, scores);
  EXPECT_EQ(metrics.count, 5);
  EXPECT_EQ(metrics.nonzero_count, 4);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 3.0 / 4);  // the tie of the last row is negative, and right
  // positive: 1 hit, 2 true, 1 predicted; negative: 2 hits, 2 true, 3 predicted
  EXPECT_DOUBLE_EQ(metrics.weighted_f1, (2 * (2.0 / 3) + 2 * (4.0 / 5)) / 4);
  EXPECT_TRUE(std::isnan(metrics.mae));
  EXPECT_TRUE(std::isnan(metrics.correlation));
}

TEST(BinarySentimentMetrics, RefusesWrongShapesAndValues) {
  EXPECT_NE(message_of<ShapeError>([&] {
              binary_sentiment_metrics(std::vector<float>{1}, std::vector<float>{1, 2, 3});
            }).find("scores hold 3 values but 1 true values need [N,2] = 2"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] {
              binary_sentiment_metrics(std::vector<float>{1, 1},
                                       std::vector<float>{1, 2, 3, std::nanf("")});
            }).find("a score of row 1"),
            std::string::npos);
}

TEST(MeanAndDeviation, UsesTheSampleDeviation) {
  const auto result = mean_and_deviation(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(result.mean, 5);
  EXPECT_DOUBLE_EQ(result.deviation, std::sqrt(32.0 / 7));
}

TEST(MeanAndDeviation, FewerThanTwoValuesHaveNoDeviation) {
  const auto one = mean_and_deviation(std::vector<double>{3});
  EXPECT_EQ(one.mean, 3);
  EXPECT_TRUE(std::isnan(one.deviation));
  const auto none = mean_and_deviation({});
  EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.deviation));
  EXPECT_EQ(mean_and_deviation(std::vector<double>{3, 3, 3}).deviation, 0);
}

}  // namespace
}  // namespace hardy
