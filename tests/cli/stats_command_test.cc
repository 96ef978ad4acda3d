// `hardy stats` in the real program, on generated run folders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <nlohmann/json.hpp>

#include "base/checksum_list.h"
#include "base/files.h"
#include "tests/analysis/made_run.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::hit_outcomes;
using test::MadeFit;
using test::make_run;
using test::put_file;
using test::run_hardy;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// Two runs: "good" is right in four of five, "poor" in two of three.
class StatsCommand : public ::testing::Test {
 protected:
  StatsCommand() {
    make_run(folder_ / "good",
             hit_outcomes([](const MadeFit&, std::int64_t u) { return u % 5 != 0; }, {1, 2}));
    make_run(folder_ / "poor",
             hit_outcomes([](const MadeFit&, std::int64_t u) { return u % 3 != 0; }, {1, 2}));
  }

  [[nodiscard]] test::ProgramResult stats(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "stats");
    return run_hardy(arguments, {.folder = folder_.path(), .variables = {}});
  }

  TempDir folder_;
};

TEST_F(StatsCommand, OneRunGivesItsTableWithIntervals) {
  const auto result = stats({"good", "--level", "0.9"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("made (synthetic): HARDY-MER, test, 2 folds, 2 seeds"),
                                   HasSubstr("90 % = interval over 24 dialogues")));
  const auto json = nlohmann::json::parse(stats({"good", "--json"}).output);
  EXPECT_EQ(json["intervals"]["resamples"], 10000);
}

TEST_F(StatsCommand, ARunOfAMethodOfAnotherProgramIsRead) {
  const auto file = folder_ / "good" / "manifest.json";
  auto manifest = nlohmann::ordered_json::parse(read_text_file(file));
  manifest["method"] = "mine";
  auto config = manifest["config"].get<std::string>();
  const std::string chosen = "method = \"hardymer\"";
  ASSERT_NE(config.find(chosen), std::string::npos);
  config.replace(config.find(chosen), chosen.size(), "method = \"mine\"");
  manifest["config"] = config + "\n[mine]\nepochs = 3\nrate = 0.5\nkind = \"a\"\nis_on = true\n";
  put_file(file, manifest.dump(1));
  write_checksums(folder_ / "good", listed_files(folder_ / "good"));
  const auto result = stats({"good"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  const auto page =
      run_hardy({"report", "good", "--out", "r.html"}, {.folder = folder_.path(), .variables = {}});
  EXPECT_EQ(page.exit_code, 0) << page.errors;
  EXPECT_THAT(read_text_file(folder_ / "r.html"), HasSubstr("[mine]\\nepochs = 3"));
}

TEST_F(StatsCommand, AnUnknownMetricOrTrackOfOneRunIsRefused) {
  const auto result = stats({"good", "--metric", "nonsense"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_THAT(result.errors,
              HasSubstr("metric 'nonsense': there is no such metric; there are wa, ua"));
  EXPECT_EQ(stats({"good", "--metric", "wa,nonsense"}).exit_code, 2);
  EXPECT_EQ(stats({"good", "--tracks", "nonsense"}).exit_code, 2);
  const auto ua = stats({"good", "--metric", "ua"});
  EXPECT_EQ(ua.exit_code, 0) << ua.errors;
  EXPECT_THAT(ua.output, AllOf(HasSubstr("UA"), ::testing::Not(HasSubstr("WA"))));
}

TEST_F(StatsCommand, TwoRunsGiveComparisonsAndVerdicts) {
  const auto result = stats({"good", "poor"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(
      result.output,
      AllOf(HasSubstr("good: synthetic data"), HasSubstr("good (A) against poor (B), unified, wa"),
            HasSubstr("{acoustic}: good is better than poor by "), HasSubstr("with 4 comparisons"),
            HasSubstr("docs/statistics.md")));
  const auto json = nlohmann::json::parse(stats({"good", "poor", "--json"}).output);
  ASSERT_EQ(json["comparisons"].size(), 4U);
  const auto& row = json["comparisons"][0];
  EXPECT_EQ(row["first"], "good");
  EXPECT_DOUBLE_EQ(row["difference"].get<double>(),
                   row["first_value"].get<double>() - row["second_value"].get<double>());
  EXPECT_GE(row["corrected_p"].get<double>(), row["p"].get<double>());
  EXPECT_EQ(json["runs"][1]["data_checksum"], std::string(64, 'c'));
  EXPECT_EQ(stats({"good", "poor", "--json"}).output, stats({"good", "poor", "--json"}).output);
}

TEST_F(StatsCommand, SeveralMetricsAreOneFamily) {
  const auto json =
      nlohmann::json::parse(stats({"good", "poor", "--metric", "wa,ua", "--json"}).output);
  EXPECT_EQ(json["comparisons"].size(), 8U);
  EXPECT_THAT(json["comparisons"][0]["verdict"].get<std::string>(),
              HasSubstr("with 8 comparisons"));
}

TEST_F(StatsCommand, PairsOfRunsArePooledOverCorpora) {
  for (const char* name : {"good", "poor"}) {
    const auto copy = folder_ / (std::string("other-") + name);
    std::filesystem::copy(folder_ / name, copy, std::filesystem::copy_options::recursive);
    auto manifest = nlohmann::ordered_json::parse(read_text_file(copy / "manifest.json"));
    ASSERT_TRUE(manifest["data"].contains("checksum")) << manifest.dump();
    manifest["data"]["checksum"] = std::string(64, 'd');
    put_file(copy / "manifest.json", manifest.dump(1));
    write_checksums(copy, listed_files(copy));
  }
  const std::vector<std::string> pairs = {"--pairs", "good", "poor", "other-good", "other-poor"};
  const auto result = stats(pairs);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("average of the incomplete conditions"),
                                   HasSubstr("  pooled "), HasSubstr(" over 2 corpora, p ")));
  auto as_json = pairs;
  as_json.insert(as_json.end(), {"--json", "--margin", "20"});
  const auto json = nlohmann::json::parse(stats(as_json).output);
  const auto& row = json["pooled"][0];
  EXPECT_EQ(row["corpora"].size(), 2U);
  EXPECT_DOUBLE_EQ(row["margin"].get<double>(), 0.2);
  EXPECT_LE(row["equivalence_p"].get<double>(), 0.05) << "13 points are within 20";
  EXPECT_LT(row["error"].get<double>(), row["high"].get<double>() - row["low"].get<double>());
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& text) {
    const auto wrong = stats(arguments);
    EXPECT_EQ(wrong.exit_code, 2) << text;
    EXPECT_THAT(wrong.errors, HasSubstr(text));
  };
  refused({"--pairs", "good", "poor", "other-good"}, "two runs for each of two or more corpora");
  refused({"--pairs", "good", "poor", "good", "poor"}, "would count twice");
  auto of_error = pairs;
  of_error.insert(of_error.end(), {"--metric", "ece"});
  refused(of_error, "only shares of which larger is better");
}

TEST_F(StatsCommand, BadInputIsRefusedWithTheRemedy) {
  const auto fails = [&](const std::vector<std::string>& arguments, int code,
                         const std::string& text) {
    const auto result = stats(arguments);
    EXPECT_EQ(result.exit_code, code) << text;
    EXPECT_THAT(result.output, IsEmpty());
    EXPECT_THAT(result.errors, AllOf(StartsWith("hardy: error: "), HasSubstr(text)));
  };
  fails({"absent"}, 4, "absent: no such folder");
  fails({"good", "poor", "--metric", "mae"}, 2, "metric 'mae'");
  fails({"good", "poor", "--tracks", ":x"}, 2, "specialist:unified");
  fails({"good", "--tracks", "unified:specialist"}, 2, "track 'specialist'");
  fails({"good", "--resamples", "5"}, 2, "5 resamples");
  fails({"good", "--level", "95"}, 2, "level 95");
  fails({}, 2, "RUN");
  put_file(folder_ / "poor" / "predictions.csv", "utterance\n");
  fails({"good", "poor"}, 4, "predictions.csv");
  std::filesystem::remove(folder_ / "poor" / "results.json");
  fails({"good", "poor"}, 4, "no results yet");
}

}  // namespace
}  // namespace hardy
