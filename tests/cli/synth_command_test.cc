#include "cli/synth_command.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/files.h"
#include "corpus/plain_form.h"
#include "corpus/synth/demo_corpus.h"
#include "corpus/tree.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// Runs `hardy data synth <arguments>` without the process; returns standard output.
std::string synth(const std::vector<std::string>& arguments) {
  CLI::App app("test");
  app.set_help_flag("-h,--help");
  add_synth_command(app);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  reversed.emplace_back("synth");
  ::testing::internal::CaptureStdout();
  try {
    app.parse(std::move(reversed));
  } catch (...) {
    ::testing::internal::GetCapturedStdout();
    throw;
  }
  std::fflush(stdout);
  return ::testing::internal::GetCapturedStdout();
}

TEST(SynthCommand, WritesTheDemonstrationCorpusInThePlainForm) {
  const test::TempDir folder;
  const auto out = folder / "demo";
  const auto said = synth({out.string()});
  EXPECT_NE(said.find("demonstration (synthetic), 1218 utterances in 40 dialogues, acoustic 48, "
                      "textual 64, visual 32"),
            std::string::npos)
      << said;
  const Corpus corpus = load_plain({out, "", "auto"});
  const Corpus drawn = make_demo_corpus();
  EXPECT_EQ(corpus_checksum(corpus), drawn.checksum);
  EXPECT_TRUE(corpus.is_synthetic);
  EXPECT_EQ(corpus.true_difficulty, drawn.true_difficulty);
}

TEST(SynthCommand, OptionsShapeTheCorpus) {
  const test::TempDir folder;
  const auto out = folder / "demo";
  synth({out.string(), "--modalities", "eeg, face", "--widths", "eeg=20,face=24", "--sessions", "2",
         "--dialogues", "3", "--seed", "7", "--missing-rate", "0.2", "--strengths", "eeg=0.6"});
  const Corpus corpus = load_plain({out, "", "auto"});
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"eeg", "face"}));
  EXPECT_EQ(corpus.modalities[0].width, 20);
  EXPECT_EQ(corpus.modalities[1].width, 24);
  EXPECT_EQ(corpus.dialogues.size(), 6U);
  DemoOptions same;
  same.sessions = 2;
  same.dialogues_per_session = 3;
  same.features.modalities = {{"eeg", 20, 0.6}, {"face", 24, 0.57}};
  same.features.seed = 7;
  same.features.missing_rate = 0.2;
  EXPECT_EQ(corpus_checksum(corpus), make_demo_corpus(same).checksum);
}

TEST(SynthCommand, ModalitiesMayBeANumberOrKnownNames) {
  const test::TempDir folder;
  synth({(folder / "six").string(), "--modalities", "6", "--sessions", "2", "--dialogues", "1"});
  EXPECT_EQ(load_plain({folder / "six", "", "auto"}).modality_count(), 6);
  synth({(folder / "two").string(), "--modalities", "textual,acoustic", "--sessions", "2"});
  EXPECT_EQ(load_plain({folder / "two", "", "auto"}).modalities[0].width, 64);
}

TEST(SynthCommand, LabelsGiveATreeOfDrawnFeatures) {
  HARDY_NEEDS_SHARED("data/CMUMOSI/CMUMOSI_features_raw_2way.pkl");
  const test::TempDir folder;
  const auto labels = test::shared_dir() / "data/CMUMOSI/CMUMOSI_features_raw_2way.pkl";
  const auto out = folder / "tree";
  const auto said =
      synth({out.string(), "--labels", labels.string(), "--modalities", "textual,visual",
             "--widths", "textual=6,visual=7", "--missing-rate", "0.45"});
  EXPECT_NE(said.find("CMU-MOSI (synthetic features), 2199 utterances in 93 dialogues"),
            std::string::npos)
      << said;
  TreeOptions options;
  options.root = out / "CMUMOSI";
  const Corpus corpus = load_tree(options);
  EXPECT_TRUE(corpus.is_synthetic);
  EXPECT_EQ(corpus.label_kind, LabelKind::kValue);
  EXPECT_EQ(corpus.size(), 2199);
  EXPECT_EQ(corpus.modalities[1].width, 7);
}

TEST(SynthCommand, LabelsMayGoIntoThePlainForm) {
  HARDY_NEEDS_SHARED("data/IEMOCAP/IEMOCAP_features_raw_6way.pkl");
  const test::TempDir folder;
  const auto labels = test::shared_dir() / "data/IEMOCAP/IEMOCAP_features_raw_6way.pkl";
  synth({(folder / "six").string(), "--labels", labels.string(), "--widths",
         "acoustic=8,textual=8,visual=8", "--format", "plain"});
  const Corpus corpus = load_plain({folder / "six", "", "auto"});
  EXPECT_EQ(corpus.class_count(), 6);
  EXPECT_EQ(corpus.size(), 7433);
}

TEST(SynthCommand, ContradictionsAndUnknownNamesAreExplained) {
  const test::TempDir folder;
  const std::string out = (folder / "out").string();
  const auto refusal = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), out);
    const auto message = test::message_of<ConfigError>([&] { synth(arguments); });
    EXPECT_FALSE(fs::exists(out)) << message;
    return message;
  };
  const auto expect_refusal = [&](const std::vector<std::string>& arguments, const char* part) {
    const auto message = refusal(arguments);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect_refusal({"--format", "tree"}, "--format tree needs --labels FILE.pkl");
  expect_refusal({"--labels", "x.pkl", "--sessions", "3"}, "leave them out");
  expect_refusal({"--widths", "audio=5"},
                 "no modality is named 'audio'; there are acoustic, textual, visual");
  expect_refusal({"--widths", "acoustic"}, "'' is no number for 'acoustic'");
  expect_refusal({"--strengths", "visual=much"}, "'much' is no number for 'visual'");
  expect_refusal({"--modalities", "1"}, "1 modalities; between 2 and 16 are possible");
  expect_refusal({"--modalities", "solo"}, "1 modalities; between 2 and 16 are possible");
  expect_refusal({"--modalities", "a,a"}, "'a' is empty or given twice");
  expect_refusal({"--missing-rate", "0.9"}, "missing_rate = 0.9");
  expect_refusal({"--sessions", "0"}, "sessions = 0");
  EXPECT_THROW(synth({out, "--format", "xml"}), CLI::ParseError);
  EXPECT_THROW(synth({}), CLI::ParseError);
}

TEST(SynthCommand, MissingLabelsAndOccupiedFoldersAreRefused) {
  const test::TempDir folder;
  EXPECT_NE(test::message_of<DataError>([&] {
              synth({(folder / "out").string(), "--labels", (folder / "none.pkl").string()});
            }).find("none.pkl: no such file"),
            std::string::npos);
  write_file_atomically(folder / "full" / "file", std::string_view("mine"));
  EXPECT_NE(test::message_of<ConfigError>([&] {
              synth({(folder / "full").string()});
            }).find("not empty; nothing was written"),
            std::string::npos);
  EXPECT_EQ(read_text_file(folder / "full" / "file"), "mine");
}

}  // namespace
}  // namespace hardy
