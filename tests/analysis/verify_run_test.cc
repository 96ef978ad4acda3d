// Verification of a run folder; readers refuse files that the run did not write.
#include "analysis/verify_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/prediction_table.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "experiments/table_reader.h"
#include "hardy/errors.h"
#include "pipeline/check_run.h"
#include "report/run_tables.h"
#include "tests/analysis/made_run.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class VerifyRun : public testing::Test {
 protected:
  VerifyRun()
      : run_(test::make_run(
            dir_.path() / "run",
            test::hit_outcomes([](const test::MadeFit&, std::int64_t u) { return u % 3 != 0; },
                               {1}))) {}

  void replace(const std::filesystem::path& file, const std::string& from,
               const std::string& to) const {
    std::string text = read_text_file(file);
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    write_file_atomically(file, text.replace(at, from.size(), to));
  }

  test::TempDir dir_;
  RunFolder run_;
};

TEST_F(VerifyRun, WhatTheRunWroteIsSound) {
  const auto verification = verify_run(run_.path());
  EXPECT_THAT(verification.findings, IsEmpty());
  EXPECT_TRUE(verification.has_checksums);
  EXPECT_EQ(verification.files, 5);  // manifest, predictions, curves, results as .csv and .json
  EXPECT_EQ(verification.scores, 6);
}

TEST_F(VerifyRun, EveryFileIsCompared) {
  for (const auto& file : {run_.results_json_file(), run_.results_csv_file(), run_.curves_file(),
                           run_.predictions_file(), run_.path() / kChecksumFile}) {
    SCOPED_TRACE(file.string());
    const std::string text = read_text_file(file);
    write_file_atomically(file, text.substr(0, text.size() / 2));
    EXPECT_FALSE(verify_run(run_.path()).findings.empty());
    write_file_atomically(file, text + text);
    EXPECT_FALSE(verify_run(run_.path()).findings.empty());
    std::filesystem::remove(file);
    if (file != run_.results_json_file()) {
      EXPECT_THAT(verify_run(run_.path()).findings, SizeIs(1));
    }
    write_file_atomically(file, text);
    EXPECT_THAT(verify_run(run_.path()).findings, IsEmpty());
  }
}

TEST_F(VerifyRun, ReadersRefuseWhatWasChanged) {
  replace(run_.results_json_file(), "0.", "1.");
  EXPECT_THROW(read_results(run_.path()), ArtifactError);
  replace(run_.predictions_file(), "0.75", "0.25");
  EXPECT_THROW(read_predictions(run_), ArtifactError);
  EXPECT_THROW(TableReader{run_.predictions_file()}, ArtifactError);
  replace(run_.curves_file(), "train_loss", "other_loss");
  EXPECT_THROW(read_curves(run_), ArtifactError);
}

TEST_F(VerifyRun, AChangedManifestIsRefusedByEveryCommandAndNamedByTheCheck) {
  const std::string text = read_text_file(run_.manifest_file());
  write_file_atomically(run_.manifest_file(), text + "\n");
  EXPECT_THROW(RunFolder::open(run_.path()), ArtifactError);
  EXPECT_THROW(read_results(run_.path()), ArtifactError);
  replace(run_.curves_file(), "train_loss", "other_loss");
  EXPECT_THAT(verify_run(run_.path()).findings,
              ElementsAre(HasSubstr("curves.csv: not what"), HasSubstr("manifest.json: not what")));
  std::filesystem::remove(run_.manifest_file());
  EXPECT_THAT(verify_run(run_.path()).findings,
              ElementsAre(HasSubstr("curves.csv"), HasSubstr("manifest.json: missing")));
}

TEST_F(VerifyRun, AListThatIsNoFileIsDamage) {
  std::filesystem::remove(run_.path() / kChecksumFile);
  std::filesystem::create_directory(run_.path() / kChecksumFile);
  EXPECT_THAT(verify_run(run_.path()).findings, ElementsAre("SHA256SUMS: not a regular file"));
  EXPECT_THROW(RunFolder::open(run_.path()), ArtifactError);
}

TEST_F(VerifyRun, ModelsOfAnotherRunAreRefused) {
  const auto first = run_.models_folder() / "a.safetensors";
  const auto second = run_.models_folder() / "b.safetensors";
  std::filesystem::create_directory(run_.models_folder());
  write_file_atomically(first, "one");
  write_file_atomically(second, "two");
  write_run_checksums(run_, read_text_file(run_.results_json_file()));
  EXPECT_THAT(verified_models(run_), ElementsAre(first, second));
  write_file_atomically(first, "two");
  EXPECT_THROW(verified_models(run_), ArtifactError);
  EXPECT_THROW(verify_model(run_, first), ArtifactError);
  EXPECT_NO_THROW(verify_model(run_, second));
  write_file_atomically(first, "one");
  write_file_atomically(run_.models_folder() / "c.safetensors", "one");
  EXPECT_THROW(verified_models(run_), ArtifactError);  // not on the list
}

TEST_F(VerifyRun, CostsCarryTheirOwnChecksum) {
  RunTimings timings;
  timings.started = "2026-03-01T10:00:00Z";
  timings.cpu_s = 12.25;
  write_timings(run_, timings);
  EXPECT_THAT(verify_run(run_.path()).findings, IsEmpty());
  EXPECT_EQ(read_timings(run_.timings_file())["cpu_s"], 12.25);
  replace(run_.timings_file(), "12.25", "12.24");
  EXPECT_THROW(read_timings(run_.timings_file()), ArtifactError);
  EXPECT_THAT(verify_run(run_.path()).findings, ElementsAre(HasSubstr("timings.json: damaged")));
  write_file_atomically(run_.timings_file(), "[1]");
  EXPECT_THROW(read_timings(run_.timings_file()), ArtifactError);
}

TEST_F(VerifyRun, WithoutChecksumsScoresAreComparedWithThePredictions) {
  std::filesystem::remove(run_.path() / kChecksumFile);
  EXPECT_THAT(verify_run(run_.path()).findings, ElementsAre("SHA256SUMS: missing"));
  // As written by hardy 0.1.
  std::string manifest = read_text_file(run_.manifest_file());
  const std::string key = "\"program_version\": \"";
  const auto at = manifest.find(key) + key.size();
  manifest.replace(at, manifest.find('"', at) - at, "0.1.0");
  write_file_atomically(run_.manifest_file(), manifest);
  EXPECT_THAT(verify_run(run_.path()).findings, IsEmpty());
  EXPECT_FALSE(verify_run(run_.path()).has_checksums);
  auto results = read_results(run_.path());
  results.scores[2].metrics[0].value += 0.01;
  write_file_atomically(run_.results_json_file(), results_json(results));
  EXPECT_THAT(verify_run(run_.path()).findings, ElementsAre(HasSubstr("the predictions give")));
}

}  // namespace
}  // namespace hardy
