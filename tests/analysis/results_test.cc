#include "hardy/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analysis/intervals.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// One dialogue "d" of utterances u0, u1, ... with the given labels, modalities acoustic, textual.
Corpus corpus_of(const std::vector<float>& labels, LabelKind kind) {
  Corpus corpus;
  corpus.name = "tiny";
  corpus.label_kind = kind;
  if (kind == LabelKind::kClass) corpus.class_names = {"calm", "angry"};
  const auto size = static_cast<std::int64_t>(labels.size());
  for (const char* name : {"acoustic", "textual"}) {
    corpus.modalities.push_back({name, 1, std::vector<float>(labels.size(), 1.0F),
                                 std::vector<std::uint8_t>(labels.size(), 1)});
  }
  for (std::int64_t i = 0; i < size; ++i) {
    corpus.utterances.push_back(
        {"u" + std::to_string(i), 0, i, "", labels[static_cast<std::size_t>(i)], ""});
  }
  corpus.dialogues.push_back({"d", 0, size, "", Part::kNone});
  corpus.checksum = std::string(64, 'c');
  return corpus;
}

/// Probabilities that predict the given classes.
std::vector<float> predicting(const std::vector<int>& classes) {
  std::vector<float> outputs;
  for (const int predicted : classes) {
    outputs.push_back(predicted == 0 ? 0.75F : 0.25F);
    outputs.push_back(predicted == 0 ? 0.25F : 0.75F);
  }
  return outputs;
}

FitOutcome fit(const std::string& track, Pattern trained, int fold, std::int64_t seed) {
  FitOutcome outcome;
  outcome.track = track;
  outcome.trained = trained;
  outcome.fold = fold;
  outcome.seed = seed;
  return outcome;
}

const Pattern kAcoustic = Pattern::only(0);
const Pattern kTextual = Pattern::only(1);
const Pattern kBoth = Pattern(3);

/// Two folds x two seeds of a unified model on 4 + 2 utterances, worked by hand below.
std::vector<FitOutcome> unified_outcomes() {
  std::vector<FitOutcome> outcomes;
  const std::vector<std::vector<int>> first_fold = {{0, 0, 1, 1}, {0, 0, 0, 1}};  // by seed
  const std::vector<std::vector<int>> second_fold = {{0, 0}, {1, 0}};
  for (const std::int64_t seed : {0, 1}) {
    const auto s = static_cast<std::size_t>(seed);
    FitOutcome first = fit("unified", kBoth, 0, seed + 1);
    first.test = {{kAcoustic, {0, 1, 2, 3}, predicting(first_fold[s])},
                  {kTextual, {0, 1, 2, 3}, predicting({1, 1, 0, 0})},
                  {kBoth, {0, 1, 2, 3}, predicting({0, 0, 1, 1})}};
    FitOutcome second = fit("unified", kBoth, 1, seed + 1);
    second.test = {{kAcoustic, {4, 5}, predicting(second_fold[s])},
                   {kTextual, {4, 5}, predicting({0, 1})},
                   {kBoth, {4, 5}, predicting({0, 1})}};
    outcomes.push_back(second);
    outcomes.push_back(first);
  }
  return outcomes;
}

Corpus class_corpus() { return corpus_of({0, 0, 1, 1, 0, 1}, LabelKind::kClass); }

Results class_results() { return make_results(unified_outcomes(), class_corpus(), {"1/2", "2/2"}); }

TEST(Results, MeansAreOverFoldsThenSeeds) {
  const Results results = class_results();
  // Acoustic WA: seed 1: fold 0 4/4, fold 1 1/2 -> 0.75; seed 2: 3/4 and 0/2 -> 0.375.
  const Summary* acoustic = results.find("unified", "acoustic", "wa");
  ASSERT_NE(acoustic, nullptr);
  EXPECT_DOUBLE_EQ(acoustic->mean, 0.5625);
  EXPECT_DOUBLE_EQ(acoustic->seed_deviation, 0.375 / std::sqrt(2.0));
  // Folds: fold 0 (1 + 0.75) / 2 = 0.875, fold 1 (0.5 + 0) / 2 = 0.25.
  EXPECT_DOUBLE_EQ(acoustic->fold_deviation, 0.625 / std::sqrt(2.0));
  // Average over {a} and {t}: seed 1: fold 0 (1 + 0) / 2, fold 1 (0.5 + 1) / 2 -> 0.625;
  // seed 2: (0.75 + 0) / 2 and (0 + 1) / 2 -> 0.4375.
  const Summary* average = results.find("unified", "average", "wa");
  ASSERT_NE(average, nullptr);
  EXPECT_DOUBLE_EQ(average->mean, (0.625 + 0.4375) / 2);
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "wa")->mean, 1.0);
  EXPECT_EQ(results.find("unified", "acoustic,textual", "nonsense"), nullptr);
  EXPECT_EQ(results.find("specialist", "acoustic", "wa"), nullptr);
}

TEST(Results, DoNotDependOnTheOrderOfOutcomes) {
  auto outcomes = unified_outcomes();
  std::reverse(outcomes.begin(), outcomes.end());
  EXPECT_EQ(results_json(make_results(outcomes, class_corpus(), {"1/2", "2/2"})),
            results_json(class_results()));
}

TEST(Results, ASpecialistCountsOnlyUnderItsOwnPattern) {
  FitOutcome acoustic = fit("specialist", kAcoustic, 0, 1);
  acoustic.test = {{kAcoustic, {0, 2}, predicting({0, 1})}, {kBoth, {0, 2}, predicting({1, 0})}};
  FitOutcome both = fit("specialist", kBoth, 0, 1);
  both.test = {{kBoth, {0, 2}, predicting({0, 0})}};
  const Results results = make_results({acoustic, both}, class_corpus(), {"official"});
  EXPECT_EQ(results.scores.size(), 2U);
  EXPECT_DOUBLE_EQ(results.find("specialist", "acoustic", "wa")->mean, 1.0);
  EXPECT_DOUBLE_EQ(results.find("specialist", "acoustic,textual", "wa")->mean, 0.5);
  EXPECT_EQ(results.find("specialist", "average", "wa"), nullptr) << "one proper condition only";
  EXPECT_TRUE(std::isnan(results.find("specialist", "acoustic", "wa")->seed_deviation));
  EXPECT_TRUE(std::isnan(results.find("specialist", "acoustic", "wa")->fold_deviation));
}

TEST(Results, TwoFitsInOnePlaceAreOurBug) {
  auto outcomes = unified_outcomes();
  outcomes.push_back(outcomes.front());
  EXPECT_THROW((void)make_results(outcomes, class_corpus(), {"1/2", "2/2"}), InternalError);
}

TEST(Results, RecallOfAClassThatAFoldLacksIsLeftOutOfTheMean) {
  FitOutcome first = fit("unified", kBoth, 0, 1);
  first.test = {{kBoth, {0, 1}, predicting({0, 1})}};  // truth: calm, calm
  FitOutcome second = fit("unified", kBoth, 1, 1);
  second.test = {{kBoth, {2, 4}, predicting({1, 1})}};  // truth: angry, calm
  const Results results = make_results({first, second}, class_corpus(), {"1/2", "2/2"});
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "recall.angry")->mean, 1.0);
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "recall.calm")->mean, 0.25);
}

TEST(Results, CalibratedErrorIsThatOfTheModelsTemperature) {
  auto outcomes = unified_outcomes();
  EXPECT_TRUE(std::isnan(class_results().find("unified", "acoustic", "calibrated_ece")->mean));
  for (auto& outcome : outcomes) outcome.calibrations = {{kAcoustic, 100, 2.0, 0.1}};
  const Results results = make_results(outcomes, class_corpus(), {"1/2", "2/2"});
  // Every confidence is .75; with T = 2 it is sqrt(3) / (1 + sqrt(3)) = .634, in one bin.
  const double confidence = std::sqrt(3.0) / (1 + std::sqrt(3.0));
  const auto error = [&](double accuracy) { return std::abs(accuracy - confidence); };
  EXPECT_NEAR(results.find("unified", "acoustic", "calibrated_ece")->mean,
              ((error(1) + error(0.5)) / 2 + (error(0.75) + error(0)) / 2) / 2, 1e-6);
  // A pattern without calibration keeps the raw probabilities.
  EXPECT_DOUBLE_EQ(results.find("unified", "textual", "calibrated_ece")->mean,
                   results.find("unified", "textual", "ece")->mean);
}

TEST(Results, ClassScoresKeepConfusionAndCounts) {
  const Results results = class_results();
  const Score& score = results.scores.front();  // unified, {a}, fold 0, seed 1
  EXPECT_EQ(score.condition, kAcoustic);
  EXPECT_EQ(score.utterances, 4);
  EXPECT_THAT(score.confusion, ElementsAre(2, 0, 0, 2));
  EXPECT_THAT(results.headline, ElementsAre("wa", "ua", "weighted_f1"));
  EXPECT_THAT(results.metrics,
              ElementsAre("wa", "ua", "weighted_f1", "macro_f1", "auroc", "brier", "ece",
                          "calibrated_ece", "aurc", "excess_aurc", "recall.calm", "recall.angry"));
}

TEST(Results, RealValuesGiveSentimentMetrics) {
  const Corpus corpus = corpus_of({-2, 0, 1, 3}, LabelKind::kValue);
  FitOutcome outcome = fit("unified", kBoth, 0, 1);
  outcome.test = {{kBoth, {0, 1, 2, 3}, {-1, 5, -1, 1}}};
  const Results results = make_results({outcome}, corpus, {"official"});
  // Non-zero truth: -2, 1, 3; predicted signs -, -, +: two of three. Errors 1, 5, 2, 2.
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "acc2_non0")->mean, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "mae")->mean, 2.5);
  EXPECT_THAT(results.headline, ElementsAre("acc2_non0", "f1_non0", "mae", "correlation"));
  EXPECT_TRUE(results.scores.front().confusion.empty());
}

TEST(Results, WhatCannotTellAnythingIsNotApplicable) {
  const Corpus corpus = corpus_of({1.5, 2, 3.5, 3}, LabelKind::kValue);  // ratings, all positive
  FitOutcome outcome = fit("unified", kBoth, 0, 1);
  outcome.test = {{kBoth, {0, 1, 2, 3}, {1, 2, 3, 4}}};
  Results results = make_results({outcome}, corpus, {"official"});
  EXPECT_TRUE(std::isnan(results.find("unified", "acoustic,textual", "acc2_non0")->mean));
  EXPECT_TRUE(std::isnan(results.find("unified", "acoustic,textual", "f1_has0")->mean));
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "mae")->mean, .5);
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "acc7")->mean, .75);
  EXPECT_THAT(results.headline, ElementsAre("ccc", "mae", "correlation"));
  add_intervals(results, prediction_table({outcome}, corpus));
  const Results read = parse_results(results_json(results), "r");
  ASSERT_EQ(read.not_applicable.size(), 6U) << "both signs, their F1, acc3 and acc5";
  EXPECT_EQ(read.not_applicable[0].reason, "all test utterances are of one class (positive)");
  EXPECT_THAT(disagreement(read, resample(prediction_table({outcome}, corpus), {})), IsEmpty());
  const std::string table = results_table(read);
  EXPECT_THAT(table, AllOf(HasSubstr("CCC"), Not(HasSubstr("1.0000"))));
  EXPECT_THAT(table, HasSubstr("one class (positive): Acc-2"));
}

TEST(Results, TheHeadlineFollowsFromTheLabels) {
  const auto headline = [](const Corpus& corpus, const std::vector<std::int64_t>& tested,
                           std::vector<float> outputs) {
    FitOutcome outcome = fit("unified", kBoth, 0, 1);
    outcome.test = {{kBoth, tested, std::move(outputs)}};
    return make_results({outcome}, corpus, {"official"}).headline;
  };
  Corpus classes = corpus_of({0, 0, 0, 0, 0, 1, 1, 0}, LabelKind::kClass);
  EXPECT_EQ(headline(classes, {0, 5}, predicting({0, 1})).front(), "ua") << "six against two";
  classes.dialogues = {{"d", 0, 4, "", Part::kTest}, {"e", 4, 4, "", Part::kTrain}};
  EXPECT_EQ(headline(classes, {0, 5}, predicting({0, 1})).front(), "wa")
      << "the labels of an official test part do not count: two against two";
  const Corpus values = corpus_of({-2, 0, 1, 3}, LabelKind::kValue);
  EXPECT_EQ(headline(values, {0, 2}, {1, 2}).front(), "acc2_non0");
}

TEST(Results, ASignLearnedAsClassesIsJudgedOnNonZeroValues) {
  Corpus corpus = corpus_of({0, 1, 1, 0}, LabelKind::kClass);
  corpus.values = {-2, 1, 3, 0};
  FitOutcome outcome = fit("unified", kBoth, 0, 1);
  outcome.test = {{kBoth, {0, 1, 2, 3}, predicting({0, 0, 1, 1})}};
  const Results results = make_results({outcome}, corpus, {"official"});
  EXPECT_DOUBLE_EQ(results.find("unified", "acoustic,textual", "acc2_non0")->mean, 2.0 / 3.0);
  EXPECT_THAT(results.headline, ElementsAre("acc2_non0", "f1_non0"));
}

TEST(Results, NoOutcomesGiveAnEmptyReport) {
  const Results results = make_results({}, class_corpus(), {});
  EXPECT_TRUE(results.summaries.empty());
  EXPECT_THAT(results_table(results), HasSubstr("tiny"));
}

TEST(ResultsTable, ShowsMeansDeviationsAverageAndCompleteLast) {
  const std::string table = results_table(class_results());
  EXPECT_THAT(table, StartsWith("tiny: HARDY-MER, test, 2 folds, 2 seeds\n"));
  EXPECT_THAT(table, HasSubstr("\nunified                              WA        ±\n"
                               "  acoustic                       0.5625   0.2652\n"
                               "  textual                        0.5000   0.0000\n"
                               "  average of the incomplete      0.5312   0.1326\n"
                               "  acoustic,textual               1.0000   0.0000\n"));
  EXPECT_THAT(table, HasSubstr("WA = share of all utterances recognised (weighted accuracy)\n"
                               "± = deviation over seeds\n"));
  EXPECT_THAT(table, AllOf(Not(HasSubstr("UA")), Not(HasSubstr("synthetic"))));
}

TEST(ResultsTable, ShowsTheMetricsThatAreAskedFor) {
  const std::string table =
      results_table(class_results(), {.metrics = {"ece", "acc7", "recall.calm"}});
  EXPECT_THAT(table, AllOf(HasSubstr("ECE"), HasSubstr("recall calm"), Not(HasSubstr("WA")),
                           Not(HasSubstr("Acc-7"))));
  EXPECT_THAT(table, HasSubstr("ECE = |confidence - accuracy| over 15 equal bins of confidence; "
                               "smaller is\nbetter\n"));
}

TEST(ResultsTable, ColoursHeadingsOnlyWhenAsked) {
  EXPECT_THAT(results_table(class_results()), Not(HasSubstr("\x1b")));
  EXPECT_THAT(results_table(class_results(), {.has_colour = true}), StartsWith("\x1b[1mtiny"));
}

TEST(ResultsTable, DigitsFollowFromTheIntervals) {
  Results results = class_results();
  for (auto& summary : results.summaries) {
    summary.low = summary.mean - .05;
    summary.high = summary.mean + .05;
  }
  EXPECT_THAT(results_table(results), HasSubstr("0.56     0.27        0.51 to 0.61\n"));
}

TEST(ResultsTable, SaysWhenTheDataAreSynthetic) {
  Results results = class_results();
  results.is_synthetic = true;
  EXPECT_THAT(results_table(results), StartsWith("tiny (synthetic): HARDY-MER, test"));
  results.data_name = "demonstration (synthetic)";
  EXPECT_THAT(results_table(results), StartsWith("demonstration (synthetic): HARDY-MER, test"));
}

TEST(ResultsTable, CountsTheFoldsThatWereTested) {
  std::vector<FitOutcome> one_fold;
  for (const auto& outcome : unified_outcomes()) {
    if (outcome.fold == 1) one_fold.push_back(outcome);
  }
  EXPECT_THAT(results_table(make_results(one_fold, class_corpus(), {"1/2", "2/2"})),
              StartsWith("tiny: HARDY-MER, test, 1 fold, 2 seeds"));
}

TEST(ResultsTable, OneSeedShowsTheDeviationOverFolds) {
  std::vector<FitOutcome> one_seed;
  for (const auto& outcome : unified_outcomes()) {
    if (outcome.seed == 1) one_seed.push_back(outcome);
  }
  const std::string table = results_table(make_results(one_seed, class_corpus(), {"1/2", "2/2"}));
  EXPECT_THAT(table, HasSubstr("± = deviation over folds"));
  EXPECT_THAT(table, HasSubstr("0.7500   0.3536"));  // {acoustic}: 1.0 and 0.5
}

TEST(ResultsTable, FitsTheTerminalAndSaysWhatShortNamesMean) {
  Corpus corpus = class_corpus();
  for (const char* name : {"visual", "electrodermal", "electrocardiogram"}) {
    corpus.modalities.push_back(corpus.modalities[0]);
    corpus.modalities.back().name = name;
  }
  FitOutcome outcome = fit("unified", Pattern(31), 0, 1);
  for (const Pattern pattern : all_patterns(5)) {
    outcome.test.push_back({pattern, {0, 2}, predicting({0, 1})});
  }
  const Results results = make_results({outcome}, corpus, {"official"});
  const auto longest = [](const std::string& table) {
    std::size_t most = 0;
    std::size_t begin = 0;
    while (begin < table.size()) {
      const std::size_t end = table.find('\n', begin);
      most = std::max(most, end - begin);
      begin = end + 1;
    }
    return most;
  };
  const std::string narrow = results_table(results);
  EXPECT_LE(longest(narrow), 80U) << narrow;
  EXPECT_THAT(narrow, HasSubstr("\n  a,t,v,electrod"));
  EXPECT_THAT(narrow, HasSubstr("a = acoustic, t = textual, v = visual, electrod = "
                                "electrodermal, electroc =\nelectrocardiogram\n"));
  const std::string wide = results_table(results, {.width = 160});
  EXPECT_THAT(wide, HasSubstr("\n  acoustic,textual,visual,electrodermal,electrocardiogram "));
  EXPECT_THAT(wide, Not(HasSubstr("a = acoustic")));
}

TEST(ResultsCsv, HasScoresThenSummaries) {
  const std::string csv = results_csv(class_results());
  EXPECT_THAT(csv, HasSubstr("track,condition,fold,seed,utterances,metric,value,method\n"
                             "unified,acoustic,0,1,4,wa,1,hardymer\n"));
  EXPECT_THAT(csv, HasSubstr("unified,\"acoustic,textual\",1,2,2,wa,1,hardymer\n"));
  EXPECT_THAT(csv, HasSubstr("unified,acoustic,mean,mean,,wa,0.5625,hardymer\n"));
  EXPECT_THAT(csv,
              HasSubstr("unified,acoustic,deviation over seeds,deviation over seeds,,wa,0.265"));
}

TEST(ResultsJson, RoundTripsIncludingUndefinedValues) {
  Results results = class_results();
  results.summaries.front().mean = std::numeric_limits<double>::quiet_NaN();
  const std::string text = results_json(results);
  const Results read = parse_results(text, "r");
  EXPECT_EQ(results_json(read), text);
  EXPECT_TRUE(std::isnan(read.summaries.front().mean));
  EXPECT_EQ(results_table(read), results_table(results));
}

TEST(ResultsJson, DamagedFilesAreArtifactErrors) {
  const std::string text = results_json(class_results());
  for (std::size_t size = 0; size + 2 < text.size(); size += 211) {
    EXPECT_THAT(message_of<ArtifactError>([&] { (void)parse_results(text.substr(0, size), "r"); }),
                AllOf(HasSubstr("r: damaged"), HasSubstr("run again")));
  }
  for (const char* damaged : {"{\"format\": 7}", "3", "{\"format\": 1, \"data\": []}"}) {
    EXPECT_THROW((void)parse_results(damaged, "r"), ArtifactError);
  }
}

TEST(ResultsJson, RunFolderRoundTrip) {
  const TempDir folder;
  const RunManifest manifest = make_manifest("run", Config{}, class_corpus(), {"1/2", "2/2"});
  const RunFolder run = RunFolder::create(folder / "run", manifest, ExistingRun::kResume);
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)read_results(run.path()); }),
              HasSubstr("has no results yet"));
  write_results(run, class_results());
  EXPECT_EQ(results_json(read_results(run.path())), results_json(class_results()));
  EXPECT_EQ(read_text_file(run.results_csv_file()), results_csv(class_results()));
  test::put_file(run.results_json_file(), "{");
  EXPECT_THROW((void)read_results(run.path()), ArtifactError);
}

TEST(Predictions, OneLinePerUtteranceConditionFoldAndSeed) {
  const TempDir folder;
  const Corpus corpus = class_corpus();
  const RunFolder run = RunFolder::create(
      folder / "run", make_manifest("run", Config{}, corpus, {}), ExistingRun::kResume);
  write_predictions(run, unified_outcomes(), corpus);
  const std::string csv = read_text_file(run.predictions_file());
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 2 * 3 * (4 + 2));
  EXPECT_THAT(csv, HasSubstr("utterance,dialogue,track,condition,fold,seed,truth,predicted,"
                             "p_calm,p_angry,method,speaker\n"
                             "u0,d,unified,acoustic,0,1,calm,calm,0.75,0.25,hardymer,\n"));
  auto reversed = unified_outcomes();
  std::reverse(reversed.begin(), reversed.end());
  write_predictions(run, reversed, corpus);
  EXPECT_EQ(read_text_file(run.predictions_file()), csv);
}

TEST(Predictions, OfRealValuesHaveTruthAndPredictedValue) {
  const TempDir folder;
  const Corpus corpus = corpus_of({-2, 1}, LabelKind::kValue);
  const RunFolder run = RunFolder::create(
      folder / "run", make_manifest("run", Config{}, corpus, {}), ExistingRun::kResume);
  FitOutcome outcome = fit("unified", kBoth, 0, 1);
  outcome.test = {{kBoth, {0, 1}, {-1.5F, 0.1F}}};
  outcome.curve = {{"recogniser complete", 1, "train_loss", 0.5}};
  write_predictions(run, {outcome}, corpus);
  EXPECT_EQ(read_text_file(run.predictions_file()),
            "utterance,dialogue,track,condition,fold,seed,truth,predicted,method,speaker\n"
            "u0,d,unified,\"acoustic,textual\",0,1,-2,-1.5,hardymer,\n"
            "u1,d,unified,\"acoustic,textual\",0,1,1,0.1,hardymer,\n");
  write_curves(run, {outcome}, corpus);
  EXPECT_EQ(read_text_file(run.curves_file()),
            "track,trained,fold,seed,stage,epoch,name,value\n"
            "unified,\"acoustic,textual\",0,1,recogniser complete,1,train_loss,0.5\n");
}

TEST(FitOutcome, RoundTripsAsATensorFile) {
  FitOutcome outcome = unified_outcomes().front();
  outcome.validation = {{kTextual, {3, 5}, predicting({1, 0})}};
  outcome.curve = {{"s", 2, "n", 0.1}, {"s", 3, "n", std::numeric_limits<double>::quiet_NaN()}};
  outcome.train_cpu_s = 1.25;
  const FitOutcome read = fit_outcome_of(to_tensor_file(outcome));
  EXPECT_EQ(read.track, outcome.track);
  EXPECT_EQ(read.trained, outcome.trained);
  EXPECT_EQ(read.fold, outcome.fold);
  EXPECT_EQ(read.seed, outcome.seed);
  EXPECT_EQ(read.train_cpu_s, 1.25);
  ASSERT_EQ(read.test.size(), outcome.test.size());
  EXPECT_EQ(read.test[1].condition, outcome.test[1].condition);
  EXPECT_EQ(read.test[1].utterances, outcome.test[1].utterances);
  EXPECT_EQ(read.test[1].outputs, outcome.test[1].outputs);
  ASSERT_EQ(read.validation.size(), 1U);
  EXPECT_EQ(read.validation[0].outputs, outcome.validation[0].outputs);
  ASSERT_EQ(read.curve.size(), 2U);
  EXPECT_EQ(read.curve[0].value, 0.1);
  EXPECT_TRUE(std::isnan(read.curve[1].value));
}

TEST(FitOutcome, ForeignOrIncompleteFilesAreArtifactErrors) {
  EXPECT_THROW((void)fit_outcome_of(TensorFile{}), ArtifactError);
  TensorFile file = to_tensor_file(unified_outcomes().front());
  TensorFile without = file;
  without.arrays.erase("test.1.outputs");
  EXPECT_THROW((void)fit_outcome_of(without), ArtifactError);
  TensorFile uneven = file;
  uneven.arrays.erase("test.0.outputs");
  uneven.add("test.0.outputs", {3}, std::vector<float>{1, 2, 3});
  EXPECT_THROW((void)fit_outcome_of(uneven), ArtifactError);
  file.metadata["outcome"] = "{\"track\": 3}";
  EXPECT_THROW((void)fit_outcome_of(file), ArtifactError);
}

TEST(Conditions, TableAllAndLists) {
  const std::vector<std::string> names = {"acoustic", "textual", "visual"};
  EXPECT_EQ(parse_conditions("table", names), all_patterns(3));
  EXPECT_EQ(parse_conditions("all", names), all_patterns(3));
  const std::vector<std::string> five = {"a", "b", "c", "d", "e"};
  EXPECT_EQ(parse_conditions("table", five).size(), 5U + 5U + 1U);
  EXPECT_EQ(parse_conditions("all", five).size(), 31U);
  EXPECT_THAT(parse_conditions("a,t ; a; acoustic,textual;", names),
              ElementsAre(Pattern(1), Pattern(3)));
  EXPECT_THAT(parse_conditions("at;tv", names), ElementsAre(Pattern(3), Pattern(6)));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)parse_conditions(" ; ", names); }),
              HasSubstr("name nothing"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)parse_conditions("a;smell", names); }),
              HasSubstr("this corpus has: acoustic, textual, visual"));
}

}  // namespace
}  // namespace hardy
