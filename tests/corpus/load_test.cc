#include "hardy/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "corpus/plain_form.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/small_corpus.h"
#include "tests/support/small_tree.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;
using testing::HasSubstr;

DataConfig at(const std::filesystem::path& path) {
  DataConfig config;
  config.path = path;
  return config;
}

TEST(Load, FindsTheFormAndGivesAChecksum) {
  const TempDir folder;
  test::put_cmu(folder / "tree");
  write_plain(test::small_corpus(), folder / "plain");
  const Corpus tree = load_corpus(at(folder / "tree"), 2);
  EXPECT_EQ(tree.name, "CMU-MOSI");
  EXPECT_EQ(tree.checksum, corpus_checksum(tree));
  EXPECT_EQ(load_corpus(at(folder / "plain"), 1).checksum, corpus_checksum(test::small_corpus()));
  const Corpus demo = load_corpus({}, 1);
  EXPECT_TRUE(demo.is_synthetic);
  EXPECT_EQ(demo.checksum, load_corpus({}, 4).checksum);
}

TEST(Load, BinaryKeepsTheValuesBehindTheClasses) {
  const TempDir folder;
  test::put_cmu(folder.path());
  DataConfig config = at(folder.path());
  config.task = "binary";
  const Corpus corpus = load_corpus(config, 1);
  EXPECT_EQ(corpus.class_names, (std::vector<std::string>{"negative", "positive"}));
  EXPECT_EQ(corpus.values, (std::vector<float>{-2.5F, 1, 0, 3, -3, 0.5F}));
  std::vector<float> labels;
  for (const auto& utterance : corpus.utterances) labels.push_back(utterance.label);
  EXPECT_EQ(labels, (std::vector<float>{0, 1, 0, 1, 0, 1}));
}

TEST(Load, TasksThatDoNotFitTheLabelsAreConfigErrors) {
  const TempDir folder;
  test::put_cmu(folder / "values");
  write_plain(test::small_corpus(), folder / "classes");
  const auto message = [&](const char* name, const char* task) {
    DataConfig config = at(folder / name);
    config.task = task;
    return message_of<ConfigError>([&] { load_corpus(config, 1); });
  };
  EXPECT_THAT(message("values", "class"), HasSubstr("labels of CMU-MOSI are values"));
  EXPECT_THAT(message("values", "guess"), HasSubstr("data.task is 'guess'; possible are"));
  DataConfig config;
  config.task = "regression";
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(config, 1); }), HasSubstr("are classes"));
  config.task = "binary";
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(config, 1); }), HasSubstr("already"));
  // Class names are no numbers, so the plain reader reports the label.
  config = at(folder / "classes");
  config.task = "regression";
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config, 1); }),
              HasSubstr("line 2: label 'calm' is not a finite number"));
}

TEST(Load, FoldersWithoutACorpusSayWhatIsExpected) {
  const TempDir folder;
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder.path()), 1); }),
              HasSubstr("neither utterances.csv"));
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder / "gone"), 1); }),
              HasSubstr("no such folder"));
  DataConfig config;
  config.format = "plain";
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(config, 1); }), HasSubstr("does not go"));
  config.format = "zip";
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(config, 1); }), HasSubstr("'zip'"));
  write_plain(test::small_corpus(), folder / "plain");
  config = at(folder / "plain");
  config.labels = "x.pkl";
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(config, 1); }), HasSubstr("plain form"));
}

TEST(Load, AnUtteranceWithoutAnyModalityIsReadButNotTrainedOn) {
  const TempDir folder;
  test::put_cmu(folder.path());
  std::filesystem::remove(folder / "features/glove-2/vidB_1.npy");
  const Corpus corpus = load_corpus(at(folder.path()), 1);
  EXPECT_TRUE(corpus.present_pattern(2).empty());
  EXPECT_FALSE(corpus.is_scored(2, Pattern::complete(1)));
  const auto findings = check_contents(corpus);
  EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.kind == "no-modality" && finding.where == "utterance vidB_1";
  }));
}

}  // namespace
}  // namespace hardy
