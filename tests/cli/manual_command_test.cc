// help, completion and manual of the real program; the scripts are read by the installed shells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/files.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace hardy::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ManualCommand, HelpOfACommandIsItsOwnHelp) {
  const auto asked = run_hardy({"help", "data", "check"});
  const auto own = run_hardy({"data", "check", "--help"});
  EXPECT_EQ(asked.exit_code, 0);
  EXPECT_EQ(asked.output, own.output);
  EXPECT_EQ(run_hardy({"help"}).output, run_hardy({"--help"}).output);
}

TEST(ManualCommand, HelpOfAnUnknownCommandNamesTheNearest) {
  const auto result = run_hardy({"help", "dta"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("did you mean 'data'"));
}

TEST(ManualCommand, BashCompletesCommandsAndTheirOptions) {
  if (!std::filesystem::exists("/bin/bash")) GTEST_SKIP() << "bash is not there";
  const TempDir folder;
  const auto script = run_hardy({"completion", "bash"});
  ASSERT_EQ(script.exit_code, 0);
  EXPECT_THAT(script.output, Not(HasSubstr("answer-recordings"))) << "a helper, not for people";
  write_file_atomically(folder.path() / "hardy.bash", script.output);
  const auto completes = [&](const std::string& words, int at) {
    const auto out = folder.path() / "out";
    const std::string line = "/bin/bash -c 'source " + (folder.path() / "hardy.bash").string() +
                             "; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(at) +
                             "; _hardy; echo ${COMPREPLY[@]}' > " + out.string();
    EXPECT_EQ(std::system(line.c_str()), 0);
    return read_text_file(out, 1 << 20);
  };
  EXPECT_THAT(completes("hardy pre", 1), HasSubstr("predict"));
  EXPECT_THAT(completes("hardy data ch", 2), HasSubstr("check"));
  EXPECT_THAT(completes("hardy run --se", 2), HasSubstr("--seeds"));
  EXPECT_THAT(completes("hardy run /tmp/x --se", 3), HasSubstr("--seeds"));
}

TEST(ManualCommand, OtherShellsAreNamedInTheError) {
  EXPECT_EQ(run_hardy({"completion", "fish"}).exit_code, 0);
  EXPECT_THAT(run_hardy({"completion", "zsh"}).output, HasSubstr("#compdef hardy"));
  const auto result = run_hardy({"completion", "tcsh"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("bash, zsh and fish"));
}

TEST(ManualCommand, TheManualNamesEveryCommandAndNoLineIsATroffCommandByAccident) {
  const auto manual = run_hardy({"manual"});
  ASSERT_EQ(manual.exit_code, 0);
  for (const char* command : {"run", "predict", "data check", "serve", "completion"}) {
    EXPECT_THAT(manual.output, HasSubstr(std::string(".SS hardy ") + command));
  }
  EXPECT_THAT(manual.output, HasSubstr(".SH EXIT STATUS"));
}

}  // namespace
}  // namespace hardy::test
