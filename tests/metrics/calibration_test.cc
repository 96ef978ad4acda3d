// Temperatures and calibration errors worked out by hand.
#include "metrics/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
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

/// `n` utterances of two classes in dialogues of ten: the first class has probability `claimed` and
/// is correct in `right` of ten.
struct MadeProblem {
  std::vector<std::int64_t> truth;
  std::vector<float> probabilities;
  std::vector<std::int64_t> dialogues;

  MadeProblem(std::int64_t n, float claimed, std::int64_t right) {
    for (std::int64_t i = 0; i < n; ++i) {
      truth.push_back(i % 10 < right ? 0 : 1);
      probabilities.push_back(claimed);
      probabilities.push_back(1 - claimed);
      dialogues.push_back(i / 10);
    }
  }

  [[nodiscard]] CalibrationFit fit() const {
    return fit_calibration(truth, probabilities, 2, dialogues);
  }
};

TEST(CalibrationFit, OverconfidenceIsTakenBack) {
  // Probability .95, correct in 7 of 10: T with softmax(ln .95 / T, ln .05 / T) = .7 is ln 19 /
  // ln(7/3).
  const auto fit = MadeProblem(400, 0.95F, 7).fit();
  EXPECT_TRUE(fit.is_calibrated);
  EXPECT_NEAR(fit.temperature, std::log(19.0) / std::log(7.0 / 3), 1e-3);
  EXPECT_NEAR(fit.expected_error, 0, 1e-4);
}

TEST(CalibrationFit, EasyAndHardDialoguesThatAgreeAreEvidence) {
  // Of easy dialogues 9 in 10 are correct, of hard ones 6 in 10; both claim the odds' square, so
  // that T = 2 is right for each, however far their scores are apart.
  MadeProblem problem(400, 81.0F / 82, 9);
  for (std::size_t i = 0; i < problem.truth.size(); ++i) {
    if (problem.dialogues[i] % 2 == 0) continue;
    problem.truth[i] = i % 10 < 6 ? 0 : 1;
    problem.probabilities[2 * i] = 2.25F / 3.25F;
    problem.probabilities[2 * i + 1] = 1 / 3.25F;
  }
  EXPECT_NEAR(problem.fit().temperature, 2, 1e-3);
}

TEST(CalibrationFit, LittleValidationCalibratesNothing) {
  const auto few = MadeProblem(kFewestCalibrated - 10, 0.95F, 7).fit();
  EXPECT_FALSE(few.is_calibrated);
  EXPECT_EQ(few.temperature, 1);
  EXPECT_NEAR(few.expected_error, 0.25, 1e-6);
  MadeProblem one(400, 0.95F, 7);
  std::ranges::fill(one.dialogues, 3);
  EXPECT_FALSE(one.fit().is_calibrated);
}

TEST(CalibrationFit, DialoguesThatDisagreeLeaveTheTemperatureNearOne) {
  // Every second dialogue is all correct, the others are at chance: a sharper temperature is no
  // certain gain.
  MadeProblem problem(200, 0.7F, 10);
  for (std::size_t i = 0; i < problem.truth.size(); ++i) {
    if (problem.dialogues[i] % 2 == 0) problem.truth[i] = static_cast<std::int64_t>(i % 2);
  }
  const double alone = fit_temperature(problem.truth, problem.probabilities, 2);
  const auto fit = problem.fit();
  EXPECT_LT(alone, 1);
  EXPECT_GT(fit.temperature, alone);
  EXPECT_LE(fit.temperature, 1);
}

TEST(CalibrationFit, TheErrorIsThatOfUtterancesThatDidNotFitIt) {
  // Labels independent of the outputs: for any temperature, held-out dialogues show the error.
  const auto fit = MadeProblem(100, 0.99F, 5).fit();
  const auto problem = MadeProblem(100, 0.99F, 5);
  EXPECT_GE(fit.expected_error,
            calibration_error(problem.truth, problem.probabilities, 2, fit.temperature) - 1e-6);
}

TEST(CalibrationFit, SizesThatDisagreeAreRefused) {
  MadeProblem problem(200, 0.7F, 7);
  problem.dialogues.pop_back();
  EXPECT_THROW((void)problem.fit(), ShapeError);
}

}  // namespace
}  // namespace hardy
