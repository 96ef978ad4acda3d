// Training and evaluation through the real program: results, resumption, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "pipeline/stage_cache.h"
#include "tests/cli/program.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::ProgramOptions;
using test::run_hardy;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

/// A small corpus on disk and a command that trains on it in about a second.
class TrainingCommands : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto made = run_hardy({"data", "synth", corpus(), "--sessions", "3", "--dialogues", "3",
                                 "--modalities", "2", "--widths", "m1=12,m2=12"});
    ASSERT_EQ(made.exit_code, 0) << made.errors;
  }

  static void TearDownTestSuite() { folder().reset(); }

  static std::unique_ptr<TempDir>& folder() {
    static auto made = std::make_unique<TempDir>();
    return made;
  }

  static std::string corpus() { return (folder()->path() / "corpus").string(); }

  std::vector<std::string> run_command(const std::string& out,
                                       const std::vector<std::string>& more = {},
                                       const std::string& cache = "cache") const {
    std::vector<std::string> words = {"run",      corpus(),
                                      "--preset", "quick",
                                      "--out",    (dir / out).string(),
                                      "--cache",  (dir / cache).string(),
                                      "--quiet",  "--jobs",
                                      "1"};
    for (const char* setting :
         {"recogniser.encoder.hidden=8", "hardness.encoder.hidden=8", "tuning.epochs=2"}) {
      words.insert(words.end(), {"--set", setting});
    }
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  TempDir dir;
};

TEST_F(TrainingCommands, RunPrintsTheTableAndEvaluateRepeatsItFromTheModels) {
  const auto run = run_hardy(run_command("run", {"--json"}));
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const auto first = nlohmann::json::parse(run.output).at("results");
  EXPECT_EQ(first.at("folds").size(), 3U);
  const auto again = run_hardy({"evaluate", (dir / "run").string(), "--json", "--quiet"});
  ASSERT_EQ(again.exit_code, 0) << again.errors;
  const auto second = nlohmann::json::parse(again.output);
  ASSERT_EQ(second.at("scores").size(), first.at("scores").size());
  for (std::size_t i = 0; i < first.at("scores").size(); ++i) {
    EXPECT_EQ(second.at("scores")[i].at("confusion"), first.at("scores")[i].at("confusion")) << i;
  }
}

TEST_F(TrainingCommands, ATrainedModelPredictsSetsFromItsValidationDialogues) {
  const auto run = run_hardy(run_command("run", {"--track", "unified"}));
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const auto model = (dir / "run" / "models" / "unified-fold0-seed1.safetensors").string();
  const auto about = nlohmann::json::parse(run_hardy({"bundle", "info", model}).output);
  ASSERT_EQ(about.at("coverage").size(), 3U) << "one entry per pattern";
  EXPECT_EQ(about["coverage"][0]["dialogues"], 3) << "a session validates";
  const auto result = run_hardy({"predict", model, corpus(), "--coverage", "0.7", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::istringstream lines(result.output);
  for (std::string line; std::getline(lines, line);) {
    const auto answer = nlohmann::json::parse(line);
    EXPECT_EQ(answer.at("coverage"), .7);
    EXPECT_EQ(answer.at("set").at(0), answer.at("label"));
  }
  const auto much = run_hardy({"predict", model, corpus(), "--coverage", "0.9"});
  EXPECT_EQ(much.exit_code, 2);
  EXPECT_THAT(much.errors, HasSubstr("it takes 9 validation dialogues, the model has 3"));
}

TEST_F(TrainingCommands, EvaluateMapsTheClassesOfAnotherCorpus) {
  ASSERT_EQ(
      run_hardy(run_command("run", {"--method", "early_linear", "--track", "unified"})).exit_code,
      0);
  // The same features under other ids and names of classes.
  std::filesystem::copy(corpus(), dir / "other", std::filesystem::copy_options::recursive);
  auto table = read_text_file(dir / "other/utterances.csv");
  for (const auto& [from, to] :
       {std::pair("Ses", "New"), std::pair(",happy", ",joyful"), std::pair(",angry", ",furious")}) {
    for (auto at = table.find(from); at != std::string::npos; at = table.find(from, at + 1)) {
      table.replace(at, std::string(from).size(), to);
    }
  }
  write_file_atomically(dir / "other/utterances.csv", table);
  auto settings = read_text_file(dir / "other/corpus.toml");
  for (const auto& [from, to] : {std::pair("happy", "joyful"), std::pair("angry", "furious")}) {
    const auto at = settings.find(from);
    ASSERT_NE(at, std::string::npos);
    settings.replace(at, std::string(from).size(), to);
  }
  write_file_atomically(dir / "other/corpus.toml", settings);
  std::filesystem::remove(dir / "other/SHA256SUMS");
  const auto evaluate = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"evaluate", (dir / "run").string(), (dir / "other").string(),
                                      "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return run_hardy(words);
  };
  const auto refused = evaluate({});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.errors, HasSubstr("unknown to the model: joyful"));
  EXPECT_THAT(refused.errors, HasSubstr("--map joyful="));
  const auto mapped = evaluate({"--map", "joyful=happy,furious=angry", "--target-statistics"});
  ASSERT_EQ(mapped.exit_code, 0) << mapped.errors;
  EXPECT_THAT(mapped.output, HasSubstr("joyful as happy"));
  EXPECT_THAT(mapped.output, HasSubstr("(--target-statistics)"));
  const auto wrong = evaluate({"--map", "joyous=happy"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(evaluate({"--map", "joyful"}).exit_code, 2);

  const auto shift =
      run_hardy({"data", "shift", (dir / "run").string(), (dir / "other").string(), "--json"});
  ASSERT_EQ(shift.exit_code, 0) << shift.errors;
  const auto modalities = nlohmann::json::parse(shift.output).at("modalities");
  ASSERT_EQ(modalities.size(), 2U);
  // A fold's training part is two of the three sessions of these very features.
  EXPECT_LT(modalities[0].at("mean_difference"), 0.5);
  EXPECT_EQ(modalities[0].at("modality"), "m1");
}

TEST_F(TrainingCommands, StressScoresDamageAndPredictionSetsItAside) {
  ASSERT_EQ(
      run_hardy(run_command("run", {"--method", "early_linear", "--track", "unified"})).exit_code,
      0);
  const auto run = (dir / "run").string();
  const auto stress = run_hardy({"stress", run, "--set-aside", "0.2", "--damage", "noise,scale",
                                 "--severity", "1", "--json", "--quiet"});
  ASSERT_EQ(stress.exit_code, 0) << stress.errors;
  const auto json = nlohmann::json::parse(stress.output);
  EXPECT_EQ(json.at("format"), 1);
  EXPECT_EQ(json.at("models"), 3);
  const auto evaluated = run_hardy({"evaluate", run, "--json", "--quiet"});
  const auto summaries = nlohmann::json::parse(evaluated.output).at("summaries");
  ASSERT_EQ(json.at("modalities").size(), 2U);
  const auto value_of = [&](const std::string& condition) {
    for (const auto& summary : summaries) {
      const bool is_it =
          summary.at("condition") == condition && summary.at("metric") == json.at("metric");
      if (is_it) return summary.at("mean").get<double>();
    }
    return -1.0;
  };
  // The same numbers as training's own evaluation.
  EXPECT_NEAR(json.at("undamaged").at("value").get<double>(), value_of("m1,m2"), 1e-9);
  EXPECT_NEAR(json.at("modalities")[0].at("missing").get<double>(), value_of("m2"), 1e-9);
  const auto scaled = json.at("modalities")[0].at("damaged")[1];
  EXPECT_EQ(scaled.at("damage"), "scale");
  EXPECT_GT(scaled.at("suspected"), 0.8);

  const auto table = run_hardy({"stress", run, "--damage", "swapped", "--quiet"});
  ASSERT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_THAT(table.output, HasSubstr("swapped"));
  EXPECT_EQ(run_hardy({"stress", run, "--damage", "fire"}).exit_code, 2);
  EXPECT_EQ(run_hardy({"stress", run, "--severity", "2"}).exit_code, 2);
  const auto strict = run_hardy({"stress", run, "--set-aside", "0.0001"});
  EXPECT_EQ(strict.exit_code, 2);
  EXPECT_THAT(strict.errors, HasSubstr("too few; the smallest possible is"));

  const auto predicted = run_hardy({"predict", run, corpus(), "--set-aside", "0.2", "--json"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.errors;
  EXPECT_THAT(predicted.output, HasSubstr("\"suspected\":["));
}

TEST_F(TrainingCommands, MessagesNeverEndInFilesThatTookAClosedDescriptor) {
  const auto run_without = [&](const std::string& name, const std::vector<int>& closed) {
    auto words =
        run_command(name, {"--method", "early_linear", "--track", "unified"}, name + "-cache");
    std::erase(words, "--quiet");
    ProgramOptions options;
    options.closed = closed;
    const auto result = run_hardy(words, options);
    EXPECT_EQ(run_hardy({"check", (dir / name).string()}).exit_code, 0) << name;
    return result.exit_code;
  };
  EXPECT_EQ(run_without("whole", {}), 0);
  EXPECT_EQ(run_without("no-errors", {2}), 0);
  EXPECT_EQ(run_without("nothing", {0, 1, 2}), 6) << "the table cannot be printed";
  for (const char* name : {"no-errors", "nothing"}) {
    EXPECT_EQ(read_text_file(dir / name / "results.json"),
              read_text_file(dir / "whole" / "results.json"));
  }
}

TEST_F(TrainingCommands, AnInterruptedRunResumesToTheSameBytes) {
  ASSERT_EQ(run_hardy(run_command("whole", {}, "another cache")).exit_code, 0);
  ProgramOptions options;
  // During the run, when some stages are stored and others are not.
  options.interrupt_when = [&] { return cache_contents(dir / "cache").results >= 4; };
  const auto stopped = run_hardy(run_command("parts"), options);
  EXPECT_EQ(stopped.exit_code, 130) << stopped.errors;
  EXPECT_THAT(stopped.errors, HasSubstr("the same command resumes"));
  EXPECT_FALSE(std::filesystem::exists(dir / "parts" / "results.json"));
  const auto resumed = run_hardy(run_command("parts"));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  for (const char* file : {"results.json", "validation.json", "predictions.csv", "hardness.csv",
                           "supports.csv", "curves.csv"}) {
    EXPECT_EQ(read_text_file(dir / "parts" / file), read_text_file(dir / "whole" / file)) << file;
  }
}

TEST_F(TrainingCommands, AKilledStageGoesOnFromItsCheckpointToTheSameBytes) {
  // Long enough to be killed within a stage.
  const std::vector<std::string> longer = {"--set", "hardness.complete_epochs=60",
                                           "--checkpoint-every", "0"};
  ASSERT_EQ(run_hardy(run_command("whole", longer, "another cache")).exit_code, 0);
  ProgramOptions options;
  options.signal = SIGKILL;
  options.interrupt_when = [&] { return cache_contents(dir / "cache").checkpoints > 0; };
  EXPECT_EQ(run_hardy(run_command("parts", longer), options).exit_code, 128 + SIGKILL);
  ASSERT_GT(cache_contents(dir / "cache").checkpoints, 0);

  // A damaged checkpoint is reported and the stage starts again, which shows that it is read.
  std::filesystem::copy(dir / "cache", dir / "damaged", std::filesystem::copy_options::recursive);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir / "damaged")) {
    if (entry.path().extension() == ".checkpoint") std::filesystem::resize_file(entry.path(), 100);
  }
  const auto again = run_hardy(run_command("again", longer, "damaged"));
  ASSERT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_THAT(again.errors, HasSubstr("damaged cache entries were computed again"));

  const auto resumed = run_hardy(run_command("parts", longer));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_THAT(resumed.errors, Not(HasSubstr("damaged")));
  EXPECT_EQ(cache_contents(dir / "cache").checkpoints, 0);
  for (const char* file : {"results.json", "validation.json", "predictions.csv", "hardness.csv",
                           "supports.csv", "curves.csv"}) {
    const auto whole = read_text_file(dir / "whole" / file);
    EXPECT_EQ(read_text_file(dir / "parts" / file), whole) << file;
    EXPECT_EQ(read_text_file(dir / "again" / file), whole) << file;
  }
}

TEST_F(TrainingCommands, AnotherRunInTheFolderIsRefusedUntilOverwritten) {
  ASSERT_EQ(run_hardy(run_command("run")).exit_code, 0);
  const auto refused = run_hardy(run_command("run", {"--seed", "2"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("--overwrite"));
  EXPECT_EQ(run_hardy(run_command("run", {"--seed", "2", "--overwrite"})).exit_code, 0);
}

TEST_F(TrainingCommands, AFullDiskLeavesNothingHalfWritten) {
  ProgramOptions options;
  options.largest_file = 20000;  // a manifest fits, a stage result does not
  const auto result = run_hardy(run_command("run"), options);
  EXPECT_EQ(result.exit_code, 6) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("cannot be written"));
  EXPECT_FALSE(std::filesystem::exists(dir / "run" / "results.json"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path())) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr(".tmp-"))) << entry.path();
  }
  EXPECT_EQ(run_hardy(run_command("run")).exit_code, 0) << "with room it goes on";
}

TEST_F(TrainingCommands, AFolderThatCannotBeWrittenIsAnIoError) {
  auto words = run_command("run");
  for (auto& word : words) {
    if (word == (dir / "run").string()) word = "/proc/no-run";
  }
  const auto result = run_hardy(words);
  EXPECT_EQ(result.exit_code, 6) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("/proc/no-run"));
}

TEST_F(TrainingCommands, KAboveTheDatabaseAndTrainOfOneFoldWork) {
  auto words = run_command("one", {"--set", "retrieval.k=900", "--fold", "2"});
  words[0] = "train";
  const auto result = run_hardy(words);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(read_text_file(dir / "one" / "supports.csv"), Not(HasSubstr(",-1,")));
}

}  // namespace
}  // namespace hardy
