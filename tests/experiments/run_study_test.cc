// Studies end to end on a small synthetic corpus: sharing, resumption, refusals.
#include "experiments/run_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "pipeline/run_folder.h"
#include "support/temp_dir.h"
#include "support/tiny_experiment.h"

namespace hardy {
namespace {

StudyRequest request_in(const std::filesystem::path& folder, std::vector<Variant> variants) {
  StudyRequest request;
  request.study.base = test::tiny_config();
  request.study.base.run.models = KeptModels::kNone;
  request.study.base.protocol.tracks = Tracks::kUnified;
  request.study.variants = std::move(variants);
  request.folder = folder;
  return request;
}

constexpr int kFolds = 3;

TEST(RunStudy, ScoreSettingsTrainNoEstimatorAgain) {
  const test::TempDir dir;
  NoProgress quiet;
  const auto request =
      request_in(dir / "study", {{"base", {}},
                                 {"beta", {"hardness.beta=12", "hardness.centre=middle"}},
                                 {"mi", {"hardness.mi_weight=0.5"}}});
  const auto result = run_study(request, test::tiny_corpus(2), quiet);
  ASSERT_EQ(result.variants.size(), 3U);
  // Per fold: tuning, neighbours, hardness, pretraining, one fit.
  EXPECT_EQ(result.variants[0].cache.misses, 5 * kFolds);
  // Other scores give other supports: only the fit is new.
  EXPECT_EQ(result.variants[1].cache.misses, kFolds);
  // Another estimator: hardness, and the fit unless the supports are equal.
  EXPECT_GE(result.variants[2].cache.misses, kFolds);
  EXPECT_LE(result.variants[2].cache.misses, 2 * kFolds);
}

TEST(RunStudy, LeavesOrdinaryRunFoldersAndItsOwnDescription) {
  const test::TempDir dir;
  NoProgress quiet;
  const auto request = request_in(dir / "study", {{"base", {}}, {"w/o R", {"retrieval.k=1"}}});
  run_study(request, test::tiny_corpus(2), quiet);
  EXPECT_TRUE(RunFolder::open(dir / "study" / "base").is_complete());
  EXPECT_TRUE(RunFolder::open(dir / "study" / "w-o-R").is_complete());
  for (const char* file : {"study.json", "test.csv", "validation.csv", "timings.json"}) {
    EXPECT_TRUE(std::filesystem::exists(dir / "study" / file)) << file;
  }
  const Study again = load_study(dir / "study" / "study.toml", Config{});
  EXPECT_EQ(study_toml(again), study_toml(request.study));
}

TEST(RunStudy, FinishedVariantsAreKeptAndNewOnesAdded) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  auto request = request_in(dir / "study", {{"k1", {"retrieval.k=1"}}});
  const auto first = run_study(request, corpus, quiet);
  request.study.variants.push_back({"k2", {"retrieval.k=2"}});
  const auto second = run_study(request, corpus, quiet);
  EXPECT_TRUE(second.variants[0].was_complete);
  EXPECT_FALSE(second.variants[1].was_complete);
  EXPECT_EQ(second.variants[0].results_checksum, first.variants[0].results_checksum);
  const auto bytes = read_text_file(dir / "study" / "study.json");
  run_study(request, corpus, quiet);
  EXPECT_EQ(read_text_file(dir / "study" / "study.json"), bytes);
}

TEST(RunStudy, AnInterruptedStudyContinues) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  auto request = request_in(dir / "study", {{"k1", {"retrieval.k=1"}}});
  std::atomic<bool> stop{true};
  request.stop = &stop;
  EXPECT_THROW(run_study(request, corpus, quiet), Interrupted);
  EXPECT_FALSE(std::filesystem::exists(dir / "study" / "study.json"));
  stop = false;
  EXPECT_NO_THROW(run_study(request, corpus, quiet));
}

TEST(RunStudy, RefusesFoldersOfSomethingElse) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  write_file_atomically(dir / "mine" / "thesis.txt", "mine");
  EXPECT_THROW(run_study(request_in(dir / "mine", {{"a", {}}}), corpus, quiet), ConfigError);
  EXPECT_THROW(run_study(request_in(dir / "mine" / "thesis.txt", {{"a", {}}}), corpus, quiet),
               ConfigError);
  EXPECT_EQ(read_text_file(dir / "mine" / "thesis.txt"), "mine");
}

TEST(RunStudy, AnotherSettingUnderTheSameLabelIsRefused) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  run_study(request_in(dir / "study", {{"a", {"retrieval.k=1"}}}), corpus, quiet);
  auto other = request_in(dir / "study", {{"a", {"retrieval.k=2"}}});
  EXPECT_THROW(run_study(other, corpus, quiet), ConfigError);
  other.overwrite = true;
  EXPECT_NO_THROW(run_study(other, corpus, quiet));
}

TEST(EstimateStudy, GrowsWithTheStudyAndLeavesNothingBehind) {
  const test::TempDir dir;
  NoProgress quiet;
  const Corpus corpus = test::tiny_corpus(2);
  auto request = request_in(dir / "study", {{"base", {}}});
  request.study.base.run.jobs = 1;
  hardymer_settings(request.study.base).recogniser.pattern_epochs = 40;
  const auto one = estimate_study(request, corpus, quiet);
  EXPECT_GT(one.cpu_s, 0);
  EXPECT_DOUBLE_EQ(one.cpu_s, one.one_protocol_cpu_s);
  for (int k = 4; k < 14; ++k) {
    request.study.variants.push_back(
        {"k" + std::to_string(k), {"retrieval.k=" + std::to_string(k)}});
  }
  const auto many = estimate_study(request, corpus, quiet);
  EXPECT_GT(many.cpu_s, 2 * many.one_protocol_cpu_s);
  EXPECT_FALSE(std::filesystem::exists(dir / "study"));
}

}  // namespace
}  // namespace hardy
