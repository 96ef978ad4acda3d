// The published protocol end to end on small corpora: leaks, and their absence without it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/files.h"
#include "corpus/synth/noise_corpus.h"
#include "experiments/leak_audit.h"
#include "formats/csv.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer_published/defects.h"
#include "methods/hardymer_published/published.h"
#include "protocol/run_protocol.h"
#include "support/temp_dir.h"
#include "support/tiny_experiment.h"

namespace hardy {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

ProtocolRequest single_worker_request(const std::filesystem::path& folder, const Config& config) {
  ProtocolRequest request;
  request.config = config;
  request.config.run.jobs = 1;
  request.folder = folder;
  return request;
}

/// The probabilities of predictions.csv, without the truth.
std::vector<std::string> outputs_of(const std::filesystem::path& run) {
  const auto table = parse_csv(read_text_file(run / "predictions.csv"), "predictions.csv");
  std::vector<std::string> lines;
  for (const auto& row : table.rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (table.header[c].starts_with("p_")) line += row[c] + " ";
    }
    lines.push_back(line);
  }
  return lines;
}

/// The corpus with the labels of a session shifted by one class, under the same checksum.
Corpus with_other_test_labels(Corpus corpus, const std::string& session) {
  for (auto& utterance : corpus.utterances) {
    if (corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].group != session) continue;
    utterance.label = static_cast<float>((static_cast<int>(utterance.label) + 1) %
                                         static_cast<int>(corpus.class_count()));
  }
  return corpus;
}

TEST(PublishedProtocol, H1LetsTestLabelsChooseAndStrictDoesNot) {
  const Corpus corpus = test::tiny_corpus(2);
  const Corpus other = with_other_test_labels(corpus, "Ses01");
  NoProgress quiet;
  for (const bool is_on : {false, true}) {
    const test::TempDir dir;
    Config config = test::tiny_config();
    hardymer_settings(config).recogniser.pattern_epochs = 6;
    set_config_field(config, fmt::format("hardymer_published.h1_test_epoch={}", is_on));
    auto request = single_worker_request(dir / "true", config);
    request.only_fold = 0;
    run_protocol(request, corpus, quiet);
    request.folder = dir / "other";
    run_protocol(request, other, quiet);
    EXPECT_EQ(outputs_of(dir / "true") == outputs_of(dir / "other"), !is_on);
  }
}

TEST(PublishedProtocol, EverythingOnRunsIsMarkedAndStoresNoModel) {
  const test::TempDir dir;
  Config config = test::tiny_config();
  for (const auto& assignment : protocol_assignments("published")) {
    set_config_field(config, assignment);
  }
  validate_config(config);
  NoProgress quiet;
  auto request = single_worker_request(dir / "run", config);
  const auto result = run_protocol(request, test::tiny_corpus(3), quiet);
  EXPECT_EQ(result.results.defects.size(), known_defects().size());
  EXPECT_THAT(results_table(result.results), AllOf(HasSubstr("PUBLISHED DEFECTS ARE ON"),
                                                   HasSubstr("hardness of another utterance")));
  EXPECT_THAT(read_text_file(dir / "run" / "results.json"), HasSubstr("\"defects\""));
  EXPECT_THAT(read_results(dir / "run").defects, Contains(HasSubstr("H1b (")));
  EXPECT_TRUE(RunFolder::open(dir / "run").models().empty());
  // Every utterance gets K supports (H16), itself among them.
  const auto table = parse_csv(read_text_file(dir / "run" / "hardness.csv"), "hardness.csv");
  ASSERT_TRUE(table.column("supports").has_value());
  for (const auto& row : table.rows) {
    EXPECT_EQ(row[*table.column("supports")],
              std::to_string(hardymer_settings(config).retrieval.k));
  }
}

TEST(PublishedProtocol, AStrictRunSaysNothingOfDefects) {
  const test::TempDir dir;
  NoProgress quiet;
  auto request = single_worker_request(dir / "run", test::tiny_config());
  request.only_fold = 0;
  const auto result = run_protocol(request, test::tiny_corpus(2), quiet);
  EXPECT_THAT(results_table(result.results), Not(HasSubstr("DEFECTS")));
  EXPECT_THAT(read_text_file(dir / "run" / "results.json"), Not(HasSubstr("defects")));
}

/// Four sessions of six dialogues with noise as features, and settings that memorise them. With
/// four sessions, every fold trains on some that the shared tuning has read.
Corpus wide_noise() {
  DemoOptions options;
  options.sessions = 4;
  options.dialogues_per_session = 6;
  options.min_utterances = 8;
  options.max_utterances = 12;
  options.features.modalities = spread_modalities(2);
  for (auto& modality : options.features.modalities) modality.width = 64;
  return noise_corpus(make_demo_corpus(options), kNoiseSeed);
}

Config memorising_config() {
  Config config = test::tiny_config();
  config.protocol.tracks = Tracks::kUnified;
  hardymer_settings(config).tuning.epochs = 40;
  hardymer_settings(config).tuning.batch = 16;
  hardymer_settings(config).recogniser.input = FeatureKind::kTuned;
  hardymer_settings(config).recogniser.encoder.hidden = 32;
  hardymer_settings(config).recogniser.complete_epochs = 8;
  hardymer_settings(config).recogniser.pattern_epochs = 10;
  hardymer_settings(config).recogniser.optimiser.batch = 1;
  hardymer_settings(config).recogniser.optimiser.learning_rate = 3e-3;
  config.run.models = KeptModels::kNone;
  return config;
}

TEST(PublishedProtocol, H2MakesResultsFromNoiseInEveryFoldButTheLast) {
  const test::TempDir dir;
  const Corpus noise = wide_noise();
  NoProgress quiet;
  Config config = memorising_config();
  run_protocol(single_worker_request(dir / "strict", config), noise, quiet);
  set_config_field(config, "hardymer_published.h2_shared_tuning=true");
  run_protocol(single_worker_request(dir / "shared", config), noise, quiet);
  const auto runs = read_finished_runs({dir / "strict", dir / "shared"});
  for (const auto& row : judge_against_chance(runs[0])) {
    EXPECT_FALSE(row.is_above) << "fold " << row.fold << ", " << row.condition << ": " << row.value;
    EXPECT_LT(row.value, 0.45);
  }
  std::set<int> leaking;
  for (const auto& row : judge_against_chance(runs[1])) {
    if (row.condition != "average") continue;
    if (row.is_above) leaking.insert(row.fold);
    if (row.fold < 3) {
      EXPECT_GT(row.value, 0.4) << "fold " << row.fold;
    } else {
      EXPECT_LT(row.value, 0.45);
    }
  }
  EXPECT_EQ(leaking, (std::set<int>{0, 1, 2}));
}

TEST(PublishedProtocol, H2SharesTheLastFoldsTrainingSideOrTheFirstUtterances) {
  const test::TempDir dir;
  StageCache cache(dir / "cache");
  StageCosts costs;
  Config config = test::tiny_config();
  set_config_field(config, "hardymer_published.h2_shared_tuning=true");
  Corpus corpus = test::tiny_corpus(2);
  const auto members_of = [&](std::size_t fold) {
    const auto folds = make_folds(corpus, config.protocol);
    const SharedTuning shared({.corpus = corpus,
                               .fold = folds[fold],
                               .config = config,
                               .seed = 1,
                               .patterns = {},
                               .cache = cache,
                               .costs = costs});
    return shared.members();
  };
  const auto members = members_of(0);
  EXPECT_EQ(members, members_of(2));
  for (const auto u : members) {
    const auto d = corpus.utterances[static_cast<std::size_t>(u)].dialogue;
    EXPECT_NE(corpus.dialogues[static_cast<std::size_t>(d)].group, "Ses03");
  }
  // H2c: an official split of 9 dialogues, of which 3 test.
  for (std::size_t d = 0; d < corpus.dialogues.size(); ++d) {
    corpus.dialogues[d].part = d < 3 ? Part::kTest : d < 5 ? Part::kValidation : Part::kTrain;
  }
  const auto first = members_of(0);
  ASSERT_EQ(first.size(), 6U);
  std::vector<std::string> ids;
  for (const auto& utterance : corpus.utterances) ids.push_back(utterance.id);
  std::sort(ids.begin(), ids.end());
  for (const auto u : first) {
    EXPECT_LE(corpus.utterances[static_cast<std::size_t>(u)].id, ids[5]);
  }
}

TEST(PublishedProtocol, ModelsThatSawEverythingAreRunWithEverything) {
  TensorFile model;
  EXPECT_EQ(pattern_seen(model, 3, Pattern(2)), Pattern(2));
  model.metadata["sees_everything"] = "true";
  EXPECT_EQ(pattern_seen(model, 3, Pattern(2)), Pattern::complete(3));
  EXPECT_EQ(published_order({"textual", "acoustic", "visual"}), (std::vector<int>{1, 2, 0}));
}

}  // namespace
}  // namespace hardy
