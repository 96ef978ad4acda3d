// Masks of missing data in runs: equivalent to really missing data, and the same for every method.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "analysis/compare_runs.h"
#include "corpus/missing.h"
#include "hardy/errors.h"
#include "protocol/run_protocol.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_experiment.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;
using ::testing::HasSubstr;

Config mean_mlp(const std::string& conditions) {
  Config config = test::tiny_config();
  config.protocol.method = "mean_mlp";
  config.protocol.tracks = Tracks::kUnified;
  config.protocol.conditions = conditions;
  return config;
}

ProtocolResult run(const std::filesystem::path& folder, const Config& config,
                   const Corpus& corpus) {
  NoProgress quiet;
  ProtocolRequest request;
  request.config = config;
  request.folder = folder;
  return run_protocol(request, corpus, quiet);
}

TEST(MasksInRuns, EqualDataThatAreReallyMissing) {
  for (const char* method : {"mean_mlp", "hardymer"}) {
    const TempDir dir;
    const Corpus corpus = test::tiny_corpus(3);
    Config config = mean_mlp("complete; independent=0.5");
    config.protocol.method = method;
    const auto result = run(dir / "run", config, corpus);
    const auto plan = parse_condition_plan("independent=.5", corpus.modality_names());
    Corpus masked = masked_corpus(corpus, draw_masks(corpus, plan.masks[0], 1));
    masked.checksum = corpus.checksum;  // each model is tested on its own test part
    NoProgress quiet;
    const auto really = evaluate_models(dir / "run", masked, "complete", quiet);
    for (const char* metric : {"wa", "ua", "brier", "ece", "auroc"}) {
      const auto* one = result.results.find("unified", "independent=0.5", metric);
      const auto* other = really.find("unified", "acoustic,textual,visual", metric);
      ASSERT_TRUE(one != nullptr && other != nullptr) << metric;
      EXPECT_DOUBLE_EQ(one->mean, other->mean) << method << ", " << metric;
    }
    const auto again = evaluate_models(dir / "run", corpus, "independent=.5", quiet);
    EXPECT_DOUBLE_EQ(again.find("unified", "independent=0.5", "brier")->mean,
                     result.results.find("unified", "independent=0.5", "brier")->mean);
  }
}

TEST(MasksInRuns, GiveACurveWithItsArea) {
  const TempDir dir;
  const Corpus corpus = test::tiny_corpus(3);
  const auto result = run(dir / "run", mean_mlp("table; rate=0,.3,.6"), corpus).results;
  const auto wa = [&](const std::string& condition) {
    return result.find("unified", condition, "wa")->mean;
  };
  EXPECT_DOUBLE_EQ(wa("rate=0"), wa("acoustic,textual,visual")) << "nothing is missing";
  EXPECT_NEAR(wa("rate=area"), (wa("rate=0") / 2 + wa("rate=0.3") + wa("rate=0.6") / 2) / 2, 1e-12);
  ASSERT_EQ(result.masks.size(), 3U);
  EXPECT_EQ(result.masks[1].condition, "rate=0.3");
  EXPECT_NEAR(result.masks[1].removed, .3, .01);
  EXPECT_EQ(result.masks_at, "test");
  const auto runs = read_finished_runs({dir / "run"});
  EXPECT_DOUBLE_EQ(runs[0].results.find("unified", "rate=area", "wa")->mean, wa("rate=area"));
}

TEST(MasksInRuns, TrainingOnMaskedDataMakesModelsOfTheirOwn) {
  const TempDir dir;
  const Corpus corpus = test::tiny_corpus(3);
  Config config = mean_mlp("complete; rate=.5; at=both");
  config.protocol.tracks = Tracks::kBoth;
  const auto both = run(dir / "both", config, corpus).results;
  config.protocol.conditions = "complete; rate=.5; at=training";
  const auto training = run(dir / "training", config, corpus).results;
  const auto value = [](const Results& results, const char* track, const char* condition) {
    const auto* summary = results.find(track, condition, "brier");
    return summary == nullptr ? -1.0 : summary->mean;
  };
  for (const char* track : {"specialist", "unified"}) {
    EXPECT_DOUBLE_EQ(value(both, track, "acoustic,textual,visual"),
                     value(training, track, "acoustic,textual,visual"));
    EXPECT_GT(value(both, track, "rate=0.5"), 0) << track;
    EXPECT_GT(value(training, track, "rate=0.5"), 0) << track;
    EXPECT_NE(value(both, track, "rate=0.5"), value(training, track, "rate=0.5")) << track;
  }
  EXPECT_EQ(both.masks_at, "both");
}

TEST(MasksInRuns, ASpecialistCannotBeTestedUnderThem) {
  const TempDir dir;
  Config config = mean_mlp("rate=.5");
  config.protocol.tracks = Tracks::kSpecialist;
  EXPECT_THAT(
      message_of<ConfigError>([&] { (void)run(dir / "run", config, test::tiny_corpus(3)); }),
      HasSubstr("need the unified track"));
  EXPECT_FALSE(std::filesystem::exists(dir / "run")) << "refused before anything is written";
}

}  // namespace
}  // namespace hardy
