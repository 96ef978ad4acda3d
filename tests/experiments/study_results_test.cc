// Ranking and files of a study, on hand-made results.
#include "experiments/study_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Summary summary_of(const std::string& track, const std::string& condition,
                   const std::string& metric, double mean, double seed_deviation) {
  Summary summary;
  summary.track = track;
  summary.condition = condition;
  summary.metric = metric;
  summary.mean = mean;
  summary.seed_deviation = seed_deviation;
  summary.fold_deviation = NAN;
  return summary;
}

/// Two tracks, two conditions and their average.
Results results_of(double unified, double specialist, const std::string& metric = "wa") {
  Results results;
  results.data_name = "hand-made";
  results.modality_names = {"acoustic", "textual"};
  results.folds = {"1/1"};
  results.seeds = {1, 2};
  results.tracks = {"specialist", "unified"};
  results.conditions = {Pattern(1), Pattern(2)};
  results.metrics = {metric};
  results.headline = {metric};
  results.scores.resize(1);
  for (const auto& [track, value] : {std::pair("specialist", specialist), {"unified", unified}}) {
    results.summaries.push_back(summary_of(track, "a", metric, value - 0.1, 0.01));
    results.summaries.push_back(summary_of(track, "t", metric, value + 0.1, 0.01));
    results.summaries.push_back(summary_of(track, "average", metric, value, 0.02));
  }
  return results;
}

StudyResult three_variants() {
  StudyResult result;
  result.study.kind = "sweep";
  result.command_line = {"hardy", "sweep"};
  for (const auto& [label, validation, test] :
       {std::tuple("low", 0.5, 0.99), {"high", 0.7, 0.11}, {"middle", 0.6, 0.5}}) {
    VariantResult variant;
    variant.variant = {label, {}};
    variant.validation = results_of(validation, validation + 0.02);
    variant.test = results_of(test, test);
    result.variants.push_back(variant);
  }
  return result;
}

TEST(StudyResults, TheRankingFollowsValidationAgainstTest) {
  const auto ranking = rank_by_validation(three_variants(), "wa");
  ASSERT_EQ(ranking.size(), 3U);
  EXPECT_EQ(ranking[0].variant, 1U);
  EXPECT_EQ(ranking[1].variant, 2U);
  EXPECT_EQ(ranking[2].variant, 0U);
  EXPECT_DOUBLE_EQ(ranking[0].value, 0.71);  // mean of .70 and .72
  EXPECT_DOUBLE_EQ(ranking[0].seed_deviation, 0.02);
}

TEST(StudyResults, ErrorsRankTheOtherWayAndUndefinedOnesLast) {
  StudyResult result = three_variants();
  for (auto& variant : result.variants) {
    const double value = variant.validation.summaries.back().mean;
    variant.validation = results_of(value, value, "mae");
  }
  EXPECT_EQ(rank_by_validation(result, "mae").front().variant, 0U);
  for (auto& summary : result.variants[0].validation.summaries) summary.mean = NAN;
  EXPECT_EQ(rank_by_validation(result, "mae").back().variant, 0U);
}

TEST(StudyResults, ASweepShowsAndStoresNoTestResult) {
  const test::TempDir dir;
  const StudyResult result = three_variants();
  EXPECT_THAT(ranking_table(result, "wa"), Not(HasSubstr("0.99")));
  EXPECT_THAT(ranking_table(result, "wa"), HasSubstr("0.7100"));
  EXPECT_THAT(study_json(result), Not(HasSubstr("0.99")));
  write_study(dir.path(), result);
  EXPECT_FALSE(std::filesystem::exists(dir / "test.csv"));
  EXPECT_THAT(read_text_file(dir / "ranking.csv"),
              HasSubstr("rank,variant,metric,validation,deviation_over_seeds\n1,high,wa,0.71,"));
}

TEST(StudyResults, OtherStudiesKeepValidationAndTestApart) {
  const test::TempDir dir;
  StudyResult result = three_variants();
  result.study.kind = "study";
  write_study(dir.path(), result);
  EXPECT_THAT(read_text_file(dir / "test.csv"), HasSubstr("low,unified,average,wa,0.99,0.02,\n"));
  EXPECT_THAT(read_text_file(dir / "validation.csv"), Not(HasSubstr("0.99")));
  const auto json = nlohmann::json::parse(read_text_file(dir / "study.json"));
  EXPECT_EQ(json.at("variants").size(), 3U);
  EXPECT_EQ(json.at("variants")[0].at("test")[5].at("mean"), 0.99);
  EXPECT_EQ(json.at("command_line")[1], "sweep");
}

TEST(StudyResults, WithoutValidationNothingIsRanked) {
  StudyResult result = three_variants();
  result.variants[2].validation = {};
  EXPECT_THROW(rank_by_validation(result, "wa"), DataError);
  EXPECT_NO_THROW(study_json(result));
  EXPECT_THROW(rank_by_validation(three_variants(), "waa"), ConfigError);
}

}  // namespace
}  // namespace hardy
