// The hardness report of a run, on hand-written tables and on a real small run.
#include "experiments/hardness_validity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "base/checksum_list.h"
#include "base/files.h"
#include "hardy/errors.h"
#include "protocol/run_protocol.h"
#include "support/temp_dir.h"
#include "support/tiny_experiment.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;

const Validity& find(const HardnessReport& report, const std::string& estimate,
                     const std::string& target, const std::string& pattern) {
  for (const auto& one : report.validity) {
    if (one.estimate == estimate && one.target == target && one.pattern == pattern) return one;
  }
  throw std::runtime_error("no such validity: " + estimate);
}

/// A finished run whose tables are then rewritten by hand.
class HardnessValidity : public ::testing::Test {
 protected:
  void SetUp() override {
    corpus_ = test::tiny_corpus(2);
    Config config = test::tiny_config();
    config.protocol.tracks = Tracks::kUnified;
    config.run.models = KeptModels::kNone;
    config.run.seeds = {1, 2};
    NoProgress quiet;
    ProtocolRequest request;
    request.config = config;
    request.folder = dir_ / "run";
    run_protocol(request, corpus_, quiet);
  }

  /// Direct hardness equal to the true difficulty, indirect its opposite, in folds 0 and 1.
  void write_telling_hardness() const {
    std::string text = "utterance,fold,seed,pattern,direct,indirect,score,supports\n";
    for (int fold = 0; fold < 2; ++fold) {
      for (std::size_t i = 0; i < corpus_.utterances.size(); ++i) {
        const float truth = corpus_.true_difficulty[i];
        text += corpus_.utterances[i].id + "," + std::to_string(fold) + ",1,m1," +
                std::to_string(truth) + "," + std::to_string(1 - truth) + "," +
                std::to_string(truth) + ",1\n";
      }
    }
    write_file_atomically(dir_ / "run" / "hardness.csv", text);
    std::filesystem::remove(dir_ / "run" /
                            kChecksumFile);  // its checksums are those of the original table
  }

  test::TempDir dir_;
  Corpus corpus_;
};

TEST_F(HardnessValidity, FindsWhatTheTablesSay) {
  write_telling_hardness();
  const auto report = examine_hardness(RunFolder::open(dir_ / "run"), corpus_, 3);
  EXPECT_NEAR(find(report, "direct", "true difficulty", "m1").correlation, 1, 1e-3);
  EXPECT_NEAR(find(report, "indirect", "true difficulty", "m1").correlation, -1, 1e-3);
  // alpha1 .6 D - .4 D under the paper's sign, .6 D + .4 D under the other.
  EXPECT_NEAR(find(report, "score, consistency sign", "true difficulty", "m1").correlation, 1,
              1e-3);
  ASSERT_EQ(report.hardest.size(), 3U);
  EXPECT_GT(report.hardest.front().difficulty, report.easiest.front().difficulty);
  EXPECT_GT(report.hardest.front().hardness, 0.9);  // ties share their mean rank
  EXPECT_LT(report.easiest.front().hardness, 0.1);
}

TEST_F(HardnessValidity, HeldOutLossIsReadFromThePredictions) {
  write_telling_hardness();
  // Every utterance held out once under {m1}: the harder, the less probable its class.
  std::string text = "utterance,dialogue,track,condition,fold,seed,truth,predicted";
  for (const auto& name : corpus_.class_names) text += ",p_" + name;
  text += "\n";
  for (std::size_t i = 0; i < corpus_.utterances.size(); ++i) {
    const auto label = static_cast<std::size_t>(corpus_.utterances[i].label);
    text += corpus_.utterances[i].id + ",d,unified,m1,0,1," + corpus_.class_names[label] + "," +
            corpus_.class_names[0];
    const double own = 0.9 - 0.8 * static_cast<double>(corpus_.true_difficulty[i]);
    for (std::size_t c = 0; c < corpus_.class_names.size(); ++c) {
      text += "," + std::to_string(c == label ? own : (1 - own) / 3);
    }
    text += "\n";
  }
  write_file_atomically(dir_ / "run" / "predictions.csv", text);
  std::filesystem::remove(dir_ / "run" / kChecksumFile);
  const auto report = examine_hardness(RunFolder::open(dir_ / "run"), corpus_, 1);
  EXPECT_NEAR(find(report, "direct", "held-out loss", "m1").correlation, 1, 1e-3);
  EXPECT_EQ(find(report, "direct", "held-out loss", "m1").utterances, corpus_.size());
}

TEST_F(HardnessValidity, ARealRunGivesNumbersForEveryPatternAndSeedPair) {
  const auto report = examine_hardness(RunFolder::open(dir_ / "run"), corpus_, 2);
  for (const char* pattern : {"m1", "m2", "m1,m2"}) {
    const auto& one = find(report, "score, paper sign", "held-out loss", pattern);
    EXPECT_EQ(one.missing, "") << pattern;
    EXPECT_EQ(one.utterances, corpus_.size());  // three sessions rotate
    EXPECT_LE(std::abs(one.correlation), 1);
  }
  ASSERT_EQ(report.stability.size(), 3U);
  EXPECT_EQ(report.stability[0].pairs, 3);  // a pair of seeds in each of three folds
  EXPECT_FALSE(report.hardest[0].supports.empty());
  EXPECT_THAT(hardness_text(report), HasSubstr("Against true difficulty (Spearman"));
  EXPECT_EQ(nlohmann::json::parse(hardness_json(report)).at("stability").size(), 3U);
}

TEST_F(HardnessValidity, WhatCannotBeComputedSaysWhy) {
  corpus_.true_difficulty.clear();
  const auto report = examine_hardness(RunFolder::open(dir_ / "run"), corpus_, 1);
  EXPECT_THAT(find(report, "direct", "true difficulty", "m1").missing, HasSubstr("nobody knows"));
  EXPECT_THAT(hardness_text(report), HasSubstr("Against true difficulty: not computable"));
}

TEST_F(HardnessValidity, DamagedTablesAndOtherCorporaAreRefused) {
  const auto run = RunFolder::open(dir_ / "run");
  Corpus other = corpus_;
  other.checksum = "other";
  EXPECT_THROW(examine_hardness(run, other, 1), DataError);
  write_file_atomically(dir_ / "run" / "hardness.csv", "utterance,fold\nu,1\n");
  EXPECT_THROW(examine_hardness(run, corpus_, 1), ArtifactError);
  std::filesystem::remove(dir_ / "run" / "hardness.csv");
  EXPECT_THROW(examine_hardness(run, corpus_, 1), ArtifactError);
  std::filesystem::remove(dir_ / "run" / "results.json");
  EXPECT_THROW(examine_hardness(run, corpus_, 1), ArtifactError);
}

}  // namespace
}  // namespace hardy
