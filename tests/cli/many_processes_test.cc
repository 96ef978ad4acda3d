// Many real processes that share a cache, a run folder, or a run's work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/shared_files.h"
#include "pipeline/stage_cache.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using test::ProgramOptions;
using test::ProgramResult;
using test::run_hardy;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::vector<std::string>;

/// A tiny corpus; `majority` trains on it in about the start-up time of a process.
class ManyProcesses : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto made = run_hardy({"data", "synth", corpus(), "--sessions", "3", "--dialogues", "3",
                                 "--modalities", "2", "--widths", "m1=8,m2=8"});
    ASSERT_EQ(made.exit_code, 0) << made.errors;
  }

  static void TearDownTestSuite() { folder().reset(); }

  static std::unique_ptr<TempDir>& folder() {
    static auto made = std::make_unique<TempDir>();
    return made;
  }

  static std::string corpus() { return (folder()->path() / "corpus").string(); }

  /// `more` replaces options of the same name.
  static Words with(Words words, const Words& more) {
    for (const auto& word : more) {
      const auto held =
          std::find(words.begin(), words.end(), word == "--no-cache" ? "--cache" : word);
      if (word.starts_with("--") && word != "--set" && held != words.end()) {
        words.erase(held, held + 2);
      }
    }
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  Words cheap_run(const std::string& out, const Words& more = {}) const {
    return with({"run", corpus(), "--method", "majority", "--out", at(out), "--cache", at("cache"),
                 "--quiet", "--jobs", "1"},
                more);
  }

  /// HARDY-MER, small; two seeds and three folds.
  Words training_run(const std::string& out, const Words& more = {}) const {
    Words words = {"run",     corpus(),  "--preset", "quick", "--out",  at(out), "--quiet",
                   "--track", "unified", "--seeds",  "1-2",   "--jobs", "1"};
    for (const char* setting : {"hardymer.recogniser.encoder.hidden=8",
                                "hardymer.hardness.encoder.hidden=8", "hardymer.tuning.epochs=2"}) {
      words.insert(words.end(), {"--set", setting});
    }
    return with(words, more);
  }

  std::string at(const std::string& name) const { return (dir / name).string(); }

  TempDir dir;
};

std::vector<ProgramResult> run_at_once(const std::vector<Words>& commands,
                                       const ProgramOptions& options = {}) {
  std::vector<ProgramResult> results(commands.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = run_hardy(commands[i], options); });
  }
  threads.clear();
  return results;
}

/// The bytes shared by equal runs, in one text.
std::string bytes_of(const fs::path& run) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const auto name = fs::relative(entry.path(), run).string();
    const bool is_own = name.starts_with("stages") || name.starts_with("shards") ||
                        name.find("timings.json") != std::string::npos;
    if (entry.is_regular_file() && !is_own) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string all;
  for (const auto& file : files) {
    all += fs::relative(file, run).string() + "\n" + read_text_file(file) + "\n";
  }
  return all;
}

int temporaries_in(const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (is_temporary_name(entry.path().filename().string())) ++count;
  }
  return count;
}

std::vector<fs::path> entries_of(const fs::path& cache) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::recursive_directory_iterator(cache)) {
    if (entry.path().extension() == ".safetensors") entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

TEST_F(ManyProcesses, OfFourAtOnceInOneRunFolderOneWritesAndTheOthersNameIt) {
  ASSERT_EQ(run_hardy(cheap_run("expected", {"--cache", at("other")})).exit_code, 0);
  const std::string expected = bytes_of(dir / "expected");
  for (int round = 0; round < 4; ++round) {
    const std::string out = "run" + std::to_string(round);
    int finished = 0;
    for (const auto& result : run_at_once(std::vector<Words>(4, cheap_run(out)))) {
      if (result.exit_code == 0) {
        ++finished;
        continue;
      }
      EXPECT_EQ(result.exit_code, 6) << result.errors;
      EXPECT_THAT(result.errors, HasSubstr("writes into this folder"));
    }
    EXPECT_GE(finished, 1);
    EXPECT_EQ(bytes_of(dir / out), expected);
    EXPECT_EQ(temporaries_in(dir / out), 0);
  }
}

TEST_F(ManyProcesses, SharingACacheEachWritesItsOwnFolder) {
  for (int round = 0; round < 3; ++round) {
    std::vector<Words> commands;
    for (int i = 0; i < 6; ++i) {
      commands.push_back(cheap_run(std::to_string(round) + "-" + std::to_string(i),
                                   {"--cache", at("cache" + std::to_string(round))}));
    }
    for (const auto& result : run_at_once(commands))
      ASSERT_EQ(result.exit_code, 0) << result.errors;
    for (int i = 1; i < 6; ++i) {
      EXPECT_EQ(bytes_of(dir / (std::to_string(round) + "-" + std::to_string(i))),
                bytes_of(dir / (std::to_string(round) + "-0")));
    }
    EXPECT_EQ(temporaries_in(dir / ("cache" + std::to_string(round))), 0);
  }
}

TEST_F(ManyProcesses, ContainersWithEqualProcessNumbersShareACache) {
  if (std::system("unshare --fork --pid --mount-proc true 2>/dev/null") != 0) {
    GTEST_SKIP() << "PID namespaces are not permitted here";
  }
  for (int round = 0; round < 3; ++round) {
    std::vector<int> codes(6, -1);
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < codes.size(); ++i) {
        threads.emplace_back([&, i] {
          auto line =
              std::string("exec unshare --fork --pid --mount-proc ") + test::hardy_program();
          const auto name = "c" + std::to_string(round) + "-" + std::to_string(i);
          for (const auto& word : cheap_run(name)) line += " '" + word + "'";
          codes[i] = std::system((line + " >/dev/null 2>" + at(name + ".errors")).c_str());
        });
      }
    }
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto name = "c" + std::to_string(round) + "-" + std::to_string(i);
      EXPECT_EQ(codes[i], 0) << read_text_file(dir / (name + ".errors"));
    }
    fs::remove_all(dir / "cache");
  }
}

TEST_F(ManyProcesses, ALiveRunIsNeitherOverwrittenNorDisturbed) {
  const Words more = {"--no-cache", "--seeds", "1-24"};  // long enough to be observed while it runs
  ASSERT_EQ(run_hardy(training_run("expected", more)).exit_code, 0);
  ProgramResult live;
  std::jthread first([&] { live = run_hardy(training_run("run", more)); });
  while (!fs::exists(dir / "run" / "manifest.json")) ::usleep(2000);
  const auto other = run_hardy(cheap_run("run"));
  EXPECT_EQ(other.exit_code, 2) << other.errors;  // it holds another run
  const auto overwriting = run_hardy(cheap_run("run", {"--overwrite"}));
  EXPECT_EQ(overwriting.exit_code, 6);
  EXPECT_THAT(overwriting.errors, HasSubstr("writes into this folder"));
  first.join();
  EXPECT_EQ(live.exit_code, 0) << live.errors;
  EXPECT_EQ(bytes_of(dir / "run"), bytes_of(dir / "expected"));
}

TEST_F(ManyProcesses, ARunFolderRemovedWhileItIsWrittenIsAnError) {
  ProgramResult live;
  std::jthread first([&] { live = run_hardy(training_run("run", {"--cache", at("cache")})); });
  while (!fs::exists(dir / "run" / "manifest.json")) ::usleep(2000);
  std::error_code ignored;  // the run may write during the removal
  for (int i = 0; i < 100 && fs::exists(dir / "run" / "owner.json"); ++i) {
    fs::remove_all(dir / "run", ignored);
  }
  first.join();
  EXPECT_EQ(live.exit_code, 6);
  EXPECT_THAT(live.errors, HasSubstr("removed or moved away"));
}

TEST_F(ManyProcesses, SwappedAndUnreadableCacheEntriesChangeNothing) {
  const Words more = {"--cache", at("cache")};
  ASSERT_EQ(run_hardy(training_run("expected", more)).exit_code, 0);
  const auto entries = entries_of(dir / "cache");
  ASSERT_GE(entries.size(), 6U);
  for (std::size_t i = 0; i + 1 < entries.size(); i += 2) {
    const auto aside = dir / "aside";
    fs::rename(entries[i], aside);
    fs::rename(entries[i + 1], entries[i]);
    fs::rename(aside, entries[i + 1]);
  }
  const auto swapped = run_hardy(training_run("swapped", more));
  ASSERT_EQ(swapped.exit_code, 0) << swapped.errors;
  EXPECT_EQ(bytes_of(dir / "swapped"), bytes_of(dir / "expected"));
  for (std::size_t i = 0; i < entries.size(); i += 3) test::put_file(entries[i], "not a tensor");
  const auto damaged = run_hardy(training_run("damaged", more));
  ASSERT_EQ(damaged.exit_code, 0) << damaged.errors;
  EXPECT_EQ(bytes_of(dir / "damaged"), bytes_of(dir / "expected"));
}

TEST_F(ManyProcesses, WithoutAHomeNothingLiesWhereOthersCanPutIt) {
  fs::create_directories(dir / "tmp");
  Words words = cheap_run("run");
  words.erase(words.begin() + 6, words.begin() + 8);  // --cache
  const ProgramOptions options = {
      .variables = {{"HOME", ""}, {"XDG_CACHE_HOME", ""}, {"TMPDIR", at("tmp")}}};
  const auto result = run_hardy(words, options);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(fs::is_empty(dir / "tmp"));
  EXPECT_TRUE(fs::exists(dir / "run" / "stages"));
  EXPECT_EQ(run_hardy({"cache", "info"}, options).exit_code, 2);
}

TEST_F(ManyProcesses, ThePlaceOfTheDataIsInNoModelAndNoManifest) {
  Words relative = training_run("relative", {"--no-cache", "--seeds", "1"});
  relative[1] = "corpus";
  ASSERT_EQ(run_hardy(relative, {.folder = folder()->path()}).exit_code, 0);
  ASSERT_EQ(run_hardy(training_run("whole", {"--no-cache", "--seeds", "1"})).exit_code, 0);
  EXPECT_EQ(bytes_of(dir / "relative"), bytes_of(dir / "whole"));
  for (const auto& entry : fs::recursive_directory_iterator(dir / "whole")) {
    const auto name = entry.path().filename();
    if (!entry.is_regular_file() || name == "location.json") continue;
    EXPECT_EQ(read_text_file(entry.path()).find(folder()->path().string()), std::string::npos)
        << entry.path();
  }
  const auto again = run_hardy({"evaluate", at("relative"), "--quiet"}, {.folder = dir.path()});
  EXPECT_EQ(again.exit_code, 0) << again.errors;
  const auto model = at("whole/models/unified-fold0-seed1.safetensors");
  const auto alone = run_hardy({"evaluate", model, "--quiet"});
  EXPECT_EQ(alone.exit_code, 3);
  EXPECT_THAT(alone.errors, HasSubstr("name the folder of its corpus"));
  EXPECT_EQ(run_hardy({"evaluate", model, corpus(), "--quiet"}).exit_code, 0);
}

TEST_F(ManyProcesses, ShardsMakeTheBytesOfOneProcessWhateverDies) {
  ASSERT_EQ(run_hardy(training_run("expected", {"--no-cache"})).exit_code, 0);
  const Words shared = {"--cache", at("cache")};
  const auto shard = [&](const std::string& which, Words more = {}) {
    Words words = training_run("out", shared);
    words.insert(words.end(), {"--shard", which});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  ProgramOptions killed;
  killed.interrupt_when = [&] { return fs::exists(dir / "cache"); };
  killed.signal = SIGKILL;
  EXPECT_NE(run_hardy(shard("1/3"), killed).exit_code, 0);
  for (const auto& result : run_at_once({shard("0/3"), shard("2/3"), shard("2/3")})) {
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }
  Words collect = training_run("out", shared);
  collect.emplace_back("--from-cache");
  const auto early = run_hardy(collect);
  EXPECT_EQ(early.exit_code, 4);
  EXPECT_THAT(early.errors, HasSubstr("fold 1, seed 2: unified"));
  EXPECT_THAT(early.errors, HasSubstr("2 of shard 1/3"));
  EXPECT_FALSE(fs::exists(dir / "out" / "results.json"));

  const auto status = run_hardy({"status", at("out"), "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.errors;
  const auto json = nlohmann::json::parse(status.output);
  EXPECT_EQ(json.at("missing_fits"), 2);
  EXPECT_EQ(json.at("divisions")[0].at("states").at("done"), 2);
  EXPECT_EQ(json.at("divisions")[0].at("count"), 3);

  const auto missing = run_hardy({"submit", "--print", "--missing", "--", "run", corpus(), "--out",
                                  at("out"), "--cache", at("cache")});
  EXPECT_EQ(missing.exit_code, 0) << missing.errors;
  EXPECT_THAT(missing.output, HasSubstr("--shard 1/3"));
  EXPECT_THAT(missing.output, Not(HasSubstr("--shard 0/3")));

  ASSERT_EQ(run_hardy(shard("1/3")).exit_code, 0);
  const auto late = run_hardy(collect);
  ASSERT_EQ(late.exit_code, 0) << late.errors;
  EXPECT_EQ(bytes_of(dir / "out"), bytes_of(dir / "expected"));
  const auto timings = nlohmann::json::parse(read_text_file(dir / "out" / "timings.json"));
  EXPECT_EQ(timings.at("cache").at("misses"), 0);
}

TEST_F(ManyProcesses, StagesAndFitsMayBeDividedApart) {
  const Words more = {"--track", "specialist", "--seeds", "1", "--no-cache"};
  ASSERT_EQ(run_hardy(training_run("expected", more)).exit_code, 0);
  const auto part = [&](const std::string& which, const std::string& name) {
    return training_run("out", {"--track", "specialist", "--seeds", "1", "--cache", at("cache"),
                                "--shard", which, "--part", name});
  };
  for (const auto& result : run_at_once({part("0/2", "stages"), part("1/2", "stages")})) {
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }
  const auto before = entries_of(dir / "cache").size();
  for (const auto& result : run_at_once(
           {part("0/4", "fits"), part("1/4", "fits"), part("2/4", "fits"), part("3/4", "fits")})) {
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }
  EXPECT_GE(entries_of(dir / "cache").size(), before + 3 * 3);  // folds x conditions
  ASSERT_EQ(run_hardy(training_run("out", {"--track", "specialist", "--seeds", "1", "--cache",
                                           at("cache"), "--from-cache"}))
                .exit_code,
            0);
  EXPECT_EQ(bytes_of(dir / "out"), bytes_of(dir / "expected"));
}

TEST_F(ManyProcesses, AComparisonIsCollectedToTheSameBytes) {
  const auto compare = [&](const std::string& out, const Words& more) {
    Words words = {"compare",  corpus(), "--methods", "majority,early_linear", "--track", "unified",
                   "--preset", "quick",  "--quiet",   "--no-estimate",         "--jobs",  "1",
                   "--out",    at(out)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  ASSERT_EQ(run_hardy(compare("expected", {})).exit_code, 0);
  for (const auto& result :
       run_at_once({compare("out", {"--shard", "0/2"}), compare("out", {"--shard", "1/2"})})) {
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }
  const auto collected = run_hardy(compare("out", {"--from-cache"}));
  ASSERT_EQ(collected.exit_code, 0) << collected.errors;
  EXPECT_EQ(read_text_file(dir / "out" / "test.csv"),
            read_text_file(dir / "expected" / "test.csv"));
  const auto tuned = run_hardy(compare("tuned", {"--tune", "2", "--shard", "0/2"}));
  EXPECT_EQ(tuned.exit_code, 2);
}

TEST_F(ManyProcesses, AComparisonUnderMasksIsCollectedToTheSameBytes) {
  const auto compare = [&](const std::string& out, const std::string& cache, const Words& more) {
    Words words = {"compare",   corpus(),
                   "--methods", "majority,early_linear",
                   "--track",   "unified",
                   "--preset",  "quick",
                   "--missing", "rate=.3; at=both",
                   "--quiet",   "--no-estimate",
                   "--jobs",    "1",
                   "--out",     at(out),
                   "--cache",   at(cache)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  ASSERT_EQ(run_hardy(compare("expected", "one", {})).exit_code, 0);
  for (const auto& result : run_at_once({compare("out", "shared", {"--shard", "0/2"}),
                                         compare("out", "shared", {"--shard", "1/2"})})) {
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }
  const auto collected = run_hardy(compare("out", "shared", {"--from-cache"}));
  ASSERT_EQ(collected.exit_code, 0) << collected.errors;
  for (const char* method : {"majority", "early_linear"}) {
    EXPECT_EQ(read_text_file(dir / "out" / method / "results.json"),
              read_text_file(dir / "expected" / method / "results.json"));
  }
  EXPECT_THAT(read_text_file(dir / "out" / "test.csv"), HasSubstr("rate=0.3"));
}

TEST_F(ManyProcesses, AnInstructionSetIsPinnedBeforeLibrariesLook) {
  const auto numerics = [&](const std::string& out) {
    return nlohmann::json::parse(read_text_file(dir / out / "manifest.json"))
        .at("numerics")
        .get<std::string>();
  };
  ASSERT_EQ(run_hardy(cheap_run("own")).exit_code, 0);
  ASSERT_EQ(run_hardy(cheap_run("old", {"--isa", "sse4"})).exit_code, 0);
  EXPECT_THAT(numerics("old"), HasSubstr("Nehalem"));
  EXPECT_NE(numerics("own"), numerics("old"));
  const auto mixed = run_hardy(cheap_run("own", {"--isa", "sse4"}));
  EXPECT_EQ(mixed.exit_code, 2);
  EXPECT_THAT(mixed.errors, HasSubstr("what computes"));
  const auto misses = [&](const std::string& out) {
    return nlohmann::json::parse(read_text_file(dir / out / "timings.json"))
        .at("cache")
        .at("misses")
        .get<int>();
  };
  EXPECT_GT(misses("own"), 0);
  EXPECT_EQ(misses("old"), misses("own"));  // no entry of the other class was used
}

}  // namespace
}  // namespace hardy
