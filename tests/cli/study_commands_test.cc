// `hardy sweep` and `hardy study` as the real program runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/core/files.h"
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
  refused({"sweep", "--set", "retrieval.kk=1,2"}, "did you mean 'retrieval.k'?");
  refused({"sweep", "--set", "retrieval.k=1..5"}, "--random");
  refused({"sweep", "--set", "retrieval.k=1,x"}, "variant 'k=x'");
  refused({"study", (dir / "none.toml").string()}, "none.toml");
}

}  // namespace
}  // namespace hardy
