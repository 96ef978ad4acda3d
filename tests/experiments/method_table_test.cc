// Tables of methods from generated run folders.
#include "experiments/method_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "experiments/table_formats.h"
#include "formats/csv.h"
#include "hardy/errors.h"
#include "tests/analysis/made_run.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A study of generated runs: each method is wrong in one of `period` predictions.
class MadeStudy : public ::testing::Test {
 protected:
  void add(const std::string& method, std::int64_t period, double cpu_s = 10) {
    const auto is_hit = [&](const test::MadeFit& fit, std::int64_t u) {
      return (u + fit.seed) % period != 0;
    };
    const auto run = test::make_run(folder_ / method, test::hit_outcomes(is_hit, {1, 2}));
    RunTimings timings;
    timings.costs = {.shared_cpu_s = cpu_s,
                     .specialist_cpu_s = 100,
                     .unified_cpu_s = 5,
                     .predict_cpu_s = 0.5,
                     .predicted_utterances = 1000,
                     .parameters = 1234};
    write_timings(run, timings);
    VariantResult variant;
    variant.variant.label = method;
    variant.folder = method;
    study_.variants.push_back(variant);
  }

  [[nodiscard]] MethodComparison compared() const {
    return compare_methods(folder_.path(), study_, {}, {{"gcnet", "no speakers"}});
  }

  test::TempDir folder_;
  StudyResult study_;
};

TEST_F(MadeStudy, RowsGainsMarksAndCosts) {
  add("hardymer", 12);
  add("majority", 3);
  add("momke", 4);
  const auto comparison = compared();
  ASSERT_EQ(comparison.tables.size(), 3U);  // WA, UA, weighted F1 of the unified track
  const auto& table = comparison.tables.front();
  EXPECT_EQ(table.metric, "wa");
  EXPECT_THAT(table.columns, ElementsAre("acoustic", "textual", "average", "acoustic,textual"));
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[0].method, "momke");
  EXPECT_EQ(table.rows[1].method, "hardymer");
  EXPECT_EQ(table.rows[2].method, "majority");
  EXPECT_NEAR(table.rows[0].cells[0].mean, 1 - 1.0 / 4, 1e-12);
  EXPECT_NEAR(table.rows[1].cells[2].mean, 1 - 1.0 / 12, 1e-12);
  EXPECT_LT(table.rows[1].cells[2].low, table.rows[1].cells[2].mean);
  // 8 % against 25 % and 33 % of errors: significant.
  EXPECT_TRUE(table.rows[0].difference.is_beyond_chance);
  EXPECT_NEAR(table.rows[0].difference.difference, 1.0 / 4 - 1.0 / 12, 1e-12);
  EXPECT_FALSE(table.rows[1].difference.is_beyond_chance);
  // Holm over the two rows: the smaller p is doubled.
  const double smaller = std::min(table.rows[0].difference.p, table.rows[2].difference.p);
  const double corrected =
      std::min(table.rows[0].difference.corrected_p, table.rows[2].difference.corrected_p);
  EXPECT_NEAR(corrected, 2 * smaller, 1e-12);
  EXPECT_NEAR(table.over_systems.values[0], 1.0 / 4 - 1.0 / 12, 1e-12);
  EXPECT_EQ(table.over_all.best[2], "momke");
  ASSERT_EQ(comparison.costs.size(), 3U);
  EXPECT_DOUBLE_EQ(comparison.costs[0].training_cpu_s, 15);  // shared and unified, no specialists
  EXPECT_DOUBLE_EQ(comparison.costs[0].prediction_ms, 0.5);
  EXPECT_EQ(comparison.costs[0].parameters, 1234);
}

TEST_F(MadeStudy, ALossIsPrintedPlainly) {
  add("hardymer", 4);
  add("momke", 12);
  const auto comparison = compared();
  EXPECT_NEAR(comparison.tables[0].over_systems.values[2], -1.0 / 6, 1e-12);
  EXPECT_TRUE(comparison.tables[0].over_all.values.empty());  // no controls
  const auto text = comparison_text(comparison);
  EXPECT_THAT(text, AllOf(HasSubstr("gain over best method (average: over MoMKE)"),
                          HasSubstr("  -0.1667"), HasSubstr("made (synthetic)"),
                          HasSubstr("left out: GCNet: no speakers"), HasSubstr("0.9167* [")));
}

/// A comparison with this many columns beside the average.
MethodComparison wide_comparison(std::size_t columns) {
  MethodComparison comparison;
  comparison.data_name = "wide";
  comparison.folds = {"1"};
  comparison.seeds = {1, 2};
  MethodTable table;
  table.track = "unified";
  table.metric = "wa";
  table.columns = {"average"};
  for (std::size_t c = 0; c < columns; ++c) table.columns.push_back(fmt::format("rate=0.{}", c));
  for (const std::string method : {"momke", "hardymer", "majority"}) {
    TableRow row;
    row.method = method;
    for (std::size_t c = 0; c <= columns; ++c) {
      row.cells.push_back({0.5 + 0.01 * static_cast<double>(c), 0.4, 0.6});
    }
    table.rows.push_back(row);
  }
  table.over_all.values.assign(columns + 1, -0.0125);
  table.over_all.best.assign(columns + 1, "momke");
  comparison.tables = {table};
  return comparison;
}

TEST(ComparisonText, ColumnsBeyondTheWidthOfATerminalFollowInBlocks) {
  const auto text = comparison_text(wide_comparison(9));
  std::size_t widest = 0;
  std::size_t rows = 0;
  std::istringstream lines(text.substr(text.find("unified track")));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("interval:")) break;
    widest = std::max(widest, line.size());
    if (line.starts_with("MoMKE ")) ++rows;
    if (line.starts_with("gain over best of all  ")) {
      EXPECT_THAT(line, HasSubstr("-0.0125"));
    }
  }
  EXPECT_LE(widest, 80U);
  EXPECT_EQ(rows, 2U) << text;  // 26 and 3 times 9 columns, then 6 times 9
  for (std::size_t c = 0; c < 9; ++c) {
    EXPECT_THAT(text, HasSubstr(fmt::format("rate=0.{}", c)));
    EXPECT_THAT(text, HasSubstr(fmt::format("{:.4f}", 0.5 + 0.01 * static_cast<double>(c + 1))));
  }
  EXPECT_THAT(text, HasSubstr("gain over best of all (average: over MoMKE)"));
}

TEST_F(MadeStudy, WithoutHardyMerThereAreNoGains) {
  add("momke", 5);
  add("majority", 3);
  const auto comparison = compared();
  EXPECT_TRUE(comparison.tables[0].over_systems.values.empty());
  EXPECT_TRUE(std::isnan(comparison.tables[0].rows[0].difference.difference));
  EXPECT_THAT(comparison_text(comparison),
              AllOf(HasSubstr("HARDY-MER is not compared"), Not(HasSubstr("gain over"))));
}

TEST_F(MadeStudy, EveryFormatHoldsTheSameNumbers) {
  add("hardymer", 12);
  add("momke", 4);
  const auto comparison = compared();
  const auto csv = parse_csv(comparison_csv(comparison), "compare.csv");
  ASSERT_EQ(csv.rows.size(), 3U * 2U * 4U);
  EXPECT_THAT(csv.rows[2],
              ElementsAre("unified", "wa", "momke", "no", "average", "0.75", ::testing::_,
                          ::testing::_, "", ::testing::_, ::testing::_, ::testing::_, ::testing::_,
                          ::testing::_, "yes", "1234", "15", "0.5"));
  const auto json = nlohmann::json::parse(comparison_json(comparison));
  const auto& row = json["tables"][0]["rows"][0];
  EXPECT_EQ(row["method"], "momke");
  EXPECT_EQ(row["cells"][2]["mean"], 0.75);
  EXPECT_TRUE(row["difference"]["beyond_chance"].get<bool>());
  EXPECT_EQ(json["left_out"][0]["reason"], "no speakers");
  const auto latex = comparison_latex(comparison);
  EXPECT_THAT(latex, AllOf(HasSubstr("MoMKE & 75.00 & 75.00 & 75.00$^*$ & 75.00"),
                           HasSubstr("\\textbf{91.67}"), HasSubstr("\\{acoustic,textual\\}"),
                           HasSubstr("gain over best method & +16.67")));
  // Every row of a LaTeX table has as many cells as the table has columns.
  std::size_t begin = latex.find("\\hline\n") + 7;
  const auto line = latex.substr(begin, latex.find('\n', begin) - begin);
  EXPECT_EQ(std::count(line.begin(), line.end(), '&'), 4 + 3);
}

TEST_F(MadeStudy, DamagedAndForeignRunsAreRefused) {
  add("hardymer", 12);
  add("momke", 4);
  write_file_atomically(folder_ / "momke" / "timings.json", "{\"training_cpu_s\": 3");
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)compared(); }),
              AllOf(HasSubstr("momke"), HasSubstr("timings.json")));
  // Predictions that disagree with results.json.
  const auto file = folder_ / "momke" / "predictions.csv";
  auto text = read_text_file(file);
  text.resize(text.size() / 2);
  write_file_atomically(file, text.substr(0, text.rfind('\n') + 1));
  EXPECT_THROW((void)compared(), Error);
}

}  // namespace
}  // namespace hardy
