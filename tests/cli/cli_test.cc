// The real program: help, exit codes, misspelt words, wrong paths, settings, cache, data commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "hardy/config.h"
#include "hardy/version.h"
#include "methods/hardymer/settings.h"
#include "pipeline/stage_cache.h"
#include "tests/cli/program.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::ProgramResult;
using test::put_file;
using test::run_hardy;
using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// Expects a failure: exit code, nothing on standard output, one line on standard error.
void expect_failure(const ProgramResult& result, int code, const std::string& text) {
  EXPECT_EQ(result.exit_code, code) << result.errors;
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_THAT(result.errors, AllOf(StartsWith("hardy: error: "), HasSubstr(text)));
  EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
}

TEST(Program, HelpNamesEveryCommandAndGoesToStandardOutput) {
  const auto result = run_hardy({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.errors, IsEmpty());
  for (const char* command :
       {"run", "train", "evaluate", "stats", "report", "data", "config", "cache"}) {
    EXPECT_THAT(result.output, HasSubstr(std::string("\n  ") + command + " ")) << command;
    const auto help = run_hardy({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.output, HasSubstr("Usage:")) << command;
  }
  EXPECT_THAT(run_hardy({"run", "--help"}).output, HasSubstr("Examples:"));
}

/// Commands of a help text, behind `path`.
std::vector<std::vector<std::string>> commands_of(const std::string& help,
                                                  const std::vector<std::string>& path) {
  std::vector<std::vector<std::string>> commands;
  std::istringstream lines(help.substr(std::min(help.find("Subcommands:"), help.size())));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && !line.empty()) {
    if (line.starts_with("   ")) continue;  // more of a description
    commands.push_back(path);
    commands.back().push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return commands;
}

TEST(Program, HelpOfEveryCommandFitsEightyColumns) {
  std::vector<std::vector<std::string>> commands = {{}};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    auto arguments = commands[i];
    arguments.emplace_back("--help");
    const auto help = run_hardy(arguments).output;
    for (const auto& command : commands_of(help, commands[i])) commands.push_back(command);
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
    EXPECT_THAT(help, Not(HasSubstr("\n\n\n")));
  }
  EXPECT_THAT(commands, Contains(std::vector<std::string>{"data", "convert"}));
  EXPECT_GT(commands.size(), 30U);
}

TEST(Program, HelpOfOptionsSaysValueGroupDefaultAndNeed) {
  const auto help = run_hardy({"run", "--help"}).output;
  EXPECT_THAT(help, HasSubstr("\nSettings:\n  --preset NAME             Where all settings start"));
  EXPECT_THAT(help, HasSubstr("Results stay the same (default 30)\n"));
  EXPECT_THAT(help, HasSubstr("stages or fits (with\n                            --shard)\n"));
  EXPECT_THAT(help, Not(HasSubstr("TEXT")));
}

TEST(Program, WhatDoesNotTrainLinksNoLibtorch) {
  std::FILE* pipe = ::popen((std::string("ldd ") + test::hardy_program()).c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string libraries;
  char block[4096];
  while (const auto count = std::fread(block, 1, sizeof block, pipe))
    libraries.append(block, count);
  ASSERT_EQ(::pclose(pipe), 0);
  // Addresses are random hexadecimal digits, which may contain a searched name.
  libraries = std::regex_replace(libraries, std::regex("\\(0x[0-9a-f]+\\)"), "");
  EXPECT_THAT(libraries, HasSubstr("libc.so"));
  EXPECT_THAT(libraries,
              AllOf(Not(HasSubstr("torch")), Not(HasSubstr("faiss")), Not(HasSubstr("c10"))));
}

TEST(Program, StartsWithinFiftyMilliseconds) {
  const auto cpu_of_children = [] {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  for (const char* command : {"data", "predict", "explain", "serve"}) {
    // The least CPU time of five runs, which other programs hardly affect.
    double least = 1;
    for (int i = 0; i < 5; ++i) {
      const double before = cpu_of_children();
      EXPECT_EQ(run_hardy({command, "--help"}).exit_code, 0);
      least = std::min(least, cpu_of_children() - before);
    }
    EXPECT_LT(least, test::kIsSanitized ? 1.0 : 0.05) << command;
  }
}

TEST(Program, VersionIsTheLibrarys) {
  const auto result = run_hardy({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, StartsWith("hardy " + program_version() + "\n"));
  EXPECT_THAT(result.output, AllOf(HasSubstr("\ncompiler   "), HasSubstr("\nkernels    "),
                                   HasSubstr("\ntraining   ")));
}

TEST(Program, WithoutArgumentsPrintsHelpAndReturnsTwo) {
  const auto result = run_hardy({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("Usage:"));
}

TEST(Program, MisspeltCommandsAndOptionsGetTheNearest) {
  expect_failure(run_hardy({"rnu"}), 2, "unknown command 'rnu'; did you mean 'run'?");
  expect_failure(run_hardy({"run", "--sed", "3"}), 2, "did you mean '--seed'?");
  expect_failure(run_hardy({"run", "--condition=a"}), 2, "did you mean '--conditions'?");
  expect_failure(run_hardy({"cache", "cler"}), 2,
                 "unknown cache command 'cler'; did you mean 'clear'?");
  expect_failure(run_hardy({"audit", "leek", "--out", "x"}), 2,
                 "unknown audit command 'leek'; did you mean 'leak'?; `hardy audit --help`");
  expect_failure(run_hardy({"data", "chek"}), 2, "did you mean 'check'?");
  expect_failure(run_hardy({"bundle", "nothing-like-it"}), 2,
                 "unknown bundle command 'nothing-like-it'; `hardy bundle --help`");
  expect_failure(run_hardy({"data", "info", "--jsn"}), 2,
                 "did you mean '--json'?; `hardy data info --help`");
  expect_failure(run_hardy({"config", "explain"}), 2, "did you mean '--explain'?");
  expect_failure(run_hardy({"reproduce", "tabel2"}), 2, "did you mean 'table2'?");
  expect_failure(run_hardy({"reproduce", "table2", "--patience", "3"}), 2, "only table1");
  expect_failure(run_hardy({"data", "synth", "x", "--format", "plian"}), 2,
                 "did you mean 'plain'?");
  expect_failure(run_hardy({"config", "--explian"}), 2, "did you mean '--explain'?");
  expect_failure(run_hardy({"run", "--quite-unlike-anything"}), 2, "`hardy run --help`");
}

TEST(Program, ACommandWithoutItsSecondWordListsThem) {
  expect_failure(run_hardy({"audit"}), 2, "hardy audit needs a command: defects, leak, split");
  expect_failure(run_hardy({"data", "--jobs"}), 2, "info, check, convert, synth");
  expect_failure(run_hardy({"cache"}), 2, "hardy cache needs a command: info, clear");
}

TEST(Program, AFullDiskOnStandardOutputIsNoticed) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full on this system";
  const auto result =
      run_hardy({"config"}, {.folder = {}, .variables = {}, .output_file = "/dev/full"});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.errors, HasSubstr("standard output cannot be written"));
  for (const char* option : {"--version", "--help"}) {
    const auto said =
        run_hardy({option}, {.folder = {}, .variables = {}, .output_file = "/dev/full"});
    EXPECT_EQ(said.exit_code, 6) << option;
    EXPECT_THAT(said.errors, HasSubstr("standard output cannot be written")) << option;
  }
}

TEST(Program, AnErrorIsOneLineWhateverAPathHolds) {
  expect_failure(run_hardy({"data", "info", "no\nsuch\rfolder"}), 3, "no?such?folder");
  expect_failure(run_hardy({"data", "info", "caf\xE9"}), 3, "caf\\xE9");
  expect_failure(run_hardy({"run\nx"}), 2, "unknown command 'run?x'");
}

TEST(Program, ReadsHdf5WithTheLibraryItWasLinkedWith) {
  const TempDir dir;
  std::filesystem::copy_file(test::fuzz_corpus_dir() / "hdf5" / "seed_merged", dir / "merged.h5");
  const auto result = run_hardy({"data", "info", (dir / "merged.h5").string()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("merged HDF5"));
}

TEST(Program, AFileAtTheLimitOfItsSizeIsAnError) {
  const TempDir dir;
  const auto result = run_hardy(
      {"data", "synth", (dir.path() / "corpus").string()},
      {.folder = {}, .variables = {}, .output_file = {}, .input_file = {}, .largest_file = 4096});
  expect_failure(result, 6, "ulimit -f");
}

TEST(CheckCommand, RefusesWhatIsNoRunFolderAndVerifiesOldRuns) {
  const TempDir dir;
  expect_failure(run_hardy({"check", dir.path().string()}), 4, "no manifest.json");
  const auto old_run = test::fixtures_dir() / "run_folder_v1";
  std::filesystem::copy(old_run, dir.path() / "run", std::filesystem::copy_options::recursive);
  const auto sound = run_hardy({"check", (dir.path() / "run").string()});
  EXPECT_EQ(sound.exit_code, 0) << sound.errors;
  EXPECT_THAT(sound.output, HasSubstr("written without checksums (hardy 0.1)"));
  std::string results = read_text_file(dir.path() / "run" / "results.json");
  const auto at = results.find("\"wa\": 0.") + 8;
  results[at] = results[at] == '1' ? '2' : '1';
  put_file(dir.path() / "run" / "results.json", results);
  const auto damaged = run_hardy({"check", (dir.path() / "run").string()});
  EXPECT_EQ(damaged.exit_code, 4);
  EXPECT_THAT(damaged.output, HasSubstr("the predictions give"));
}

TEST(ConfigCommand, PrintsTomlThatReadsBack) {
  const auto result = run_hardy({"config", "--preset", "quick", "--set", "retrieval.k=9"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  Config expected = make_preset("quick");
  hardymer_settings(expected).retrieval.k = 9;
  EXPECT_EQ(result.output, config_toml(expected));
  const TempDir folder;
  put_file(folder / "c.toml", result.output);
  EXPECT_EQ(run_hardy({"config", "--config", (folder / "c.toml").string()}).output, result.output);
}

TEST(ConfigCommand, SetWinsOverTheFile) {
  const TempDir folder;
  put_file(folder / "c.toml", "[retrieval]\nk = 2\n[hardness]\nbeta = 1\n");
  const auto result = run_hardy(
      {"config", "--set", "retrieval.k=7", "--config", "c.toml", "--set", "run.seeds=1-3"},
      {.folder = folder.path(), .variables = {}});
  EXPECT_THAT(result.output, AllOf(HasSubstr("\nk = 7\n"), HasSubstr("\nbeta = 1.0\n"),
                                   HasSubstr("\nseeds = [1, 2, 3]\n")));
}

TEST(ConfigCommand, ExplainsOneSettingATableOrAll) {
  const auto one = run_hardy({"config", "--explain", "hardness.alpha1"});
  EXPECT_THAT(one.output,
              AllOf(StartsWith("hardymer.hardness.alpha1 (advanced)\n"), HasSubstr("allowed: 0..1"),
                    HasSubstr("Effect:"), Not(HasSubstr("alpha2"))));
  const auto table = run_hardy({"config", "--explain", "retrieval"});
  EXPECT_THAT(table.output,
              AllOf(HasSubstr("retrieval.k\n"), HasSubstr("retrieval.metric (advanced)\n"),
                    Not(HasSubstr("hardness.beta\n"))));
  EXPECT_THAT(run_hardy({"config", "--explain"}).output, HasSubstr("\nrun.models"));
  expect_failure(run_hardy({"config", "--explain", "alpa1"}), 2, "unknown field");
  expect_failure(run_hardy({"config", "--explain", "hardness.alpa1"}), 2,
                 "did you mean 'hardymer.hardness.alpha1'?");
}

TEST(ConfigCommand, PrintsOneValueOrATable) {
  EXPECT_EQ(run_hardy({"config", "hardymer.retrieval.k", "--set", "hardymer.retrieval.k=3"}).output,
            "3\n");
  EXPECT_THAT(run_hardy({"config", "hardymer.retrieval"}).output,
              HasSubstr("hardymer.retrieval.k = 5"));
  EXPECT_THAT(run_hardy({"config", "momke"}).output, StartsWith("momke."));
  EXPECT_EQ(run_hardy({"config", "--diff"}).output, "# no setting differs from the defaults\n");
  EXPECT_THAT(run_hardy({"config", "--set", "run.seeds=7", "--diff"}).output,
              HasSubstr("run.seeds = [7]  # the defaults: "));
  const auto unknown = run_hardy({"config", "hardymer.retrieval.kk"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.errors, HasSubstr("did you mean"));
}

TEST(ConfigCommand, SearchFindsSettingsByAWordOfTheirMeaning) {
  const auto found = run_hardy({"config", "--search", "NEIGHBOUR"});
  EXPECT_EQ(found.exit_code, 0);
  EXPECT_THAT(found.output, HasSubstr("hardymer.retrieval.k = "));
  EXPECT_EQ(run_hardy({"config", "--search", "no such thing"}).exit_code, 2);
}

TEST(ConfigCommand, DocumentationIsUpToDate) {
  const auto result = run_hardy({"config", "--markdown"});
  EXPECT_EQ(result.output, read_text_file(test::source_dir() / "docs/config.md"))
      << "docs/config.md is stale: write it anew with `hardy config --markdown > docs/config.md`";
}

TEST(ConfigCommand, ErrorsNameFileLineAndRemedy) {
  const TempDir folder;
  put_file(folder / "c.toml", "[hardness]\nalpa1 = 1\n");
  const test::ProgramOptions here = {.folder = folder.path(), .variables = {}};
  expect_failure(run_hardy({"config", "--config", "c.toml"}, here), 2,
                 "c.toml:2:1: unknown field 'hardymer.hardness.alpa1'; did you mean "
                 "'hardymer.hardness.alpha1'?");
  expect_failure(run_hardy({"config", "--config", "absent.toml"}, here), 2, "absent.toml");
  expect_failure(run_hardy({"config", "--config", "."}, here), 2, "not a regular file");
  expect_failure(run_hardy({"config", "--set", "retrieval.k=0"}), 2, "is below 1");
  expect_failure(run_hardy({"config", "--set", "retrieval.k"}), 2, "key=value");
  expect_failure(run_hardy({"config", "--preset", "publised"}), 2, "did you mean 'published'?");
  put_file(folder / "p.toml", "preset = \"quick\"\n");
  expect_failure(run_hardy({"config", "--config", "p.toml", "--preset", "published"}, here), 2,
                 "contradicts");
}

TEST(CacheCommand, CountsAndClearsTheUsersCache) {
  const TempDir folder;
  const test::ProgramOptions options = {.folder = {},
                                        .variables = {{"XDG_CACHE_HOME", folder.path().string()}}};
  EXPECT_THAT(run_hardy({"cache", "info"}, options).output,
              AllOf(StartsWith((folder / "hardy").string()), HasSubstr("holds 0 stage results")));
  StageCache cache(folder / "hardy");
  TensorFile file;
  file.add("x", {1}, std::vector<float>{1});
  cache.store(stage_key("s", 1, {}), file);
  const auto json = nlohmann::json::parse(run_hardy({"cache", "info", "--json"}, options).output);
  EXPECT_EQ(json["results"], 1);
  EXPECT_EQ(json["folder"], (folder / "hardy").string());
  EXPECT_THAT(run_hardy({"cache", "clear"}, options).output, HasSubstr("removed 1 stage results"));
  EXPECT_EQ(cache_contents(folder / "hardy").results, 0);
  expect_failure(run_hardy({"cache"}), 2, "needs a command");
}

TEST(CacheCommand, TakesAnotherFolderAndFallsBackToHome) {
  const TempDir folder;
  EXPECT_THAT(run_hardy({"cache", "info", "--cache", folder.path().string()}).output,
              StartsWith(folder.path().string()));
  const test::ProgramOptions home = {
      .folder = {}, .variables = {{"XDG_CACHE_HOME", ""}, {"HOME", folder.path().string()}}};
  EXPECT_THAT(run_hardy({"cache", "info"}, home).output,
              StartsWith((folder / ".cache" / "hardy").string()));
}

TEST(TrainingOptions, RefuseWrongPathsAndSettingsBeforeTraining) {
  const TempDir folder;
  const test::ProgramOptions here = {.folder = folder.path(), .variables = {}};
  put_file(folder / "file", "x");
  for (const char* command : {"run", "train"}) {
    expect_failure(run_hardy({command, "no/such/corpus"}, here), 3,
                   "no/such/corpus: no such folder");
    expect_failure(run_hardy({command, "file"}, here), 3, "is no corpus");
    expect_failure(run_hardy({command, "--seeds", "5-1"}, here), 2, "run.seeds");
    expect_failure(run_hardy({command, "--seeds", "1,1"}, here), 2, "names 1 twice");
    expect_failure(run_hardy({command, "--jobs", "many"}, here), 2, "run.jobs");
    expect_failure(run_hardy({command, "--device", "tpu"}, here), 2, "cpu | cuda");
    expect_failure(run_hardy({command, "--track", "unifid"}, here), 2, "did you mean 'unified'?");
    expect_failure(run_hardy({command, "--cache", "x", "--no-cache"}, here), 2, "--no-cache");
    expect_failure(run_hardy({command, "--set", "hardness.encoder.heads=3"}, here), 2,
                   "not a multiple");
  }
  expect_failure(run_hardy({"train", "--fold", "0"}, here), 2, "counted from 1");
  expect_failure(run_hardy({"evaluate"}, here), 2, "RUN_OR_MODEL");
  expect_failure(run_hardy({"evaluate", "absent"}, here), 4, "absent: no such run folder");
  expect_failure(run_hardy({"evaluate", ".", "no/corpus"}, here), 3, "no such folder");
  expect_failure(run_hardy({"evaluate", ".", "--set", "hardness.beta=1"}, here), 2, "only data.*");
  EXPECT_EQ(test::entry_count(folder.path()), 1) << "nothing may be left behind";
}

TEST(DataCommands, WrongPathsAreDataErrors) {
  const TempDir folder;
  const test::ProgramOptions here = {.folder = folder.path(), .variables = {}};
  for (const char* command : {"info", "check"}) {
    const auto result = run_hardy({"data", command, "no/such/corpus"}, here);
    EXPECT_EQ(result.exit_code, 3) << command << result.errors;
    EXPECT_THAT(result.errors, HasSubstr("no/such/corpus")) << command;
  }
  expect_failure(run_hardy({"data", "inof"}), 2, "did you mean 'info'?");
}

TEST(DataCommands, ASynthesisedCorpusIsSoundAndCalledSynthetic) {
  const TempDir folder;
  const test::ProgramOptions here = {.folder = folder.path(), .variables = {}};
  const auto made = run_hardy({"data", "synth", "demo", "--dialogues", "2"}, here);
  EXPECT_EQ(made.exit_code, 0) << made.errors;
  const auto info = run_hardy({"data", "info", "demo"}, here);
  EXPECT_EQ(info.exit_code, 0) << info.errors;
  EXPECT_THAT(info.output, HasSubstr("synthetic"));
  EXPECT_EQ(run_hardy({"data", "check", "demo"}, here).exit_code, 0);
  put_file(folder / "demo" / "utterances.csv", "id\n");
  EXPECT_EQ(run_hardy({"data", "check", "demo"}, here).exit_code, 3);
}

}  // namespace
}  // namespace hardy
