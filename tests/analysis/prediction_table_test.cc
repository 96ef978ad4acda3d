#include "analysis/prediction_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using test::put_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RunManifest manifest_of(std::vector<std::string> classes, const std::string& task) {
  RunManifest manifest;
  manifest.program_version = "0.1.0";
  manifest.command = "run";
  manifest.data_name = "tiny";
  manifest.data_checksum = std::string(64, 'a');
  manifest.class_names = std::move(classes);
  manifest.modality_names = {"acoustic", "textual"};
  manifest.widths = {4, 7};
  manifest.folds = {"1/2", "2/2"};
  manifest.config.data.task = task;
  return manifest;
}

constexpr const char* kHeader =
    "utterance,dialogue,track,condition,fold,seed,truth,predicted,p_calm,p_angry\n";

/// Reads a predictions.csv of these bytes.
PredictionTable read(const std::string& text,
                     const RunManifest& manifest = manifest_of({"calm", "angry"}, "auto")) {
  const TempDir folder;
  const RunFolder run = RunFolder::create(folder / "run", manifest, ExistingRun::kResume);
  put_file(run.predictions_file(), text);
  return read_predictions(run);
}

TEST(ReadPredictions, CountsByDialogueInAFixedOrder) {
  const PredictionTable table = read(std::string(kHeader) +
                                     "u3,d2,unified,a,0,1,angry,calm,.6,.4\n"
                                     "u1,d1,unified,a,0,1,calm,calm,.6,.4\n"
                                     "u2,d1,unified,a,0,1,angry,angry,.4,.6\n"
                                     "u2,d1,unified,\"a,t\",0,1,angry,calm,.6,.4\n"
                                     "u1,d1,unified,\"a,t\",0,1,calm,calm,.6,.4\n"
                                     "u3,d2,unified,\"a,t\",0,1,angry,angry,.4,.6\n");
  EXPECT_THAT(table.tracks, ElementsAre("unified"));
  EXPECT_THAT(table.conditions, ElementsAre("acoustic", "acoustic,textual"));
  EXPECT_EQ(table.complete(), "acoustic,textual");
  ASSERT_EQ(table.folds.size(), 1U);
  EXPECT_THAT(table.folds[0].dialogues, ElementsAre("d1", "d2"));
  EXPECT_THAT(table.folds[0].utterances, ElementsAre("u1", "u2", "u3"));
  EXPECT_THAT(table.folds[0].truth, ElementsAre(0, 1, 1));
  const PredictionCell* cell = table.find("unified", "acoustic", 0, 1);
  ASSERT_NE(cell, nullptr);
  const std::size_t width = table.layout.width();
  ASSERT_EQ(cell->tallies.size(), 2 * width);
  const auto first = cell->tallies.begin();
  EXPECT_THAT(std::vector<double>(first, first + 4), ElementsAre(1, 0, 0, 1));
  const auto second = first + static_cast<std::ptrdiff_t>(width);
  EXPECT_THAT(std::vector<double>(second, second + 4), ElementsAre(0, 0, 1, 0));
  EXPECT_NEAR(second[4], .72, 1e-6) << "the squares of .6 and of .6, for Brier";
  EXPECT_EQ(table.find("unified", "textual", 0, 1), nullptr);
}

TEST(ReadPredictions, ReadsValuesAndSigns) {
  const std::string header = "utterance,dialogue,track,condition,fold,seed,truth,predicted\n";
  const PredictionTable values =
      read(header + "u1,d1,unified,a,0,1,-1.5,0.25\n", manifest_of({}, "auto"));
  EXPECT_EQ(values.layout.task(), TaskKind::kValue);
  std::vector<double> metrics(values.layout.metric_names().size());
  values.layout.metrics(values.cells[0].tallies, metrics);
  EXPECT_DOUBLE_EQ(metrics[7], 1.75);  // the absolute error
  const PredictionTable signs = read(header +
                                         "u1,d1,unified,a,0,1,negative,positive\n"
                                         "u2,d1,unified,a,0,1,,positive\n",
                                     manifest_of({"negative", "positive"}, "binary"));
  EXPECT_EQ(signs.layout.task(), TaskKind::kBinary);
  EXPECT_THAT(signs.cells[0].tallies, ElementsAre(0, 1, 0, 0)) << "no truth is not scored";
  EXPECT_TRUE(std::isnan(signs.folds[0].truth[1]));
}

TEST(ReadPredictions, DamageIsNamedWithItsLine) {
  const auto error = [](const std::string& text) {
    return message_of<ArtifactError>([&] { (void)read(text); });
  };
  const std::string row = "u1,d1,unified,a,0,1,calm,calm,.6,.4\n";
  const std::string start = std::string(kHeader) + row;
  EXPECT_THAT(error(start + "u2,d1,unified,a,0,1,calm,cal"),
              AllOf(HasSubstr("predictions.csv, line 3"), HasSubstr("run again")));
  EXPECT_THAT(error(start + "u2,d1,unified,a,0,1,calm,glad,.6,.4\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("'glad'"), HasSubstr("calm, angry")));
  EXPECT_THAT(error(start + "u2,d1,unified,a,x,1,calm,calm,.6,.4\n"), HasSubstr("fold holds 'x'"));
  EXPECT_THAT(error(start + "u2,d1,unified,a,-1,1,calm,calm,.6,.4\n"),
              HasSubstr("fold holds '-1'"));
  EXPECT_THAT(error(start + "u2,d1,unified,a,0,1.5,calm,calm,.6,.4\n"),
              HasSubstr("seed holds '1.5'"));
  EXPECT_THAT(error(start + "u2,d1,unified,smell,0,1,calm,calm,.6,.4\n"), HasSubstr("'smell'"));
  EXPECT_THAT(error(start + row),
              HasSubstr("utterance u1 is predicted twice in (unified, {acoustic}, "
                        "fold 1, seed 1)"));
  EXPECT_THAT(error(start + "u1,d1,unified,t,0,1,angry,calm,.6,.4\n"),
              HasSubstr("another label or dialogue"));
  EXPECT_THAT(error(start + "u1,d9,unified,t,0,1,calm,calm,.6,.4\n"),
              HasSubstr("another label or dialogue"));
  EXPECT_THAT(error(start + "u2,d1,unified,a,0,1,calm,calm,.6,.4\n" +
                    "u2,d1,unified,t,0,1,calm,calm,.6,.4\n"),
              HasSubstr("(unified, {textual}, fold 1, seed 1) lacks a prediction of utterance u1"));
  EXPECT_THAT(error("a,b\n1,2\n"), HasSubstr("the columns do not start with utterance,dialogue"));
  EXPECT_THAT(error(""), HasSubstr("empty"));
  for (std::size_t size = 1; size < start.size(); size += 5) {
    try {
      (void)read(start.substr(0, size));
    } catch (const ArtifactError&) {
    }
  }
}

TEST(ReadPredictions, AMissingFileIsAnArtifactError) {
  const TempDir folder;
  const RunFolder run = RunFolder::create(folder / "run", manifest_of({"calm", "angry"}, "auto"),
                                          ExistingRun::kResume);
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)read_predictions(run); }),
              HasSubstr("predictions.csv"));
}

}  // namespace
}  // namespace hardy
