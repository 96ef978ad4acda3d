// Temperatures and calibration errors worked out by hand.
#include "metrics/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hardy/errors.h"

namespace hardy {
namespace {

TEST(Calibration, FindsTheTemperatureThatMakesConfidenceEqualAccuracy) {
  // Always .9 sure of class 0, right in three of four cases: the best softmax has p = .75, so
  // log(.9/.1) / T = log(.75/.25), T = ln 9 / ln 3 = 2.
  const std::vector<std::int64_t> truth = {0, 0, 0, 1};
  const std::vector<float> probabilities = {.9F, .1F, .9F, .1F, .9F, .1F, .9F, .1F};
  EXPECT_NEAR(fit_temperature(truth, probabilities, 2), 2.0, 1e-5);
  EXPECT_NEAR(calibration_error(truth, probabilities, 2, 1), .15, 1e-6);
  EXPECT_NEAR(calibration_error(truth, probabilities, 2, 2), 0, 1e-6);
}

TEST(Calibration, KeepsToItsRangeAtTheEnds) {
  const std::vector<float> probabilities = {.6F, .4F, .6F, .4F};
  const std::vector<std::int64_t> right = {0, 0};
  const std::vector<std::int64_t> wrong = {1, 1};
  EXPECT_DOUBLE_EQ(fit_temperature(right, probabilities, 2), .05);
  EXPECT_DOUBLE_EQ(fit_temperature(wrong, probabilities, 2), 20);
  const std::vector<float> flat = {.5F, .5F, .5F, .5F};
  EXPECT_DOUBLE_EQ(fit_temperature(right, flat, 2), 1);
  const std::vector<float> sure = {1, 0, 0, 1};
  const std::vector<std::int64_t> mixed = {0, 0};
  EXPECT_TRUE(std::isfinite(fit_temperature(mixed, sure, 2)));
}

TEST(Calibration, RefusesWhatDoesNotFit) {
  const std::vector<float> probabilities = {.6F, .4F};
  const std::vector<std::int64_t> none;
  const std::vector<std::int64_t> outside = {2};
  EXPECT_THROW(fit_temperature(none, {}, 2), ShapeError);
  EXPECT_THROW(fit_temperature(outside, probabilities, 3), ShapeError);
  EXPECT_THROW(calibration_error(outside, probabilities, 2, 1), DataError);
}

}  // namespace
}  // namespace hardy
