// `hardy sweep` and `hardy study` in the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::run_hardy;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A corpus of three short sessions, written by the program itself.
void make_corpus(const TempDir& dir) {
  const auto result = run_hardy({"data", "synth", (dir / "corpus").string(), "--sessions", "3",
                                 "--dialogues", "2", "--format", "plain"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
}

std::vector<std::string> sweep_in(const TempDir& dir, const std::string& axis) {
  return {"sweep",    (dir / "corpus").string(),
          "--preset", "quick",
          "--track",  "unified",
          "--set",    axis,
          "--set",    "hardness.encoder.hidden=16",
          "--set",    "recogniser.encoder.hidden=16",
          "--out",    (dir / "out").string(),
          "--quiet"};
}

TEST(SweepCommand, RanksByValidationSaysTheTimeAndResumes) {
  const TempDir dir;
  make_corpus(dir);
  auto arguments = sweep_in(dir, "retrieval.k=1,2");
  const auto first = run_hardy(arguments);
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_THAT(first.output, AllOf(HasSubstr("validation wa (average)"), HasSubstr("\n   1  k="),
                                  HasSubstr("\n   2  k="), Not(HasSubstr("   3  "))));
  EXPECT_THAT(first.errors, HasSubstr("times one protocol"));
  EXPECT_TRUE(std::filesystem::exists(dir / "out" / "k=1" / "results.json"));
  arguments[7] = "retrieval.k=1,2,4";
  arguments.emplace_back("--json");
  arguments.emplace_back("--no-estimate");
  const auto more = run_hardy(arguments);
  ASSERT_EQ(more.exit_code, 0) << more.errors;
  const auto json = nlohmann::json::parse(more.output);
  EXPECT_EQ(json.at("ranking").size(), 3U);
  EXPECT_FALSE(json.at("variants")[0].contains("test"));
  const auto timings = nlohmann::json::parse(read_text_file(dir / "out" / "timings.json"));
  EXPECT_TRUE(timings.at("variants")[0].at("was_complete").get<bool>());
  EXPECT_FALSE(timings.at("variants")[2].at("was_complete").get<bool>());
  // The stored description runs again, as a study of the same kind.
  const auto again =
      run_hardy({"study", (dir / "out" / "study.toml").string(), (dir / "corpus").string(), "--out",
                 (dir / "out").string(), "--no-estimate", "--quiet"});
  EXPECT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_THAT(again.output, HasSubstr("validation wa"));
}

TEST(ReproduceCommand, PrintsAndStoresTheTable) {
  const TempDir dir;
  make_corpus(dir);
  const auto result =
      run_hardy({"reproduce", "fig4", (dir / "corpus").string(), "--preset", "quick", "--set",
                 "hardness.encoder.hidden=16", "--set", "recogniser.encoder.hidden=16", "--out",
                 (dir / "out").string(), "--quiet", "--no-estimate"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("Figure 4"), HasSubstr("\nA-IP "),
                                   HasSubstr("\nT-L2 "), HasSubstr("synthetic")));
  EXPECT_EQ(read_text_file(dir / "out" / "reproduction.txt"), result.output);
  EXPECT_THAT(read_text_file(dir / "out" / "reproduction.csv"), HasSubstr("fig4,V-IP,unified,wa"));
}

TEST(ReproduceCommand, Figure3LeavesMapsAndShares) {
  const TempDir dir;
  make_corpus(dir);
  std::vector<std::string> arguments = {"reproduce",
                                        "fig3",
                                        (dir / "corpus").string(),
                                        "--preset",
                                        "quick",
                                        "--set",
                                        "hardness.encoder.hidden=16",
                                        "--set",
                                        "recogniser.encoder.hidden=16",
                                        "--out",
                                        (dir / "out").string(),
                                        "--quiet",
                                        "--no-estimate"};
  const auto result = run_hardy(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("\ntest      visual"), HasSubstr("tuned - plain")));
  EXPECT_EQ(read_text_file(dir / "out" / "neighbours.txt"), result.output);
  const auto points = read_text_file(dir / "out" / "tsne.csv");
  EXPECT_THAT(points, HasSubstr("acoustic,tuned,"));
  // Again: the same bytes.
  std::filesystem::remove(dir / "out" / "tsne.csv");
  ASSERT_EQ(run_hardy(arguments).exit_code, 0);
  EXPECT_EQ(read_text_file(dir / "out" / "tsne.csv"), points);
  arguments.insert(arguments.end(), {"--query", "nobody"});
  const auto unknown = run_hardy(arguments);
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.errors, HasSubstr("--query nobody"));
}

std::vector<std::string> compare_in(const TempDir& dir, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"compare",   (dir / "corpus").string(),
                                        "--preset",  "quick",
                                        "--track",   "unified",
                                        "--methods", "majority,mean_mlp,hardymer",
                                        "--budget",  "2",
                                        "--out",     (dir / "out").string(),
                                        "--quiet"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(CompareCommand, PrintsTunesStoresAndResumes) {
  const TempDir dir;
  make_corpus(dir);
  const auto dry = run_hardy(compare_in(dir, {"--tune", "1", "--dry-run"}));
  ASSERT_EQ(dry.exit_code, 0) << dry.errors;
  EXPECT_THAT(dry.output, AllOf(HasSubstr("HARDY-MER: 2 points"), HasSubstr("mean_mlp.epochs=2"),
                                HasSubstr("Majority: no search space")));
  EXPECT_THAT(dry.errors, AllOf(HasSubstr("3 methods: at most about"), HasSubstr("(HARDY-MER ")));
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
  const auto result = run_hardy(compare_in(dir, {"--tune", "1", "--no-estimate"}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, ::testing::Not(HasSubstr("at most about")));
  EXPECT_THAT(result.output, AllOf(HasSubstr("at most 2 epochs per training stage"),
                                   HasSubstr("unified track, wa"), HasSubstr("\ncontrols\n"),
                                   HasSubstr("gain over best of all")));
  EXPECT_EQ(read_text_file(dir / "out" / "compare.txt"), result.output);
  for (const char* file : {"compare.csv", "compare.tex", "compare.json"}) {
    EXPECT_TRUE(std::filesystem::exists(dir / "out" / file)) << file;
  }
  const auto again = run_hardy(compare_in(dir, {"--tune", "1", "--format", "csv"}));
  EXPECT_EQ(again.output, read_text_file(dir / "out" / "compare.csv"));
  const auto report =
      run_hardy({"report", (dir / "out").string(), "--out", (dir / "page.html").string()});
  ASSERT_EQ(report.exit_code, 0) << report.errors;
  EXPECT_THAT(read_text_file(dir / "page.html"), HasSubstr("gain_over_all"));
}

TEST(CompareCommand, AnInterruptedComparisonContinues) {
  const TempDir dir;
  make_corpus(dir);
  auto arguments = compare_in(dir, {"--seeds", "1-3"});
  arguments[9] = "200";  // the methods' own epochs: long enough to be interrupted
  test::ProgramOptions options;
  options.interrupt_when = [&] { return std::filesystem::exists(dir / "out" / "study.toml"); };
  const auto stopped = run_hardy(arguments, options);
  EXPECT_EQ(stopped.exit_code, 130) << stopped.errors;
  EXPECT_LT(stopped.cpu_after_signal_s, 5);  // of all threads, whatever else the machine does
  EXPECT_FALSE(std::filesystem::exists(dir / "out" / "compare.json"));
  const auto resumed = run_hardy(arguments);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_TRUE(std::filesystem::exists(dir / "out" / "compare.json"));
}

TEST(CompareCommand, BadInputIsRefusedWithARemedy) {
  const TempDir dir;
  make_corpus(dir);
  const auto refused = [&](const std::vector<std::string>& arguments, int code,
                           const std::string& text) {
    const auto result = run_hardy(arguments);
    EXPECT_EQ(result.exit_code, code) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(text));
  };
  refused({"compare", "--methods", "momkee"}, 2, "did you mean 'momke'?");
  refused({"compare", "--methods", "momke,momke"}, 2, "named twice");
  refused({"compare", "--method", "momke"}, 2, "--methods");
  refused({"compare", "--format", "latx"}, 2, "did you mean 'latex'?");
  refused({"compare", (dir / "none").string()}, 3, "no such folder");
  auto one_modality = compare_in(dir, {"--set", "data.modalities=textual=textual"});
  one_modality[7] = "momke,hardymer";
  refused(one_modality, 3, "its only modality");
  refused(compare_in(dir, {"--tune", "1", "--metric", "wat"}), 2, "wat");
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

TEST(CompareCommand, DamagedFoldersAndOtherCorporaAreRefused) {
  const TempDir dir;
  make_corpus(dir);
  auto arguments = compare_in(dir, {});
  arguments[7] = "majority,late_linear";
  ASSERT_EQ(run_hardy(arguments).exit_code, 0);
  const auto check = [&] { return run_hardy({"check", (dir / "out").string()}); };
  EXPECT_EQ(check().exit_code, 0) << check().output;
  for (const char* name : {"compare.json", "test.csv", "study.json", "SHA256SUMS"}) {
    const auto table = read_text_file(dir / "out" / name);
    auto changed = table;
    ++changed[changed.find_first_of("12345678")];
    write_file_atomically(dir / "out" / name, changed);
    EXPECT_EQ(check().exit_code, 4) << name;
    const auto report =
        run_hardy({"report", (dir / "out").string(), "--out", (dir / "report.html").string()});
    EXPECT_EQ(report.exit_code, 4) << name << report.errors;
    EXPECT_THAT(report.errors, HasSubstr("damaged")) << name;
    write_file_atomically(dir / "out" / name, table);
  }
  const auto file = dir / "out" / "majority" / "results.json";
  const auto whole = read_text_file(file);
  write_file_atomically(file, whole.substr(0, whole.size() / 2));
  const auto damaged = run_hardy(arguments);
  EXPECT_EQ(damaged.exit_code, 4) << damaged.errors;
  EXPECT_THAT(damaged.errors, AllOf(HasSubstr("majority"), HasSubstr("damaged")));
  EXPECT_THAT(check().output, HasSubstr("majority/results.json"));
  write_file_atomically(file, whole);
  ASSERT_EQ(run_hardy({"data", "synth", (dir / "other").string(), "--sessions", "3", "--dialogues",
                       "2", "--seed", "2", "--format", "plain"})
                .exit_code,
            0);
  arguments[1] = (dir / "other").string();
  const auto other = run_hardy(arguments);
  EXPECT_EQ(other.exit_code, 2) << other.errors;
  EXPECT_THAT(other.errors, HasSubstr("--overwrite"));
}

TEST(SweepCommand, RefusalsComeBeforeAnythingIsTrained) {
  const TempDir dir;
  const auto refused = [&](std::vector<std::string> arguments, const std::string& text) {
    arguments.insert(arguments.end(), {"--out", (dir / "out").string()});
    const auto result = run_hardy(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(text));
    EXPECT_FALSE(std::filesystem::exists(dir / "out"));
  };
  refused({"sweep"}, "nothing varies");
  refused({"sweep", "--set", "retrieval.kk=1,2"}, "did you mean 'hardymer.retrieval.k'?");
  refused({"sweep", "--set", "retrieval.k=1..5"}, "--random");
  refused({"sweep", "--set", "retrieval.k=1,x"}, "variant 'k=x'");
  refused({"study", (dir / "none.toml").string()}, "none.toml");
}

}  // namespace
}  // namespace hardy
