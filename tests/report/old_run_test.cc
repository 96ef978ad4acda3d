// Run folders of format 1: tests/fixtures/run_folder_v1 was written by `hardy run` 0.1.0 and is
// never rewritten. Readers of run folders must continue to read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "analysis/compare_runs.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/files.h"
#include "formats/csv.h"
#include "methods/hardymer/settings.h"
#include "report/page.h"
#include "report/report_data.h"
#include "report/run_tables.h"
#include "report/tables.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kFolder = test::fixtures_dir() / "run_folder_v1";
constexpr double kAccuracy = 0.31270989408421596;

TEST(OldRun, ManifestAndResultsAreRead) {
  const RunFolder folder = RunFolder::open(kFolder);
  ASSERT_TRUE(folder.is_complete());
  EXPECT_EQ(folder.manifest().config.protocol.method, "hardymer");
  EXPECT_EQ(hardymer_settings(folder.manifest().config).retrieval.k, 1);
  EXPECT_EQ(folder.manifest().utterances, 128);
  const Results results = read_results(kFolder);
  EXPECT_EQ(results.find("unified", "acoustic,textual", "wa")->mean, kAccuracy);
  EXPECT_THAT(results_table(results), HasSubstr("0.3127"));
  const auto validation = parse_results(read_text_file(folder.validation_json_file()), "v");
  EXPECT_FALSE(validation.scores.empty());
}

TEST(OldRun, ItsPredictionsGiveItsResultsAndCanBeCompared) {
  const auto runs = read_finished_runs({kFolder, kFolder});
  const auto compared = compare_runs(runs, {.metrics = {"wa"}});
  ASSERT_FALSE(compared.rows.empty());
  for (const auto& row : compared.rows) EXPECT_EQ(row.comparison.difference, 0);
}

TEST(OldRun, AReportShowsEveryPart) {
  const ReportData data = read_report_data({kFolder}, "hardy report old");
  ASSERT_EQ(data.runs.size(), 1U);
  EXPECT_THAT(data.runs[0].notices, IsEmpty());
  EXPECT_EQ(data.runs[0].curves.size(), 2U);
  EXPECT_EQ(data.runs[0].hardness.size(), 3U);
  EXPECT_EQ(data.runs[0].cases.size(), 10U);
  EXPECT_THAT(report_csv(data), HasSubstr("run_folder_v1,unified,acoustic,wa,0.3127098940842159"));
  EXPECT_THAT(report_page(data), HasSubstr("run_folder_v1"));
  EXPECT_EQ(read_curves(RunFolder::open(kFolder)).size(), 4U);
}

}  // namespace
}  // namespace hardy
