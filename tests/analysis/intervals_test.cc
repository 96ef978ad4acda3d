#include "analysis/intervals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/compare_runs.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "hardy/errors.h"
#include "tests/analysis/made_run.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::hit_outcomes;
using test::made_corpus;
using test::MadeFit;
using test::make_run;
using test::message_of;
using test::put_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

bool two_of_three(const MadeFit& /*fit*/, std::int64_t utterance) { return utterance % 3 != 0; }

Results results_with_intervals(const std::vector<FitOutcome>& outcomes) {
  const Corpus corpus = made_corpus();
  Results results = make_results(outcomes, corpus, {"1/2", "2/2"});
  add_intervals(results, prediction_table(outcomes, corpus));
  return results;
}

TEST(Intervals, HoldTheMeansAndSurviveJson) {
  const Results results = results_with_intervals(hit_outcomes(two_of_three, {1, 2}));
  EXPECT_DOUBLE_EQ(results.intervals.level, 0.95);
  for (const Summary& summary : results.summaries) {
    if (!summary.no_interval.empty()) continue;
    EXPECT_LE(summary.low, summary.mean) << summary.metric;
    EXPECT_GE(summary.high, summary.mean) << summary.metric;
  }
  const Summary* wa = results.find("unified", "acoustic", "wa");
  EXPECT_GT(wa->high - wa->low, 0.05);
  const std::string json = results_json(results);
  const Results read = parse_results(json, "results.json");
  EXPECT_EQ(results_json(read), json);
  EXPECT_DOUBLE_EQ(read.find("unified", "acoustic", "wa")->low, wa->low);
}

TEST(Intervals, AgreeWithTheResultsTheyAreOf) {
  const auto outcomes = hit_outcomes(two_of_three, {1, 2, 3});
  const Results results = make_results(outcomes, made_corpus(), {"1/2", "2/2"});
  const auto numbers = resample(prediction_table(outcomes, made_corpus()), {.resamples = 100});
  // AUROC and the error of calibrated probabilities do not add up over utterances.
  const auto adds_up = [](const Summary& summary) {
    return summary.metric != "auroc" && summary.metric != "calibrated_ece";
  };
  EXPECT_EQ(std::count_if(results.summaries.begin(), results.summaries.end(), adds_up),
            static_cast<std::ptrdiff_t>(numbers.size()));
  EXPECT_EQ(numbers.size() + 8, results.summaries.size());
  EXPECT_THAT(disagreement(results, numbers), IsEmpty());
  Results wrong = results;
  wrong.summaries[0].mean += 0.01;
  EXPECT_THAT(disagreement(wrong, numbers), HasSubstr("unified, {acoustic}, wa is 0."));
}

TEST(Intervals, StandInTheTable) {
  const std::string table = results_table(results_with_intervals(hit_outcomes(two_of_three, {1})));
  EXPECT_THAT(table,
              HasSubstr("± = deviation over folds; 95 % = interval over 24 dialogues (of one "
                        "seed:\nwithout the spread of training)\n"));
  EXPECT_THAT(table, ::testing::ContainsRegex("acoustic .* 0[.][0-9]+ to 0[.][0-9]+\n"));
  const std::string csv = results_csv(results_with_intervals(hit_outcomes(two_of_three, {1})));
  EXPECT_THAT(csv, HasSubstr("unified,acoustic,interval low,interval low,,wa,0."));
}

TEST(Intervals, TheTableSaysWhyThereAreNone) {
  auto outcomes = hit_outcomes(two_of_three, {1});
  for (auto& outcome : outcomes) {
    for (auto& evaluation : outcome.test) {
      evaluation.utterances.resize(2);
      evaluation.outputs.resize(4);
    }
  }
  const std::string table = results_table(results_with_intervals(outcomes));
  EXPECT_THAT(table, AllOf(HasSubstr("intervals are not computable because fold 1 tests one"),
                           Not(HasSubstr("95 %"))));
}

TEST(Intervals, ResultsOfBeforeAreStillRead) {
  const auto outcomes = hit_outcomes(two_of_three, {1});
  const std::string old = results_json(make_results(outcomes, made_corpus(), {"1/2", "2/2"}));
  EXPECT_THAT(old, AllOf(Not(HasSubstr("intervals")), Not(HasSubstr("\"low\""))));
  const Results read = parse_results(old, "results.json");
  EXPECT_TRUE(std::isnan(read.summaries[0].low));
  EXPECT_THAT(results_table(read), Not(HasSubstr("interval")));
}

// ---- run folders --------------------------------------------------------------------------------

/// Right in four of five.
bool four_of_five(const MadeFit& /*fit*/, std::int64_t utterance) { return utterance % 5 != 0; }

TEST(CompareRuns, PairsWhatBothHave) {
  const TempDir folder;
  make_run(folder / "good", hit_outcomes(four_of_five, {1, 2}));
  make_run(folder / "poor", hit_outcomes(two_of_three, {1, 2, 3}));
  const auto runs = read_finished_runs({folder / "good", folder / "poor"});
  EXPECT_EQ(runs[0].name, "good");
  const RunComparisons results = compare_runs(runs, {});
  ASSERT_EQ(results.rows.size(), 4U) << "{a}, {t}, {a,t}, average";
  EXPECT_EQ(results.rows[3].condition, "average");
  const Comparison& first = results.rows[0].comparison;
  EXPECT_EQ(first.metric, "wa");
  EXPECT_NEAR(first.difference, 0.8 - 2.0 / 3.0, 0.03);
  EXPECT_EQ(first.comparisons, 4);
  EXPECT_EQ(first.seeds, 2);
  ASSERT_EQ(results.notices.size(), 1U);
  EXPECT_THAT(results.notices[0], HasSubstr("compared on the 2 seeds that both have (of 2 and 3)"));
}

TEST(CompareRuns, NamesOfFoldersAreTextWhateverTheirBytes) {
  const TempDir folder;
  const auto outcomes = hit_outcomes(four_of_five, {1});
  const char* names[] = {"r\xFF", "r\xFE", "r\n2"};
  std::vector<std::filesystem::path> folders;
  for (const char* name : names) {
    folders.push_back(folder / name);
    make_run(folders.back(), outcomes);
  }
  const auto runs = read_finished_runs(folders);
  EXPECT_EQ(runs[0].name, "r\\xFF");
  EXPECT_EQ(runs[1].name, "r\\xFE");
  EXPECT_EQ(runs[2].name, "r?2");
}

TEST(CompareRuns, WithItselfIsEqual) {
  const TempDir folder;
  make_run(folder / "run", hit_outcomes(four_of_five, {1}));
  const auto runs = read_finished_runs({folder / "run", folder / "." / "run"});
  EXPECT_NE(runs[0].name, runs[1].name);
  for (const auto& row : compare_runs(runs, {.metrics = {"ua", "wa"}}).rows) {
    EXPECT_DOUBLE_EQ(row.comparison.difference, 0);
    EXPECT_DOUBLE_EQ(row.comparison.p, 1);
    EXPECT_FALSE(row.comparison.is_beyond_chance);
  }
}

TEST(CompareRuns, ErrorsNameWhatThereIs) {
  const TempDir folder;
  make_run(folder / "run", hit_outcomes(four_of_five, {1}));
  const auto runs = read_finished_runs({folder / "run"});
  const auto error = [&](const CompareRequest& request) {
    return message_of<ConfigError>([&] { (void)compare_runs(runs, request); });
  };
  EXPECT_THAT(error({.metrics = {"mae"}}), HasSubstr("metric 'mae': these labels do not have it"));
  EXPECT_THAT(error({.metrics = {}, .first_track = "specialist", .second_track = "unified"}),
              HasSubstr("track 'specialist': run has unified"));
}

TEST(CompareRuns, ResultsThatAreNotThoseOfThePredictionsAreRefused) {
  const TempDir folder;
  const RunFolder run = make_run(folder / "run", hit_outcomes(four_of_five, {1}));
  std::string text = read_text_file(run.predictions_file());
  const auto place = text.find(",angry,angry,");
  ASSERT_NE(place, std::string::npos);
  text.replace(place, 13, ",angry,calm,");
  put_file(run.predictions_file(), text);
  std::filesystem::remove(folder / "run" / kChecksumFile);  // older runs have none
  EXPECT_THAT(
      message_of<ArtifactError>([&] { (void)read_finished_runs({folder / "run"}); }),
      AllOf(HasSubstr("damaged, or written by another version"), HasSubstr("in the results and")));
  std::filesystem::remove(run.results_json_file());
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)read_finished_runs({folder / "run"}); }),
              HasSubstr("has no results yet"));
}

}  // namespace
}  // namespace hardy
