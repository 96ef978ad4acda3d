// Metrics of several labels and values, against numbers computed by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

TEST(LabelMetrics, WeightedAccuracyIsTheMeanRecallOfBothSides) {
  // Positive: 1 of 2 found; negative: 2 of 3 kept.
  const auto metrics = label_metrics(std::vector<float>{1, 1, 0, 0, 0},
                                     std::vector<float>{0.9F, 0.5F, 0.1F, 0.2F, 0.51F});
  EXPECT_EQ(metrics.count, 5);
  EXPECT_DOUBLE_EQ(metrics.weighted_accuracy, (0.5 + 2.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(metrics.f1, 0.5);  // 2 / (2 + 1 + 1)
  EXPECT_DOUBLE_EQ(metrics.weighted_f1, (0.5 * 2 + 2.0 / 3 * 3) / 5);
}

TEST(LabelMetrics, OneSideAloneHasNoWeightedAccuracy) {
  const auto metrics = label_metrics(std::vector<float>{0, 0}, std::vector<float>{0.1F, 0.2F});
  EXPECT_TRUE(std::isnan(metrics.weighted_accuracy));
  EXPECT_TRUE(std::isnan(metrics.f1));
  EXPECT_DOUBLE_EQ(metrics.weighted_f1, 1);
  EXPECT_THROW(label_metrics(std::vector<float>{0}, std::vector<float>{0, 1}), ShapeError);
  EXPECT_THROW(label_metrics(std::vector<float>{0}, std::vector<float>{NAN}), DataError);
}

TEST(ValueMetrics, ConcordancePunishesAShiftThatCorrelationForgives) {
  const std::vector<float> truth = {1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(value_metrics(truth, truth).ccc, 1);
  const auto shifted = value_metrics(truth, std::vector<float>{2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(shifted.correlation, 1);
  // 2 * 1.25 / (1.25 + 1.25 + 1)
  EXPECT_DOUBLE_EQ(shifted.ccc, 2.5 / 3.5);
  EXPECT_DOUBLE_EQ(shifted.mae, 1);
  EXPECT_DOUBLE_EQ(value_metrics(truth, std::vector<float>{4, 3, 2, 1}).ccc, -1);
  EXPECT_DOUBLE_EQ(value_metrics(truth, std::vector<float>{2, 2, 2, 2}).ccc, 0);
  EXPECT_TRUE(std::isnan(value_metrics(std::vector<float>{1, 1}, std::vector<float>{1, 1}).ccc));
  EXPECT_TRUE(std::isnan(value_metrics({}, {}).ccc));
}

}  // namespace
}  // namespace hardy
