// Comparisons end to end on a small synthetic corpus: tuning by validation, refusals, resuming.
#include "experiments/run_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "experiments/estimate_comparison.h"
#include "hardy/errors.h"
#include "hardy/method_settings.h"
#include "methods/fit_method.h"
#include "methods/hardymer/settings.h"
#include "support/messages.h"
#include "support/temp_dir.h"
#include "support/tiny_experiment.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using ::testing::HasSubstr;

Config small_config() {
  Config config = test::tiny_config();
  config.run.models = KeptModels::kNone;
  config.run.seeds = {1, 2};
  config.protocol.tracks = Tracks::kUnified;
  return config;
}

CompareOptions options_of(const std::vector<std::string>& methods, std::int64_t points) {
  CompareOptions options;
  options.methods = methods;
  options.points = points;
  return options;
}

ComparisonResult compared(const fs::path& folder, const CompareOptions& options,
                          const Corpus& corpus) {
  NoProgress quiet;
  StudyRequest request;
  request.folder = folder;
  const auto plan = plan_comparison(comparison_study(options, small_config()), corpus);
  return run_comparison(request, plan, options, corpus, quiet);
}

/// Number of files called `name` below a folder.
int count_files(const fs::path& folder, const std::string& name) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    count += entry.path().filename() == name ? 1 : 0;
  }
  return count;
}

TEST(RunComparison, AnAddedMethodComesAfterThePublishedOnesAndBeforeTheControls) {
  test::add_tiny();
  const auto order = in_table_order({"majority", "tiny", "momke", "hardymer"});
  EXPECT_EQ(order, (std::vector<std::string>{"momke", "hardymer", "tiny", "majority"}));
}

TEST(EstimateComparison, GrowsWithEpochsFoldsSeedsAndPointsAndLeavesNothingBehind) {
  const test::TempDir dir;
  const Corpus corpus = test::tiny_corpus(2);
  NoProgress quiet;
  const auto estimate_of = [&](const Config& base, const CompareOptions& options) {
    StudyRequest request;
    request.study = comparison_study(options, base);
    request.folder = dir / "out";
    auto estimate = estimate_comparison(request, options, corpus, quiet);
    EXPECT_FALSE(fs::exists(dir / "out"));
    return estimate;
  };
  Config base = small_config();
  base.run.jobs = 1;
  const auto options = options_of({"mean_mlp", "majority", "hardymer"}, 0);
  const auto brief = estimate_of(base, options);
  ASSERT_EQ(brief.methods.size(), 3U);
  EXPECT_EQ(brief.methods[0].method, "hardymer");
  EXPECT_GT(brief.methods[0].cpu_s, 0);
  EXPECT_NEAR(brief.cpu_s, brief.methods[0].cpu_s + brief.methods[1].cpu_s + brief.methods[2].cpu_s,
              1e-9);
  EXPECT_GT(brief.calibration_cpu_s, 0);
  // Timings vary less than by a hundred times the epochs, or nineteen times the runs.
  hardymer_settings(base).recogniser.pattern_epochs = 400;
  EXPECT_GT(estimate_of(base, options).methods[0].cpu_s, 3 * brief.methods[0].cpu_s);
  EXPECT_GT(estimate_of(small_config(), options_of({"hardymer"}, 36)).cpu_s,
            3 * brief.methods[0].cpu_s);
}

TEST(RunComparison, TunesByValidationAndNeverTestsALosingPoint) {
  const test::TempDir dir;
  const Corpus corpus = test::tiny_corpus(2);
  const auto options = options_of({"mean_mlp", "majority"}, 2);
  const auto first = compared(dir / "out", options, corpus);
  ASSERT_EQ(first.comparison.chosen.size(), 1U);  // the majority control has no search space
  const auto& chosen = first.comparison.chosen[0];
  EXPECT_EQ(chosen.points, 3);
  EXPECT_GE(chosen.validation, chosen.declared_validation);
  // Two methods with all seeds; three points with the first seed and without test outputs.
  EXPECT_EQ(count_files(dir / "out", "results.json"), 5);
  EXPECT_EQ(count_files(dir / "out", "predictions.csv"), 2);
  EXPECT_EQ(count_files(dir / "out", "validation.json"), 5);
  const auto sweep = read_text_file(dir / "out" / "tuning" / "mean_mlp" / "study.json");
  EXPECT_THAT(sweep, HasSubstr("\"ranking\""));
  EXPECT_EQ(sweep.find("\"test\""), std::string::npos);
  // The study repeats the selected settings without tuning.
  const Study again = load_study(dir / "out" / "study.toml", Config{});
  EXPECT_EQ(again.variants[0].assignments.size(), 1 + chosen.assignments.size());
  EXPECT_THAT(read_text_file(dir / "out" / "compare.txt"), HasSubstr("Early-fusion MLP: 3 points"));
  // Again: nothing is computed, nothing changes.
  const auto bytes = read_text_file(dir / "out" / "compare.json");
  const auto second = compared(dir / "out", options, corpus);
  for (const auto& variant : second.study.variants) EXPECT_TRUE(variant.was_complete);
  EXPECT_EQ(read_text_file(dir / "out" / "compare.json"), bytes);
}

TEST(RunComparison, TheBestPointByValidationIsChosen) {
  const test::TempDir dir;
  const auto done = compared(dir / "out", options_of({"mean_mlp"}, 3), test::tiny_corpus(2));
  const auto csv = read_text_file(dir / "out" / "tuning" / "mean_mlp" / "ranking.csv");
  const auto line = csv.substr(csv.find('\n') + 1);
  EXPECT_THAT(line.substr(0, line.find('\n')),
              HasSubstr(fmt::format("{}", done.comparison.chosen[0].validation)));
}

TEST(RunComparison, MethodsThatRefuseAreLeftOutBeforeAnythingStarts) {
  Corpus corpus = test::tiny_corpus(2);
  // Values of one sign: CPM-Net has no second class, the others are applicable.
  corpus.label_kind = LabelKind::kValue;
  corpus.class_names.clear();
  for (auto& utterance : corpus.utterances) utterance.label += 1;
  const auto plan = plan_comparison(
      comparison_study(options_of({"cpm_net", "early_linear"}, 0), small_config()), corpus);
  ASSERT_EQ(plan.refusals.size(), 1U);
  EXPECT_EQ(plan.refusals[0].method, "cpm_net");
  EXPECT_THAT(plan.refusals[0].reason, HasSubstr("one sign"));
  ASSERT_EQ(plan.study.variants.size(), 1U);
  EXPECT_THAT(plan_text(plan, {}), HasSubstr("left out: CPM-Net: "));
  EXPECT_THAT(message_of<DataError>([&] {
                plan_comparison(comparison_study(options_of({"cpm_net"}, 0), small_config()),
                                corpus);
              }),
              HasSubstr("one sign"));
}

TEST(RunComparison, OneModalityLeavesOutTheMethodsOfMissingOnes) {
  Corpus corpus = test::tiny_corpus(2);
  corpus.modalities.pop_back();
  const auto plan = plan_comparison(comparison_study({}, small_config()), corpus);
  for (const auto& variant : plan.study.variants) {
    const auto method = variant_config(plan.study, variant).protocol.method;
    EXPECT_TRUE(declared_method(method).takes_one_modality) << method;
  }
  EXPECT_THAT(plan_text(plan, {}), HasSubstr("left out: HARDY-MER: "));
  EXPECT_THAT(message_of<DataError>([&] {
                plan_comparison(comparison_study(options_of({"momke"}, 0), small_config()), corpus);
              }),
              HasSubstr("its only modality"));
}

}  // namespace
}  // namespace hardy
