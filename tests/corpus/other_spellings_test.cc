// Columns, parts, positions and files as other programs spell or store them: read as what they
// mean, or refused by name, but never left out in silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "corpus/assembler.h"
#include "corpus/label_table.h"
#include "corpus/plain_form.h"
#include "corpus/table_words.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using test::put_file;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kPointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";

DataConfig corpus_at(const fs::path& path) {
  DataConfig config;
  config.path = path;
  return config;
}

std::vector<std::string> errors_of(const fs::path& path) {
  std::vector<std::string> kinds;
  for (const auto& finding : check_corpus(corpus_at(path), 1).findings) {
    if (finding.severity == Severity::kError) kinds.push_back(finding.kind);
  }
  return kinds;
}

/// A plain corpus of 12 dialogues of two utterances; `field` gives the fourth column by dialogue.
void put_plain(const fs::path& folder, const std::string& column,
               const std::function<std::string(int)>& field) {
  std::string table = "id,dialogue,label," + column + "\n";
  std::vector<float> values;
  for (int i = 0; i < 24; ++i) {
    table += fmt::format("u{},d{},{},{}\n", i, i / 2, i % 2 == 0 ? "sad" : "glad", field(i / 2));
    values.push_back(static_cast<float>(i * 7 % 11));
    values.push_back(static_cast<float>(i % 5));
  }
  put_file(folder / "utterances.csv", table);
  put_file(folder / "acoustic.npy", format_npy({24, 2}, values));
  put_file(folder / "textual.npy", format_npy({24, 2}, values));
}

std::string part_of_dialogue(int dialogue) {
  return std::vector<std::string>{"train", "train", "dev",
                                  "test"}[static_cast<unsigned>(dialogue) % 4];
}

TEST(OtherSpellings, PartsInAnyCaseAndForm) {
  const TempDir folder;
  put_plain(folder / "usual", "split", part_of_dialogue);
  const auto right = load_corpus(corpus_at(folder / "usual"), 1).checksum;
  put_plain(folder / "case", "split", [](int d) {
    return std::vector<std::string>{"Train", "TRAINING", "Development",
                                    "Testing"}[static_cast<unsigned>(d) % 4];
  });
  EXPECT_EQ(load_corpus(corpus_at(folder / "case"), 1).checksum, right);
  EXPECT_EQ(part_of_word("holdout"), std::nullopt);
  EXPECT_EQ(part_of_word(""), Part::kNone);
}

TEST(OtherSpellings, OneDialogueMaySpellItsPartInTwoWays) {
  const TempDir folder;
  put_plain(folder.path(), "split", part_of_dialogue);
  std::string table = "id,dialogue,label,split\n";
  for (int i = 0; i < 24; ++i) {
    const auto part = part_of_dialogue(i / 2);
    table += fmt::format("u{},d{},{},{}\n", i, i / 2, i % 2 == 0 ? "sad" : "glad",
                         i % 2 == 0 || part != "train" ? part : "Train");
  }
  put_file(folder / "utterances.csv", table);
  EXPECT_THAT(errors_of(folder.path()), IsEmpty());
}

TEST(OtherSpellings, AColumnThatSeemsToBeTheSplitIsRefused) {
  const TempDir folder;
  for (const char* name : {"Split", "SPLIT", "partition", "mode", "subset"}) {
    put_plain(folder.path(), name, part_of_dialogue);
    EXPECT_THAT(errors_of(folder.path()), ElementsAre("misnamed-column")) << name;
    EXPECT_THAT(message_of<DataError>([&] { load_corpus(corpus_at(folder.path()), 1); }),
                HasSubstr(fmt::format("'{}' is not read; it seems to be 'split'", name)));
  }
  put_plain(folder.path(), "mode", [](int) { return "scripted"; });  // something else
  EXPECT_THAT(errors_of(folder.path()), IsEmpty());
}

TEST(OtherSpellings, AColumnThatSeemsToBeTheDialogueIsRefused) {
  const TempDir folder;
  for (const char* name : {"Dialogue", "dialog_id", "conversation_id", "video_id"}) {
    put_plain(folder.path(), "split", part_of_dialogue);
    auto table = read_text_file(folder / "utterances.csv");
    table.replace(table.find("dialogue"), 8, name);
    put_file(folder / "utterances.csv", table);
    EXPECT_THAT(errors_of(folder.path()), ElementsAre("misnamed-column")) << name;
  }
}

TEST(OtherSpellings, MarksOfPresenceAsSpreadsheetsWriteThem) {
  const TempDir folder;
  put_plain(folder.path(), "present:textual", [](int d) { return d % 3 == 0 ? "FALSE" : "TRUE"; });
  EXPECT_EQ(load_corpus(corpus_at(folder.path()), 1).modalities[1].present[0], 0);
  put_plain(folder.path(), "present:textual", [](int d) { return d % 3 == 0 ? "0.0" : "1.0"; });
  EXPECT_EQ(load_corpus(corpus_at(folder.path()), 1).modalities[1].present[0], 0);
  EXPECT_EQ(load_corpus(corpus_at(folder.path()), 1).modalities[1].present[2], 1);
}

TEST(OtherSpellings, MarksOfAModalityUnderAnotherNameAreRefused) {
  const TempDir folder;
  for (const char* name : {"present:text", "present:Textual", "Present:textual"}) {
    put_plain(folder.path(), name, [](int) { return "1"; });
    EXPECT_THAT(errors_of(folder.path()), ElementsAre("misnamed-column")) << name;
  }
}

TEST(OtherSpellings, PositionsWithAPointAreIntegers) {
  EXPECT_EQ(whole_number_of("3"), 3);
  EXPECT_EQ(whole_number_of("3.0"), 3);
  EXPECT_EQ(whole_number_of("3.5"), std::nullopt);
  EXPECT_EQ(whole_number_of("nan"), std::nullopt);
  EXPECT_EQ(whole_number_of("1e300"), std::nullopt);
}

// ---- label tables beside features
// ----------------------------------------------------------------

/// A label table of four dialogues of two utterances, whose third column is `turns`.
void put_table(const fs::path& folder, const std::string& header,
               const std::function<std::string(int)>& turn) {
  std::string table = header + "\n";
  for (int i = 0; i < 8; ++i) {
    table += fmt::format(
        "u{},d{},{},{},{}\n", i, i / 2, turn(i), i % 2 == 0 ? "sad" : "glad",
        std::vector<std::string>{"train", "train", "Dev", "testing"}[static_cast<unsigned>(i) / 2]);
    for (const char* name : {"wav2vec", "bert"}) {
      put_file(folder / "features" / name / fmt::format("u{}.npy", i),
               format_npy({2}, std::vector<float>{static_cast<float>(i % 3), 1.0F}));
    }
  }
  put_file(folder / "labels.csv", table);
}

TEST(OtherSpellings, TurnsWithAPointOrderADialogue) {
  const TempDir folder;
  put_table(folder.path(), "name,conv_id,turn,emotion,subset",
            [](int i) { return fmt::format("{}.0", 1 - i % 2); });
  const Corpus corpus = load_corpus(corpus_at(folder.path()), 1);
  EXPECT_EQ(corpus.utterances[0].id, "u1");
  EXPECT_EQ(corpus.dialogues.size(), 4U);
  EXPECT_EQ(corpus.dialogues[2].part, Part::kValidation);
  EXPECT_EQ(corpus.dialogues[3].part, Part::kTest);
}

TEST(OtherSpellings, TurnsThatCannotOrderADialogueAreRefused) {
  const TempDir folder;
  const std::string header = "name,dialogue,turn,emotion,split";
  put_table(folder.path(), header, [](int i) { return i == 3 ? "" : std::to_string(i % 2); });
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(corpus_at(folder.path()), 1); }),
              HasSubstr("line 5: turn '' is not an integer"));
  put_table(folder.path(), header, [](int) { return "1"; });
  EXPECT_THAT(errors_of(folder.path()), testing::Contains("bad-position").Times(4));
  put_table(folder.path(), header, [](int) { return ""; });  // the order of the rows
  EXPECT_EQ(load_corpus(corpus_at(folder.path()), 1).utterances[0].id, "u0");
}

TEST(OtherSpellings, ColumnsOfALabelTableThatAreNotReadAreNamed) {
  const TempDir folder;
  put_table(folder.path(), "name,scene_group,turn,emotion,split",
            [](int i) { return std::to_string(i); });
  const auto report = check_corpus(corpus_at(folder.path()), 1);
  const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                  [](const auto& f) { return f.kind == "unknown-column"; });
  ASSERT_NE(found, report.findings.end());
  EXPECT_THAT(found->what, HasSubstr("scene_group"));
}

TEST(OtherSpellings, FillersAmongValuesAreNamedInEveryLayout) {
  const auto read = [](const std::string& unlabelled) {
    DataConfig config;
    config.unlabelled = unlabelled;
    CorpusAssembler assembler("made", SequenceRules::from(config));
    for (const char* id : {"a", "b", "c"})
      assembler.add({.id = id, .dialogue = id, .speaker = "", .group = "", .transcript = ""});
    const auto m = assembler.add_modality("acoustic", 1);
    for (std::size_t i = 0; i < 3; ++i) assembler.set(m, i, std::vector<float>{1.0F}, "frames");
    assembler.add_label({"sentiment", {2.5F, -999.0F, -3.0F}, {}, {}});
    return assembler.finish(config, "made", "made");
  };
  const auto found = read("").findings;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, "label-mark");
  EXPECT_THAT(found[0].where, HasSubstr("utterance b"));
  EXPECT_THAT(found[0].remedy, HasSubstr("data.unlabelled=-999"));
  EXPECT_THAT(read("-999").findings, IsEmpty());
}

// ---- files of another form ----------------------------------------------------------------------

TEST(OtherSpellings, PointersAreNamedInEveryLayout) {
  const TempDir folder;
  put_file(folder / "csd/CMU_MOSI_COVAREP.csd", kPointer);
  put_file(folder / "csd/CMU_MOSI_Labels.csd", kPointer);
  put_file(folder / "merged/data.h5", kPointer);
  put_file(folder / "mmsa/unaligned_50.pkl", kPointer);
  put_table(folder / "json", "name,dialogue,turn,emotion,split",
            [](int i) { return std::to_string(i); });
  fs::remove(folder / "json/labels.csv");
  put_file(folder / "json/labels.json", kPointer);
  put_plain(folder / "plain", "split", part_of_dialogue);
  put_file(folder / "plain/corpus.toml", kPointer);
  for (const char* name : {"csd", "merged", "mmsa", "json", "plain"}) {
    EXPECT_THAT(message_of<DataError>([&] { load_corpus(corpus_at(folder / name), 1); }),
                HasSubstr("a Git LFS pointer"))
        << name;
  }
}

TEST(OtherSpellings, JsonOfWindowsIsReadAndDamagedJsonIsNamedByLine) {
  using namespace std::string_literals;
  const std::string text = R"([{"name": "a", "emotion": "sad"}])";
  std::string wide = "\xFF\xFE"s;
  for (const char c : text) wide += {c, '\0'};
  EXPECT_EQ(parse_json_labels(wide, "l.json").table.rows.size(), 1U);
  EXPECT_EQ(parse_json_labels("\xEF\xBB\xBF" + text, "l.json").table.rows.size(), 1U);
  const auto refused = [](const std::string& json) {
    return message_of<DataError>([&] { parse_json_labels(json, "l.json"); });
  };
  EXPECT_THAT(refused(R"({"a": {"label": 1e400}})"), HasSubstr("beyond what a double can"));
  EXPECT_THAT(refused("[\n{\"name\": \"a\", \"emotion\": NaN}]"),
              HasSubstr("line 2: it is not JSON there (NaN is none either"));
  EXPECT_THAT(refused("{\"name\": \"a\"}\n{\"name\": \"b\"}\n"),
              HasSubstr("an object on each line"));
  EXPECT_THAT(refused(R"({"a": {"emotion": "sad"}, "a": {"emotion": "glad"}})"),
              HasSubstr("'a' is given twice"));
}

TEST(OtherSpellings, SettingsOfWindowsAreRead) {
  using namespace std::string_literals;
  std::string wide = "\xFF\xFE"s;
  for (const char c : "name = \"x\"\r\n"s) wide += {c, '\0'};
  EXPECT_EQ(parse_plain_settings(wide, "corpus.toml").name, "x");
}

}  // namespace
}  // namespace hardy
