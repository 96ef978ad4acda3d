#include "metrics/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;

std::vector<double> metrics_of(const TallyLayout& layout, const std::vector<double>& tally) {
  std::vector<double> values(layout.metric_names().size());
  layout.metrics(tally, values);
  return values;
}

void expect_equal(double x, double y) {
  if (std::isnan(y)) {
    EXPECT_TRUE(std::isnan(x));
  } else {
    EXPECT_NEAR(x, y, 1e-12);
  }
}

TEST(Tally, ClassesCountIntoTheConfusionMatrix) {
  const TallyLayout layout(TaskKind::kClass, {"calm", "angry"});
  std::vector<double> tally(layout.width());
  layout.add(tally, 0, 0);
  layout.add(tally, 0, 1);
  layout.add(tally, 1, 1);
  EXPECT_THAT(std::vector<double>(tally.begin(), tally.begin() + 4), ElementsAre(1, 1, 0, 1));
  EXPECT_THAT(layout.metric_names(), ElementsAre("wa", "ua", "weighted_f1", "macro_f1", "brier",
                                                 "ece", "recall.calm", "recall.angry"));
  // WA 2/3; UA (1/2 + 1) / 2; F1 of both classes 2/3.
  const auto values = metrics_of(layout, tally);
  EXPECT_DOUBLE_EQ(values[0], 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(values[1], 0.75);
  EXPECT_DOUBLE_EQ(values[2], 2.0 / 3.0);
  EXPECT_TRUE(std::isnan(values[4])) << "no probabilities were given";
  EXPECT_DOUBLE_EQ(values[7], 1.0);
}

TEST(Tally, ValuesGiveTheMetricsOfTheWholeSet) {
  const TallyLayout layout(TaskKind::kValue, {});
  Generator generator(5);
  std::vector<float> truth;
  std::vector<float> predicted;
  std::vector<double> tally(layout.width());
  for (int i = 0; i < 200; ++i) {
    truth.push_back(i % 7 == 0 ? 0.0F : static_cast<float>(draw_normal(generator)));
    predicted.push_back(0.5F * truth.back() + static_cast<float>(draw_normal(generator)));
    layout.add(tally, static_cast<double>(truth.back()), static_cast<double>(predicted.back()));
  }
  const SentimentMetrics expected = sentiment_metrics(truth, predicted);
  const auto values = metrics_of(layout, tally);
  expect_equal(values[0], expected.accuracy);
  expect_equal(values[1], expected.weighted_f1);
  expect_equal(values[2], expected.has0_accuracy);
  expect_equal(values[3], expected.has0_f1);
  expect_equal(values[4], expected.acc3);
  expect_equal(values[5], expected.acc5);
  expect_equal(values[6], expected.acc7);
  expect_equal(values[7], expected.mae);
  expect_equal(values[8], expected.correlation);
  expect_equal(values[9], expected.ccc);
}

TEST(Tally, OfTwoSetsIsTheirSum) {
  const TallyLayout layout(TaskKind::kValue, {});
  std::vector<double> first(layout.width());
  std::vector<double> second(layout.width());
  std::vector<double> both(layout.width());
  const std::vector<std::pair<double, double>> pairs = {{1, 2}, {-1, 0.5}, {2, 1}, {-3, -1}};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    layout.add(i < 2 ? first : second, pairs[i].first, pairs[i].second);
    layout.add(both, pairs[i].first, pairs[i].second);
  }
  for (std::size_t i = 0; i < both.size(); ++i) EXPECT_DOUBLE_EQ(first[i] + second[i], both[i]);
}

TEST(Tally, ASignLearnedAsClassesLeavesZerosOut) {
  const TallyLayout layout(TaskKind::kBinary, {"negative", "positive"});
  std::vector<double> tally(layout.width());
  layout.add(tally, -2, 0);
  layout.add(tally, 1, 0);
  layout.add(tally, 3, 1);
  layout.add(tally, 0, 1);
  const auto values = metrics_of(layout, tally);
  EXPECT_DOUBLE_EQ(values[0], 2.0 / 3.0);
  EXPECT_THAT(layout.metric_names(), ElementsAre("acc2_non0", "f1_non0"));
}

TEST(Tally, NothingAndConstantsAreNotDefined) {
  const TallyLayout layout(TaskKind::kValue, {});
  std::vector<double> tally(layout.width());
  for (const double value : metrics_of(layout, tally)) EXPECT_TRUE(std::isnan(value));
  for (const double truth : {-0.1, 0.3, 1.7}) layout.add(tally, truth, 0.3);
  EXPECT_TRUE(std::isnan(metrics_of(layout, tally)[8])) << "a constant prediction";
  EXPECT_NEAR(metrics_of(layout, tally)[7], (0.4 + 0 + 1.4) / 3, 1e-12);
}

TEST(Tally, NamesTheOnlyClass) {
  const TallyLayout layout(TaskKind::kClass, {"calm", "angry", "sad"});
  std::vector<double> tally(layout.width());
  EXPECT_EQ(layout.only_class(tally, "wa"), "none");
  layout.add(tally, 1, 0);
  layout.add(tally, 1, 2);
  EXPECT_EQ(layout.only_class(tally, "wa"), "angry");
  EXPECT_EQ(layout.only_class(tally, "brier"), "") << "probabilities can be wrong of one class too";
  layout.add(tally, 2, 2);
  EXPECT_EQ(layout.only_class(tally, "wa"), "");
  const TallyLayout signs(TaskKind::kValue, {});
  std::vector<double> values(signs.width());
  signs.add(values, 2, 1);
  signs.add(values, 0, 1);
  EXPECT_EQ(signs.only_class(values, "acc2_non0"), "positive");
  EXPECT_EQ(signs.only_class(values, "f1_has0"), "non-negative");
  EXPECT_EQ(signs.only_class(values, "acc7"), "") << "0 and 2";
  EXPECT_EQ(signs.only_class(values, "mae"), "");
  signs.add(values, -0.4, 1);
  EXPECT_EQ(signs.only_class(values, "acc2_has0"), "");
  EXPECT_EQ(signs.only_class(values, "acc2_non0"), "");
}

TEST(ClassMetricsOf, RefusesCountsOfAnotherSize) {
  EXPECT_THROW((void)class_metrics_of({1, 2, 3}, 2), ShapeError);
  EXPECT_THROW((void)class_metrics_of({}, 0), ShapeError);
}

TEST(Tally, SeveralLabelsGiveTheMetricsOfEachAndTheirMeans) {
  const TallyLayout layout(TaskKind::kLabels, {"joy", "fear"});
  EXPECT_THAT(layout.metric_names(),
              ElementsAre("mean_wa", "mean_weighted_f1", "mean_f1", "wa.joy", "weighted_f1.joy",
                          "f1.joy", "wa.fear", "weighted_f1.fear", "f1.fear"));
  Generator generator(7);
  std::vector<std::vector<float>> truth(2);
  std::vector<std::vector<float>> predicted(2);
  std::vector<double> tally(layout.width());
  for (int i = 0; i < 60; ++i) {
    for (std::size_t t = 0; t < 2; ++t) {
      truth[t].push_back(i % 3 == static_cast<int>(t) ? 1.0F : 0.0F);
      predicted[t].push_back(static_cast<float>(draw_unit(generator)));
    }
    layout.add_targets(tally, std::vector{truth[0].back(), truth[1].back()},
                       std::vector{predicted[0].back(), predicted[1].back()});
  }
  const auto values = metrics_of(layout, tally);
  const auto joy = label_metrics(truth[0], predicted[0]);
  const auto fear = label_metrics(truth[1], predicted[1]);
  EXPECT_DOUBLE_EQ(values[3], joy.weighted_accuracy);
  EXPECT_DOUBLE_EQ(values[4], joy.weighted_f1);
  EXPECT_DOUBLE_EQ(values[8], fear.f1);
  EXPECT_DOUBLE_EQ(values[0], (joy.weighted_accuracy + fear.weighted_accuracy) / 2);
  EXPECT_EQ(layout.only_class(tally, "wa.joy"), "");
}

TEST(Tally, AnUndefinedLabelIsLeftOutOfTheMean) {
  const TallyLayout layout(TaskKind::kLabels, {"joy", "fear"});
  std::vector<double> tally(layout.width());
  layout.add_targets(tally, std::vector{1.0F, 0.0F}, std::vector{0.9F, 0.1F});
  layout.add_targets(tally, std::vector{0.0F, 0.0F}, std::vector{0.9F, 0.1F});
  const auto values = metrics_of(layout, tally);
  EXPECT_TRUE(std::isnan(values[6])) << "nobody is afraid";
  EXPECT_DOUBLE_EQ(values[0], 0.5);
  EXPECT_DOUBLE_EQ(values[2], 2.0 / 3.0);
}

TEST(Tally, SeveralValuesGiveTheMetricsOfEachAndTheirMeans) {
  const TallyLayout layout(TaskKind::kValues, {"valence", "arousal"});
  std::vector<double> tally(layout.width());
  const std::vector<float> truth = {1, 2, 4, 3};
  const std::vector<float> predicted = {1.5F, 2, 3, 3};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    layout.add_targets(tally, std::vector{truth[i], 1.0F}, std::vector{predicted[i], 0.5F});
  }
  const auto values = metrics_of(layout, tally);
  const auto valence = value_metrics(truth, predicted);
  EXPECT_NEAR(values[3], valence.ccc, 1e-12);
  EXPECT_DOUBLE_EQ(values[4], valence.mae);
  EXPECT_NEAR(values[5], valence.correlation, 1e-12);
  EXPECT_DOUBLE_EQ(values[1], (valence.mae + 0.5) / 2);
  EXPECT_TRUE(std::isnan(values[8])) << "arousal is constant";
  EXPECT_NEAR(values[2], valence.correlation, 1e-12);
  std::vector<double> one(layout.width());
  EXPECT_THROW(layout.add_targets(one, std::vector{1.0F}, std::vector{1.0F}), InternalError);
}

}  // namespace
}  // namespace hardy
