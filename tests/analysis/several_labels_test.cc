// Intervals and comparisons of runs with several labels or values per utterance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <fmt/format.h>

#include "analysis/compare_runs.h"
#include "analysis/intervals.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "analysis/verify_run.h"
#include "base/random.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using test::put_file;
using test::TempDir;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kTurns = 5;
constexpr std::int64_t kTalks = 20;

/// 20 dialogues of 5 utterances with two labels or values; the first utterance is not labelled, of
/// the second nothing but the text is there, and the third has none of the labels.
Corpus several_corpus(LabelKind kind) {
  Corpus corpus;
  corpus.name = "several";
  corpus.label_kind = kind;
  corpus.target_names = {"joy", "very sad"};
  Generator generator(3);
  for (std::int64_t d = 0; d < kTalks; ++d) {
    corpus.dialogues.push_back({fmt::format("d{:02}", d), kTurns * d, kTurns, "", Part::kNone});
    for (std::int64_t u = 0; u < kTurns; ++u) {
      const bool is_first = d == 0 && u == 0;
      corpus.utterances.push_back(
          {fmt::format("d{:02}u{}", d, u), d, u, "", is_first ? NAN : 0.0F, ""});
      for (int t = 0; t < 2; ++t) {
        const bool is_empty = d == 0 && (u == 0 || u == 2);
        const double drawn = draw_unit(generator);
        const double target = kind == LabelKind::kLabels ? (drawn < 0.4 ? 1 : 0) : 4 * drawn;
        corpus.targets.push_back(is_empty ? 0.0F : static_cast<float>(target));
      }
    }
  }
  for (const char* name : {"acoustic", "textual"}) {
    corpus.modalities.push_back({name, 1, std::vector<float>(kTurns * kTalks, 1.0F),
                                 std::vector<std::uint8_t>(kTurns * kTalks, 1)});
  }
  corpus.modalities[0].present[1] = 0;
  corpus.checksum = std::string(64, 'e');
  return corpus;
}

/// One model; its outputs are the truth disturbed by `noise`.
std::vector<FitOutcome> disturbed(const Corpus& corpus, double noise) {
  FitOutcome outcome;
  outcome.track = "unified";
  outcome.trained = Pattern::complete(2);
  outcome.seed = 1;
  Generator generator(9);
  for (const Pattern pattern : all_patterns(2)) {
    Evaluation evaluation;
    evaluation.condition = pattern;
    for (std::int64_t i = 0; i < corpus.size(); ++i) {
      evaluation.utterances.push_back(i);
      for (std::size_t t = 0; t < 2; ++t) {
        const auto truth = static_cast<double>(corpus.targets[static_cast<std::size_t>(i) * 2 + t]);
        double output = truth + noise * draw_normal(generator);
        if (corpus.label_kind == LabelKind::kLabels) output = output > 0.5 ? 0.75 : 0.25;
        evaluation.outputs.push_back(static_cast<float>(output));
      }
    }
    outcome.test.push_back(evaluation);
  }
  return {outcome};
}

void make_several_run(const std::filesystem::path& folder, const Corpus& corpus, double noise) {
  const auto outcomes = disturbed(corpus, noise);
  const RunFolder run =
      RunFolder::create(folder, make_manifest("run", {}, corpus, {"1/1"}), ExistingRun::kResume);
  write_predictions(run, outcomes, corpus);
  Results results = make_results(outcomes, corpus, {"1/1"});
  add_intervals(results, prediction_table(outcomes, corpus));
  write_results(run, results);
}

class SeveralLabels : public ::testing::TestWithParam<LabelKind> {};

TEST_P(SeveralLabels, EveryMetricHasAnInterval) {
  const Corpus corpus = several_corpus(GetParam());
  const auto outcomes = disturbed(corpus, 0.5);
  Results results = make_results(outcomes, corpus, {"1/1"});
  add_intervals(results, prediction_table(outcomes, corpus));
  EXPECT_EQ(results.intervals.clusters, "dialogue");
  EXPECT_EQ(results.intervals.cluster_count, kTalks);
  for (const auto& summary : results.summaries) {
    EXPECT_THAT(summary.no_interval, IsEmpty()) << summary.metric;
    EXPECT_LE(summary.low, summary.mean) << summary.metric << ' ' << summary.condition;
    EXPECT_GE(summary.high, summary.mean) << summary.metric;
    EXPECT_LT(summary.low, summary.high) << summary.metric;
  }
  EXPECT_THAT(results.metrics,
              Contains(GetParam() == LabelKind::kLabels ? "wa.very sad" : "ccc.very sad"));
}

TEST_P(SeveralLabels, ARunIsReadVerifiedAndComparedByItsPredictions) {
  const TempDir folder;
  const Corpus corpus = several_corpus(GetParam());
  make_several_run(folder / "good", corpus, 0.1);
  make_several_run(folder / "poor", corpus, 1.5);
  const auto runs = read_finished_runs({folder / "good", folder / "poor"});
  const auto& fold = runs[0].predictions.folds[0];
  EXPECT_TRUE(std::isnan(fold.truth[0])) << "not labelled";
  EXPECT_EQ(fold.truth[2], 0) << "none of the labels";
  EXPECT_EQ(fold.targets.size(), fold.utterances.size() * 2);
  const auto verified = verify_run(folder / "good");
  EXPECT_THAT(verified.findings, IsEmpty());
  EXPECT_EQ(verified.scores, 3);
  const auto compared = compare_runs(runs, {});
  ASSERT_EQ(compared.rows.size(), 4U) << "three conditions and their average";
  for (const auto& row : compared.rows) {
    EXPECT_TRUE(row.comparison.is_beyond_chance) << row.condition;
    EXPECT_GT(row.comparison.difference, 0);
  }
  const auto each =
      compare_runs(runs, {.metrics = {GetParam() == LabelKind::kLabels ? "f1.joy" : "mae.joy"}});
  EXPECT_EQ(each.rows.size(), 4U);
  EXPECT_THROW(static_cast<void>(compare_runs(runs, {.metrics = {"ua"}})), ConfigError);
}

TEST_P(SeveralLabels, RunsWithOtherTruthsAreNotPaired) {
  const TempDir folder;
  Corpus corpus = several_corpus(GetParam());
  make_several_run(folder / "one", corpus, 0.1);
  corpus.targets[9] = GetParam() == LabelKind::kLabels ? 1 - corpus.targets[9] : 2.5F;
  make_several_run(folder / "other", corpus, 0.1);
  const auto runs = read_finished_runs({folder / "one", folder / "other"});
  const auto wrong = message_of<DataError>([&] { static_cast<void>(compare_runs(runs, {})); });
  EXPECT_THAT(wrong, HasSubstr("utterance d00u4 has another label"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SeveralLabels,
                         ::testing::Values(LabelKind::kLabels, LabelKind::kValues),
                         [](const auto& kind) {
                           return kind.param == LabelKind::kLabels ? "Labels" : "Values";
                         });

TEST(SeveralLabels, PredictionsOfEarlierVersionsLackTheTruths) {
  const TempDir folder;
  const RunFolder run = RunFolder::create(
      folder / "run", make_manifest("run", {}, several_corpus(LabelKind::kLabels), {"1/1"}),
      ExistingRun::kResume);
  put_file(run.predictions_file(),
           "utterance,dialogue,track,condition,fold,seed,truth,predicted,p_joy,p_sad,method\n"
           "u1,d1,unified,a,0,1,joy,joy,.6,.4,hardymer\n");
  const auto wrong = message_of<ArtifactError>([&] { static_cast<void>(read_predictions(run)); });
  EXPECT_THAT(wrong, HasSubstr("no column is_joy with the truth"));
}

}  // namespace
}  // namespace hardy
