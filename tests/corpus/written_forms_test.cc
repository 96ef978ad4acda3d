// Corpora in other programs' forms: what each holds comes back, what it cannot hold is refused.
#include "corpus/written_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/files.h"
#include "formats/pickle.h"
#include "formats/pickle_writer.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "tests/support/messages.h"
#include "tests/support/small_corpus.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using test::TempDir;
using testing::HasSubstr;

/// The small corpus as all forms hold it: classes in order of name, ids of MMSA.
Corpus portable() {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"calm", "cross", "glad"};
  for (auto& one : corpus.utterances) {
    one.id = corpus.dialogues[static_cast<std::size_t>(one.dialogue)].id + "$_$" +
             std::to_string(one.position + 1);
  }
  return corpus;
}

void without_people(Corpus& corpus) {
  for (auto& one : corpus.utterances) one.speaker.clear();
  for (auto& one : corpus.dialogues) one.group.clear();
}

/// Values in [-3, 3] instead of classes; the third is not labelled.
void with_values(Corpus& corpus) {
  corpus.label_kind = LabelKind::kValue;
  corpus.class_names.clear();
  const float values[] = {-3, 0.1F, NAN, 2, -1.0F / 3};
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) corpus.utterances[i].label = values[i];
}

/// What is read back, with its checksum.
Corpus read_back(const fs::path& path, const std::vector<std::string>& settings = {}) {
  Config config;
  config.data.path = path.string();
  for (const auto& setting : settings) set_config_field(config, setting);
  return load_corpus(config.data, 1);
}

void expect_held(const Corpus& corpus, const std::string& form,
                 const std::vector<std::string>& settings) {
  const TempDir folder;
  for (const auto& gap : form_gaps(corpus, form)) {
    EXPECT_EQ(gap.kind, FormGap::Kind::kNote) << form << ": " << gap.text;
  }
  const fs::path path = folder / (form == "mmsa" ? "small.pkl" : "small");
  write_form(corpus, form, path, false);
  const Corpus again = read_back(path, settings);
  EXPECT_EQ(again.checksum, corpus_checksum(corpus)) << form;
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    EXPECT_EQ(again.utterances[i].id, corpus.utterances[i].id);
  }
}

TEST(WrittenForms, ClassesComeBack) {
  Corpus corpus = portable();
  expect_held(corpus, "plain", {});
  expect_held(corpus, "table", {});
  without_people(corpus);
  expect_held(corpus, "mmsa", {"data.label=annotations"});
}

TEST(WrittenForms, ValuesAndUnlabelledUtterancesComeBack) {
  Corpus corpus = portable();
  with_values(corpus);
  expect_held(corpus, "plain", {});
  expect_held(corpus, "table", {"data.task=regression", "data.unlabelled=empty"});
  without_people(corpus);
  expect_held(corpus, "mmsa", {"data.unlabelled=nan"});
  expect_held(corpus, "tree", {"data.unlabelled=nan"});
}

TEST(WrittenForms, TheTreeHoldsIemocap) {
  Corpus corpus = portable();
  corpus.class_names = {"happy", "sad", "neutral", "angry"};
  for (auto& one : corpus.dialogues) {
    one.id = "Ses0" + one.id.substr(1) + "F_x";
    one.group = one.id.substr(0, 5);
    one.part = Part::kNone;
  }
  for (auto& one : corpus.utterances) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(one.dialogue)];
    one.speaker = dialogue.group + (one.position == 0 ? "_F" : "_M");
  }
  expect_held(corpus, "tree", {});
  corpus.is_synthetic = true;
  const TempDir folder;
  write_form(corpus, "tree", folder / "made", false);
  EXPECT_TRUE(read_back(folder / "made").is_synthetic);
}

TEST(WrittenForms, WhatAFormCannotHoldIsRefusedOrAsked) {
  const TempDir folder;
  const auto refusal = [&](const Corpus& corpus, const std::string& form, bool may_lose) {
    return message_of<ConfigError>([&] { write_form(corpus, form, folder / "never", may_lose); });
  };
  Corpus corpus = portable();
  EXPECT_THAT(refusal(corpus, "mmsa", false), HasSubstr("no place for speakers"));
  EXPECT_THAT(refusal(corpus, "tree", true), HasSubstr("the classes calm, cross, glad"));
  corpus.class_names = {"1", "2", "10"};
  EXPECT_THAT(refusal(corpus, "table", true), HasSubstr("read as numbers"));
  corpus = portable();
  corpus.dialogues[1].part = Part::kNone;
  EXPECT_THAT(refusal(corpus, "mmsa", true), HasSubstr("without a part"));
  corpus.utterances[0].id = "a/b";
  EXPECT_THAT(refusal(corpus, "table", true), HasSubstr("'a/b'"));
  corpus = portable();
  corpus.label_kind = LabelKind::kLabels;
  corpus.class_names.clear();
  corpus.target_names = {"x", "y"};
  corpus.targets.assign(10, 1);
  for (const char* form : {"table", "mmsa", "tree"}) {
    EXPECT_THAT(refusal(corpus, form, true), HasSubstr("several labels")) << form;
  }
  EXPECT_THAT(refusal(corpus, "arff", true), HasSubstr("none of plain, table, mmsa, tree"));
  EXPECT_FALSE(fs::exists(folder / "never"));
}

TEST(WrittenForms, LossesAreLeftOutWhenAllowed) {
  const TempDir folder;
  const Corpus corpus = test::small_corpus();
  write_form(corpus, "mmsa", folder / "small.pkl", true);
  const Corpus again = read_back(folder / "small.pkl", {"data.label=annotations"});
  EXPECT_EQ(again.utterances[1].id, "d0$_$1");
  EXPECT_EQ(again.utterances[1].speaker, "");
  EXPECT_EQ(again.class_names[static_cast<std::size_t>(again.utterances[1].label)], "glad");
  EXPECT_EQ(again.modalities[1].present[1], 0);
  EXPECT_THROW(write_form(corpus, "mmsa", folder / "small.pkl", true), ConfigError);
}

TEST(PickleWriter, IsReadBack) {
  PickleWriter writer;
  writer.begin();
  writer.add_text("gr\xC3\xBCn");
  writer.add_integer(-(std::int64_t{1} << 40));
  writer.add_text("b");
  writer.add_real(-0.1);
  writer.add_text("c");
  writer.add_array({2, 1}, std::vector<float>{1.5F, -2});
  writer.end_dict();
  const std::string bytes = writer.finish();
  const Pickle pickle = parse_pickle(std::as_bytes(std::span(bytes)), "made");
  const auto& items = pickle.root().items();
  ASSERT_EQ(items.size(), 6U);
  EXPECT_EQ(items[0]->text(), "gr\xC3\xBCn");
  EXPECT_EQ(items[1]->integer(), -(std::int64_t{1} << 40));
  EXPECT_EQ(items[3]->real(), -0.1);
  EXPECT_EQ(items[5]->array().shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(array_real(items[5]->array(), 1), -2);
  PickleWriter wrong;
  EXPECT_THROW(wrong.add_array({3}, std::vector<float>{1}), ShapeError);
}

}  // namespace
}  // namespace hardy
