#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "report/page.h"
#include "report/report_data.h"
#include "report/tables.h"
#include "tests/report/report_runs.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::make_report_run;
using test::message_of;
using test::put_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Report : public ::testing::Test {
 protected:
  Report() {
    make_report_run(folder_ / "good", 5);
    make_report_run(folder_ / "poor_1", 3);
  }

  [[nodiscard]] ReportData both() const {
    return read_report_data({folder_ / "good", folder_ / "poor_1"}, "hardy report good poor_1");
  }

  TempDir folder_;
};

TEST_F(Report, IsTextWhateverTheBytesOfFolders) {
  make_report_run(folder_ / "r\xFF", 4);
  const ReportData data =
      read_report_data({folder_ / "good", folder_ / "r\xFF"}, "hardy report good r\xFF");
  EXPECT_EQ(data.runs[1].name, "r\\xFF");
  for (const auto& text : {report_page(data), report_csv(data), report_tables_json(data)}) {
    EXPECT_TRUE(is_utf8(text));
  }
}

TEST_F(Report, GathersEveryPart) {
  const ReportData data = both();
  ASSERT_EQ(data.runs.size(), 2U);
  EXPECT_THAT(data.runs[0].notices, IsEmpty());
  EXPECT_EQ(data.comparisons.rows.size(), 4U);
  const auto json = report_json(data);
  const auto& run = json["runs"][0];
  // Folds 0 and 1 end at epoch 3 with 1 / 3 and 1 / 4.
  const auto& curve = run["curves"][0];
  EXPECT_EQ(curve["name"], "train_loss");
  ASSERT_EQ(curve["points"].size(), 3U);
  EXPECT_DOUBLE_EQ(curve["points"][2][1].get<double>(), (1.0 / 3 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(curve["points"][2][2].get<double>(), 0.25);
  // Scores .481 to .951 of 48 utterances: .481 and .491 fall into bin 9, .951 into bin 19.
  const auto& hardness = run["hardness"][0];
  EXPECT_EQ(hardness["bins"][9], 2);
  EXPECT_EQ(hardness["bins"][19], 1);
  EXPECT_EQ(hardness["count"], 48);
  EXPECT_NEAR(hardness["mean"].get<double>(), 0.716, 1e-12);
  ASSERT_EQ(run["cases"].size(), 10U);
  EXPECT_EQ(run["cases"][0]["utterance"], "d23u3");
  EXPECT_EQ(run["cases"][9]["utterance"], "d12u0");
  EXPECT_EQ(run["cases"][0]["pattern"], "a,t");
  EXPECT_EQ(run["cases"][0]["supports"][0]["distance"], 0.5);
  EXPECT_EQ(run["timings"]["wall_s"], 12.5);
}

TEST_F(Report, TheSameDataGiveTheSamePage) {
  const std::string page = report_page(both());
  EXPECT_EQ(page, report_page(both()));
  EXPECT_THAT(page, AllOf(HasSubstr("<!doctype html>"), HasSubstr("id=\"report-data\"")));
}

TEST_F(Report, TextsCannotLeaveTheirScript) {
  EXPECT_EQ(script_safe_json({{"x", "</script><b>"}}), "{\"x\":\"\\u003c/script>\\u003cb>\"}");
  make_report_run(folder_ / "a & <i>", 4);
  const std::string page = report_page(read_report_data({folder_ / "a & <i>"}, "x"));
  EXPECT_THAT(
      page, AllOf(HasSubstr("<title>hardy: a &amp; &lt;i&gt;</title>"), Not(HasSubstr("a & <i>"))));
}

TEST_F(Report, MissingPartsBecomeNotices) {
  std::filesystem::remove(folder_ / "good" / "timings.json");
  put_file(folder_ / "good" / "hardness.csv", "utterance,fold\nu1,0\n");
  const ReportData data = both();
  ASSERT_EQ(data.runs[0].notices.size(), 3U);
  EXPECT_THAT(data.runs[0].notices[0], HasSubstr("timings.json is missing"));
  EXPECT_THAT(data.runs[0].notices[1], AllOf(HasSubstr("hardness.csv"), HasSubstr("damaged")));
  EXPECT_TRUE(data.runs[0].timings.is_null());
}

TEST_F(Report, OlderResultsGetIntervals) {
  const auto is_hit = [](const test::MadeFit& fit, std::int64_t u) {
    return (u + fit.seed) % 5 != 0;
  };
  const auto outcomes = test::hit_outcomes(is_hit, {1, 2});
  write_results(RunFolder::open(folder_ / "good"),
                make_results(outcomes, test::made_corpus(), {"1/2", "2/2"}));
  const ReportData data = both();
  EXPECT_GT(data.runs[0].results.summaries[0].high, data.runs[0].results.summaries[0].low);
  EXPECT_THAT(data.runs[0].notices[0], HasSubstr("made again from its predictions"));
}

TEST_F(Report, StudiesGiveTheirRunsTablesAndPoints) {
  put_file(folder_ / "study.json", R"({"kind": "study"})");
  put_file(folder_ / "ablation.csv", "variant,wa\nfull,0.8\n");
  put_file(folder_ / "tsne.csv", "modality,x,y\nacoustic,1,2\n");
  const ReportData data = read_report_data({folder_.path()}, "x");
  EXPECT_EQ(data.runs.size(), 2U);
  ASSERT_EQ(data.studies.size(), 1U);
  EXPECT_EQ(data.studies[0].tables[0]["rows"][0][1], "0.8");
  EXPECT_EQ(data.studies[0].points[0]["header"][0], "modality");
}

TEST_F(Report, AComparisonOfMethodsIsShownOnce) {
  make_report_run(folder_ / "hardymer", 4);
  put_file(folder_ / "study.json", R"({"kind": "compare"})");
  put_file(folder_ / "compare.json", R"({"format": 1, "tables": []})");
  put_file(folder_ / "compare.csv", "track,metric\nunified,wa\n");
  const ReportData data = read_report_data({folder_.path()}, "x");
  EXPECT_TRUE(data.studies[0].comparison["tables"].is_array());
  EXPECT_TRUE(data.studies[0].tables.empty());
  // The reference of the comparison comes first.
  EXPECT_EQ(data.runs[0].name, "hardymer");
  put_file(folder_ / "compare.json", R"({"format": 1})");
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)read_report_data({folder_.path()}, "x"); }),
              HasSubstr("compare.json"));
}

TEST_F(Report, AuditsShowTheirTablesButNotTheirRuns) {
  put_file(folder_ / "study.json", R"({"kind": "audit-leak", "title": "made"})");
  put_file(folder_ / "leak.csv", "fold,shared\n1,0\n");
  const ReportData data = read_report_data({folder_.path()}, "x");
  EXPECT_TRUE(data.runs.empty());
  EXPECT_EQ(data.studies[0].tables[0]["name"], "leak.csv");
  EXPECT_THAT(report_page(data), HasSubstr("<title>hardy: "));
  // Beside a run it is shown with that run.
  EXPECT_EQ(read_report_data({folder_ / "good", folder_.path()}, "x").runs.size(), 1U);
}

TEST_F(Report, ExplanationsAreReadAndChecked) {
  put_file(folder_ / "why.json", R"({"id": "u1", "prediction": {"label": "calm"},
      "contributions": {"acoustic": 0.25}, "patterns": []})");
  ReportData data = both();
  data.explanations = read_explanations({folder_ / "why.json"});
  EXPECT_EQ(report_json(data)["explanations"][0]["explanation"]["id"], "u1");
  EXPECT_EQ(report_json(data)["explanations"][0]["file"], "why.json");
  for (const char* text : {"{\"id\": \"u1\"}", "[]", "no JSON"}) {
    put_file(folder_ / "other.json", text);
    EXPECT_THAT(
        message_of<ArtifactError>([&] { (void)read_explanations({folder_ / "other.json"}); }),
        HasSubstr("other.json"));
  }
  EXPECT_THROW((void)read_explanations({folder_ / "none.json"}), ArtifactError);
}

TEST_F(Report, ASweepShowsNoTestResultsOfItsPoints) {
  put_file(folder_ / "study.json", R"({"kind": "sweep"})");
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)read_report_data({folder_.path()}, "x"); }),
              HasSubstr("a sweep alone has no test results"));
  EXPECT_EQ(read_report_data({folder_.path(), folder_ / "good"}, "x").runs.size(), 1U);
}

TEST_F(Report, RefusesWhatCannotBeReported) {
  const auto error = [&](const std::filesystem::path& path) {
    return message_of<ArtifactError>([&] { (void)read_report_data({path}, "x"); });
  };
  EXPECT_THAT(error(folder_ / "absent"), HasSubstr("no such folder"));
  put_file(folder_ / "empty" / "note.txt", "x");
  EXPECT_THAT(error(folder_ / "empty"), HasSubstr("no run folder"));
  put_file(folder_ / "good" / "results.json", "{");
  EXPECT_THAT(error(folder_ / "good"), HasSubstr("damaged"));
  std::filesystem::remove(folder_ / "good" / "results.json");
  EXPECT_THAT(error(folder_ / "good"), HasSubstr("no results yet"));
}

TEST_F(Report, RefusesRunsOfOtherCorpora) {
  auto outcomes = test::hit_outcomes([](const test::MadeFit&, std::int64_t) { return true; }, {1});
  for (auto& outcome : outcomes) {
    for (auto& evaluation : outcome.test) {
      evaluation.utterances.resize(44);
      evaluation.outputs.resize(88);
    }
  }
  test::make_run(folder_ / "other", outcomes);
  EXPECT_THAT(message_of<DataError>([&] {
                (void)read_report_data({folder_ / "good", folder_ / "other"}, "x");
              }),
              AllOf(HasSubstr("are of different corpora or splits"), HasSubstr("d11u0")));
}

TEST_F(Report, TablesHoldTheSummaries) {
  const ReportData data = both();
  const Summary& first = data.runs[0].results.summaries[0];
  EXPECT_THAT(report_csv(data),
              HasSubstr(fmt::format("\ngood,unified,{},{},{},{},{},{},{}\n", first.condition,
                                    first.metric, first.mean, first.seed_deviation,
                                    first.fold_deviation, first.low, first.high)));
  const auto json = nlohmann::json::parse(report_tables_json(data));
  EXPECT_EQ(json["runs"][1]["name"], "poor_1");
  EXPECT_EQ(json["comparisons"]["rows"].size(), 4U);
  EXPECT_THAT(report_latex(data),
              AllOf(HasSubstr("run & \\{acoustic\\} & \\{textual\\} & average & "
                              "\\{acoustic,textual\\} \\\\"),
                    HasSubstr("poor\\_1, unified & "),
                    HasSubstr(fmt::format("good, unified & \\textbf{{{:.2f}}}", 100 * first.mean)),
                    HasSubstr("caption{WA on made (synthetic): test, percent, mean over 2 folds"),
                    HasSubstr("\\label{tab:wa}")));
}

}  // namespace
}  // namespace hardy
