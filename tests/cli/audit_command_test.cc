// `hardy audit` in the real program.
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

void make_corpus(const TempDir& dir, const std::string& sessions, const std::string& dialogues) {
  const auto result = run_hardy({"data", "synth", (dir / "corpus").string(), "--sessions", sessions,
                                 "--dialogues", dialogues, "--format", "plain"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
}

/// Small networks, few epochs, one condition and the complete one.
std::vector<std::string> audit(const TempDir& dir, const std::string& which,
                               std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {
      "audit",   which,   (dir / "corpus").string(), "--preset", "quick",
      "--quiet", "--out", (dir / "out").string()};
  if (which != "split") {
    for (const char* setting :
         {"hardness.encoder.hidden=8", "recogniser.encoder.hidden=8", "hardness.complete_epochs=1",
          "hardness.pattern_epochs=1", "recogniser.complete_epochs=2",
          "recogniser.pattern_epochs=2", "tuning.epochs=1"}) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(AuditCommand, DefectsRunsEveryVariantPrintsPointsAndResumes) {
  const TempDir dir;
  make_corpus(dir, "3", "2");
  const auto arguments = audit(dir, "defects", {"--conditions", "a;t", "--no-estimate"});
  const auto first = run_hardy(arguments);
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_THAT(first.output,
              AllOf(HasSubstr("specialist, wa, average"), HasSubstr("\n  H1b "),
                    HasSubstr("\n  published "), HasSubstr("synthetic"), HasSubstr("verdict")));
  EXPECT_THAT(read_text_file(dir / "out" / "audit.csv"), HasSubstr("\nH16,slots,specialist,"));
  EXPECT_THAT(read_text_file(dir / "out" / "H7" / "results.json"), HasSubstr("\"H7 ("));
  EXPECT_THAT(read_text_file(dir / "out" / "strict" / "results.json"),
              Not(HasSubstr("\"defects\"")));
  const auto stats =
      run_hardy({"stats", (dir / "out" / "strict").string(), (dir / "out" / "H7").string()});
  EXPECT_THAT(stats.output, AllOf(HasSubstr("H7: PUBLISHED DEFECTS ARE ON: H7 ("),
                                  Not(HasSubstr("strict: PUBLISHED"))));
  auto again = arguments;
  again.emplace_back("--json");
  const auto second = run_hardy(again);
  ASSERT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_EQ(nlohmann::json::parse(second.output).at("rows").size(), 14U);
  const auto timings = nlohmann::json::parse(read_text_file(dir / "out" / "timings.json"));
  for (const auto& variant : timings.at("variants")) {
    EXPECT_TRUE(variant.at("was_complete").get<bool>());
  }
}

TEST(AuditCommand, LeakPassesTheStrictProtocolAndCatchesASharedTuning) {
  const TempDir dir;
  make_corpus(dir, "4", "6");
  const std::vector<std::string> more = {"--track", "unified", "--conditions", "a;t",
                                         "--no-estimate"};
  const auto clean = run_hardy(audit(dir, "leak", more));
  EXPECT_EQ(clean.exit_code, 0) << clean.errors;
  EXPECT_THAT(clean.output, AllOf(HasSubstr("the strict protocol is at chance on noise in all"),
                                  HasSubstr("published protocol, unified, UA")));
  EXPECT_THAT(read_text_file(dir / "out" / "leak.csv"), HasSubstr("strict,unified,acoustic,0,"));
  const TempDir other;
  make_corpus(other, "4", "6");
  auto leaking = audit(other, "leak", more);
  for (const char* setting :
       {"published.h2_shared_tuning=true", "recogniser.input=tuned", "tuning.epochs=40",
        "tuning.batch=16", "recogniser.encoder.hidden=32", "recogniser.complete_epochs=8",
        "recogniser.pattern_epochs=8", "recogniser.optimiser.batch=1",
        "recogniser.optimiser.learning_rate=0.003"}) {
    leaking.insert(leaking.end(), {"--set", setting});
  }
  const auto found = run_hardy(leaking);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.errors, HasSubstr("reads labels that it must not"));
}

TEST(AuditCommand, LeakSaysWhyItCannotJudge) {
  const TempDir dir;
  make_corpus(dir, "3", "2");
  const auto result =
      run_hardy(audit(dir, "leak", {"--track", "unified", "--conditions", "a;t", "--no-estimate"}));
  EXPECT_EQ(result.exit_code, 3) << "what could not be judged has not passed";
  EXPECT_THAT(result.output, HasSubstr("not computable because fold 'Ses01' tests 2 dialogues"));
  EXPECT_THAT(result.errors, HasSubstr("use fewer folds"));
}

TEST(AuditCommand, SplitExaminesAndWritesItsTable) {
  const TempDir dir;
  make_corpus(dir, "3", "2");
  const auto result = run_hardy(audit(dir, "split"));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("fold 3 (Ses03), validation part"),
                                   HasSubstr("keeps apart what it claims to")));
  EXPECT_THAT(read_text_file(dir / "out" / "split.csv"), HasSubstr("0,Ses01,test,dialogues,"));
  const auto json = run_hardy(audit(dir, "split", {"--json"}));
  EXPECT_EQ(nlohmann::json::parse(json.output).at("findings"), 0);
}

TEST(AuditCommand, RefusalsSayWhatToDo) {
  const TempDir dir;
  const auto refused = [&](const std::vector<std::string>& arguments, int code,
                           const std::string& text) {
    const auto result = run_hardy(arguments);
    EXPECT_EQ(result.exit_code, code) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(text));
    EXPECT_FALSE(std::filesystem::exists(dir / "out"));
  };
  const std::string out = (dir / "out").string();
  refused({"audit"}, 2, "audit");
  refused({"audit", "defect"}, 2, "did you mean 'defects'?");
  refused({"audit", "split", (dir / "none").string()}, 3, "no such folder");
  refused({"audit", "defects", "--protocol", "published", "--out", out}, 2, "--protocol strict");
  refused({"audit", "defects", "--set", "retrieval.supports=none", "--out", out}, 2, "variant");
  refused({"run", "--protocol", "publishd", "--out", out}, 2, "strict");
  refused({"run", "--set", "published.h12_kept_gradients=true", "--out", out}, 2, "slots");
  refused({"run", "--protocol", "published", "--method", "momke", "--out", out}, 2, "hardymer");
}

TEST(AuditCommand, ACorpusOfOneDialogueCannotBeAudited) {
  const TempDir dir;
  make_corpus(dir, "1", "1");
  for (const char* which : {"leak", "split", "defects"}) {
    const auto result = run_hardy(audit(dir, which));
    EXPECT_EQ(result.exit_code, 2) << which << ": " << result.errors;
    EXPECT_THAT(result.errors, HasSubstr("has 1 dialogue; training and testing need")) << which;
  }
}

}  // namespace
}  // namespace hardy
