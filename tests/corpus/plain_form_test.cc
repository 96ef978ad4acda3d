#include "corpus/plain_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/checksum_list.h"
#include "base/files.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "tests/support/messages.h"
#include "tests/support/shared_data.h"
#include "tests/support/small_corpus.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"
#include "tests/support/write_limit.h"

namespace hardy {
namespace {

using test::message_of;
using test::small_corpus;
using test::TempDir;

/// A plain corpus of two utterances with one modality of width 2.
void put_corpus(const std::filesystem::path& folder, const std::string& table,
                const std::string& settings = "") {
  test::put_file(folder / "utterances.csv", table);
  save_npy(folder / "speech.npy", {2, 2}, std::vector<float>{1, 2, 3, 4});
  if (!settings.empty()) test::put_file(folder / "corpus.toml", settings);
}

std::string refusal(const TempDir& folder, const PlainOptions& options = {}) {
  PlainOptions here = options;
  here.folder = folder.path();
  return message_of<DataError>([&] { load_plain(here); });
}

/// The error of a table over put_corpus's array.
std::string table_refusal(const std::string& table, const std::string& settings = "") {
  const TempDir folder;
  put_corpus(folder.path(), table, settings);
  return refusal(folder);
}

void expect_equal(const Corpus& x, const Corpus& y) {
  EXPECT_EQ(x.name, y.name);
  EXPECT_EQ(x.class_names, y.class_names);
  EXPECT_EQ(x.is_synthetic, y.is_synthetic);
  EXPECT_EQ(x.true_difficulty, y.true_difficulty);
  EXPECT_EQ(x.values, y.values);
  for (std::size_t i = 0; i < x.utterances.size(); ++i) {
    EXPECT_EQ(x.utterances[i].transcript, y.utterances[i].transcript);
  }
  EXPECT_EQ(corpus_checksum(x), corpus_checksum(y));  // features, presence, labels, ids, parts
}

TEST(PlainForm, FilesOtherThanTheirChecksumsAreRefused) {
  const TempDir folder;
  const auto made = folder / "made";
  write_plain(small_corpus(), made, PlainChecksums::kWritten);
  EXPECT_TRUE(checksum_findings(made).empty());
  expect_equal(load_plain({made}), small_corpus());
  for (const char* name : {"utterances.csv", "corpus.toml", "textual.npy"}) {
    const std::string sound = read_text_file(made / name);
    for (int damage = 0; damage < 3; ++damage) {
      SCOPED_TRACE(std::string(name) + " " + std::to_string(damage));
      std::filesystem::remove(made / name);
      std::string other = sound;
      other.back() ^= 1;  // the last bit of a value, of a label
      if (damage == 1) other = sound + "\n";
      if (damage < 2) test::put_file(made / name, other);
      EXPECT_NE(message_of<DataError>([&] { load_plain({made}); }), "");
    }
    test::put_file(made / name, sound);
  }
  EXPECT_THAT(message_of<DataError>([&] {
                test::put_file(made / "corpus.toml", "name = \"other\"\n");
                load_plain({made});
              }),
              testing::HasSubstr("remove SHA256SUMS or write it anew"));
  std::filesystem::remove(made / "SHA256SUMS");
  EXPECT_EQ(load_plain({made}).name, "other");
}

/// A corpus whose array is large enough to be mapped: 4200 utterances of width 1000, every tenth
/// without features. `order` is that of the rows in the table.
void put_large(const std::filesystem::path& folder, bool is_reversed) {
  constexpr std::int64_t kRows = 4200;
  constexpr std::int64_t kWidth = 1000;
  std::string table = "id,label,dialogue,position\n";
  std::vector<float> numbers(static_cast<std::size_t>(kRows * kWidth), 0.5F);
  for (std::int64_t i = 0; i < kRows; ++i) {
    table += fmt::format("u{},{},d,{}\n", i, i % 2 == 0 ? "sad" : "happy",
                         is_reversed ? kRows - 1 - i : i);
    const auto row = numbers.begin() + i * kWidth;
    *row = static_cast<float>(i);
    if (i % 10 == 0) std::fill_n(row, kWidth, NAN);
  }
  test::put_file(folder / "utterances.csv", table);
  save_npy(folder / "speech.npy", {kRows, kWidth}, numbers);
}

TEST(PlainForm, MapsLargeArraysThatLieAsTheyAreUsed) {
  const TempDir folder;
  put_large(folder.path() / "mapped", false);
  put_large(folder.path() / "copied", true);
  const Corpus mapped = load_plain({.folder = folder.path() / "mapped"});
  const Corpus copied = load_plain({.folder = folder.path() / "copied"});
  EXPECT_TRUE(mapped.modalities[0].features.is_mapped());
  EXPECT_FALSE(copied.modalities[0].features.is_mapped());
  const auto last = mapped.size() - 1;
  for (const std::int64_t i : {0, 1, 10, 11, 4199}) {
    const auto u = static_cast<std::size_t>(i);
    EXPECT_EQ(mapped.modalities[0].present[u], i % 10 == 0 ? 0 : 1);
    const auto row = mapped.modalities[0].row(i);
    const auto other = copied.modalities[0].row(last - i);
    EXPECT_TRUE(std::equal(row.begin(), row.end(), other.begin()));
    EXPECT_EQ(row[0], i % 10 == 0 ? 0.0F : static_cast<float>(i));
    EXPECT_EQ(row[999], i % 10 == 0 ? 0.0F : 0.5F);
  }
  validate_corpus(mapped);
}

TEST(PlainForm, OutlinesDoNotReadLargeFeatures) {
  const TempDir folder;
  put_large(folder.path(), false);
  DataConfig config;
  config.path = folder.path().string();
  const Corpus whole = load_corpus(config, 1);
  const Corpus outline = load_outline(config, 1);
  EXPECT_TRUE(outline.checksum.empty());
  EXPECT_FALSE(whole.checksum.empty());
  EXPECT_EQ(outline.modalities[0].present, whole.modalities[0].present);
  EXPECT_EQ(outline.class_names, whole.class_names);
  // Small ones are read as ever.
  const TempDir small;
  put_corpus(small.path(), "id,label\na,x\nb,y\n");
  config.path = small.path().string();
  EXPECT_EQ(load_outline(config, 1).checksum, load_corpus(config, 1).checksum);
}

TEST(PlainForm, WrittenCorporaComeBackExactly) {
  const TempDir folder;
  Corpus corpus = small_corpus();
  corpus.is_synthetic = true;
  corpus.true_difficulty = {0, 0.1F, 1, 0.25F, 1.0F / 3};
  write_plain(corpus, folder / "plain");
  const Corpus again = load_plain({folder / "plain", "", "auto"});
  expect_equal(again, corpus);
  validate_corpus(again);

  for (auto& utterance : corpus.utterances) utterance.label -= 0.7F;
  corpus.label_kind = LabelKind::kValue;
  corpus.class_names.clear();
  write_plain(corpus, folder / "values");
  expect_equal(load_plain({folder / "values", "", "auto"}), corpus);

  make_binary(corpus);
  write_plain(corpus, folder / "binary");
  expect_equal(load_plain({folder / "binary", "", "auto"}), corpus);
}

TEST(PlainForm, NumbersAsClassNamesComeBackToo) {
  const TempDir folder;
  Corpus corpus = small_corpus();
  corpus.class_names = {"2", "1", "0"};
  write_plain(corpus, folder / "plain");
  expect_equal(load_plain({folder / "plain", "", "auto"}), corpus);
}

TEST(PlainForm, TheFolderAppearsWholeOrNotAtAll) {
  const TempDir folder;
  test::put_file(folder / "full/file", "x");
  EXPECT_NE(message_of<ConfigError>([&] {
              write_plain(small_corpus(), folder / "full");
            }).find("not an empty folder"),
            std::string::npos);
  Corpus corpus = small_corpus();
  corpus.modalities[1].name = "../escape";
  EXPECT_THROW(write_plain(corpus, folder / "out"), DataError);
  EXPECT_THROW(write_plain(small_corpus(), folder / "full/file/below"), IoError);
  EXPECT_EQ(test::entry_count(folder.path()), 2);
  std::filesystem::create_directories(folder / "empty");
  write_plain(small_corpus(), folder / "empty/");
  EXPECT_EQ(test::entry_count(folder / "empty"), 4);
}

TEST(PlainForm, AFullDiskNamesTheFileThatWasAskedForAndLeavesNothing) {
  const TempDir folder;
  std::string message;
  {
    const test::WriteLimit limit(100);
    message = message_of<IoError>([&] { write_plain(small_corpus(), folder / "out"); });
  }
  EXPECT_EQ(message.find((folder / "out/").string()), 0U) << message;
  EXPECT_EQ(message.find(".tmp-"), std::string::npos) << message;
  EXPECT_NE(message.find("choose another folder"), std::string::npos) << message;
  EXPECT_EQ(test::entry_count(folder.path()), 0);
}

TEST(PlainForm, RowsMayComeInAnyOrder) {
  const TempDir folder;
  test::put_file(folder / "utterances.csv",
                 "id,dialogue,position,label\nb,x,7,1\nc,y,0,0\na,x,3,0\n");
  save_npy(folder / "m.npy", {3}, std::vector<float>{1, 2, 3});
  const Corpus corpus = load_plain({folder.path(), "", "auto"});
  ASSERT_EQ(corpus.size(), 3);
  EXPECT_EQ(corpus.utterances[0].id, "a");
  EXPECT_EQ(corpus.utterances[1].id, "b");
  EXPECT_EQ(corpus.utterances[1].position, 1);
  EXPECT_EQ(corpus.utterances[2].dialogue, 1);
  EXPECT_EQ(corpus.modalities[0].features, (std::vector<float>{3, 1, 2}));
  EXPECT_EQ(corpus.modalities[0].width, 1);
  validate_corpus(corpus);
}

TEST(PlainForm, ARowOfNanOrAnEmptyMarkIsMissing) {
  const TempDir folder;
  test::put_file(folder / "utterances.csv", "id,label,present:a\n1,0,1\n2,1,\n3,0,no\n4,1,true\n");
  save_npy(folder / "a.npy", {4, 1}, std::vector<float>{1, 2, NAN, NAN});
  save_npy(folder / "b.npy", {4, 2}, std::vector<float>{1, 2, NAN, NAN, 5, 6, 7, 8});
  const Corpus corpus = load_plain({folder.path(), "", "auto"});
  EXPECT_EQ(corpus.modalities[0].present, (std::vector<std::uint8_t>{1, 0, 0, 0}));
  EXPECT_EQ(corpus.modalities[0].features, (std::vector<float>{1, 0, 0, 0}));
  EXPECT_EQ(corpus.modalities[1].present, (std::vector<std::uint8_t>{1, 0, 1, 1}));
  EXPECT_EQ(corpus.dialogues.size(), 4U);
}

TEST(PlainForm, LabelsAreClassesOrValuesByWhatTheyLookLike) {
  const auto labels = [](const char* first, const char* second, const std::string& settings = "") {
    const TempDir folder;
    put_corpus(folder.path(), std::string("id,label\na,") + first + "\nb," + second + "\n",
               settings);
    return load_plain({folder.path(), "", "auto"});
  };
  EXPECT_EQ(labels("sad", "glad").class_names, (std::vector<std::string>{"glad", "sad"}));
  EXPECT_EQ(labels("sad", "glad").utterances[0].label, 1);
  EXPECT_EQ(labels("10", "9").class_names, (std::vector<std::string>{"9", "10"}));
  EXPECT_EQ(labels("1.5", "-2").label_kind, LabelKind::kValue);
  EXPECT_EQ(labels("1", "-2").label_kind, LabelKind::kValue);
  EXPECT_EQ(labels("1", "2", "task = 'regression'").label_kind, LabelKind::kValue);
  EXPECT_EQ(labels("1", "0", "class_names = ['no', 'yes']").utterances[0].label, 1);
  EXPECT_EQ(labels("yes", "no", "class_names = ['no', 'yes']").utterances[0].label, 1);
}

TEST(PlainForm, ModalitiesCanBeChosenAndRenamed) {
  const TempDir folder;
  put_corpus(folder.path(), "id,label,present:speech\na,x,1\nb,y,0\n");
  save_npy(folder / "words.npy", {2, 1}, std::vector<float>{1, 2});
  const Corpus corpus = load_plain({folder.path(), "textual=words,acoustic=speech", "auto"});
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"textual", "acoustic"}));
  EXPECT_EQ(corpus.modalities[1].present[1], 0);
  EXPECT_THROW(load_plain({folder.path(), "gone", "auto"}), DataError);
  EXPECT_THROW(load_plain({folder.path(), "a=../x", "auto"}), ConfigError);
  EXPECT_THROW(load_plain({folder.path(), "a=speech,a=words", "auto"}), ConfigError);
  EXPECT_THROW(load_plain({folder.path(), "=speech", "auto"}), ConfigError);
}

TEST(PlainForm, BadTablesAreRefusedWithTheirLine) {
  const struct {
    const char* table;
    const char* message;
  } cases[] = {
      {"id,emotion\na,x\nb,y\n", "column 'label' is missing; there are id, emotion"},
      {"id,label\n", "has no row"},
      {"id,label\na,x\na,y\n", "line 3: id 'a' is given twice"},
      {"id,label\n,x\nb,y\n", "line 2: the utterance has no id"},
      {"id,label\na,1.5\nb,nan\n", "line 3: label 'nan' is not a finite number"},
      {"id,label\na,x\nb,\n", "line 3: label '' is none: the utterance seems not to be labelled"},
      {"id,dialogue,label\na,d,x\nb,,y\n", "line 3: it has no dialogue"},
      {"id,dialogue,position,label\na,d,1,x\nb,d,1,y\n", "position 1 is taken twice"},
      {"id,dialogue,position,label\na,d,1,x\nb,d,two,y\n", "position 'two' is not an integer"},
      {"id,label,split\na,x,train\nb,y,tset\n", "split 'tset' is none of"},
      {"id,dialogue,label,split\na,d,x,train\nb,d,y,test\n",
       "dialogue 'd' is in 'train' and in 'test'"},
      {"id,dialogue,label,group\na,d,x,1\nb,d,y,2\n", "dialogue 'd' is in group '1' and in '2'"},
      {"id,label,present:speech\na,x,1\nb,y,maybe\n", "present:speech is 'maybe'; use 1 or 0"},
      {"id,label,difficulty\na,x,1\nb,y,\n", "difficulty '' is not a finite number"},
      {"id,label\na,x\n", "its shape is (2, 2); the table has 1 rows, so [1, D] is expected"},
  };

  for (const auto& [table, message] : cases) {
    EXPECT_NE(table_refusal(table).find(message), std::string::npos) << message << "\n"
                                                                     << table_refusal(table);
  }
  EXPECT_NE(table_refusal("id,label\na,q\nb,r\n", "class_names = ['x', 'y']")
                .find("label 'q' is "
                      "none of"),
            std::string::npos);
}

TEST(PlainForm, BadSettingsAreRefusedWithTheirLine) {
  const std::string table = "id,label\na,x\nb,y\n";
  EXPECT_NE(table_refusal(table, "name = ").find("corpus.toml, line 1"), std::string::npos);
  EXPECT_NE(table_refusal(table, "\nnmae = 'x'").find("line 2: 'nmae' is unknown"),
            std::string::npos);
  EXPECT_NE(table_refusal(table, "name = 3").find("name is not a text"), std::string::npos);
  EXPECT_NE(table_refusal(table, "class_names = 'x'").find("not a list"), std::string::npos);
  EXPECT_NE(table_refusal(table, "task = 'guess'").find("'guess' is none of"), std::string::npos);
}

TEST(PlainForm, BadArraysAreRefusedWithTheirRow) {
  const TempDir folder;
  put_corpus(folder.path(), "id,label\na,x\nb,y\n");
  save_npy(folder / "speech.npy", {2, 2}, std::vector<float>{1, 2, NAN, 4});
  EXPECT_NE(refusal(folder).find("speech.npy, row 1 (b): column 0 is nan"), std::string::npos);
  save_npy(folder / "speech.npy", {2, 2}, std::vector<float>{1, INFINITY, 3, 4});
  EXPECT_NE(refusal(folder).find("row 0 (a): column 1 is inf"), std::string::npos);
  save_npy(folder / "speech.npy", {2, 0}, {});
  EXPECT_NE(refusal(folder).find("its shape is (2, 0)"), std::string::npos);
  save_npy(folder / "speech.npy", {2, 1, 2}, std::vector<float>(4));
  EXPECT_NE(refusal(folder).find("its shape is (2, 1, 2)"), std::string::npos);
  std::filesystem::remove(folder / "speech.npy");
  EXPECT_NE(refusal(folder).find("there is no .npy file"), std::string::npos);
}

TEST(PlainForm, UnknownColumnsAreReportedNotRefused) {
  const TempDir folder;
  put_corpus(folder.path(), "id,label,speakr\na,x,1\nb,y,2\n");
  const Reading reading = read_plain({folder.path(), "", "auto"});
  ASSERT_EQ(reading.findings.size(), 1U);
  EXPECT_EQ(reading.findings[0].severity, Severity::kWarning);
  EXPECT_NE(reading.findings[0].what.find("'speakr'"), std::string::npos);
}

// The five lines of docs/formats.md.
TEST(PlainForm, FiveLinesOfPythonWriteIt) {
  const TempDir folder;
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    ASSERT_FALSE(test::is_ci()) << "python3-numpy is missing under CI";
    GTEST_SKIP() << "python3 with numpy not found";
  }
  test::put_file(folder / "write.py", R"(import numpy
rows = [f"u{i},d{i // 4},{i % 4},{('sad', 'glad')[i % 2]}" for i in range(40)]
open("utterances.csv", "w").write("\n".join(["id,dialogue,position,label"] + rows))
speech = numpy.random.rand(40, 4); speech[1] = numpy.nan          # u1 has no speech
numpy.save("speech.npy", speech); numpy.save("text.npy", numpy.random.rand(40, 3))
)");
  const std::string command = "cd '" + folder.path().string() + "' && /usr/bin/python3 write.py";
  ASSERT_EQ(std::system(command.c_str()), 0);
  DataConfig config;
  config.path = folder.path();
  const Corpus corpus = load_corpus(config, 1);
  EXPECT_EQ(corpus.size(), 40);
  EXPECT_EQ(corpus.class_names, (std::vector<std::string>{"glad", "sad"}));
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"speech", "text"}));
  EXPECT_EQ(corpus.present_pattern(1), Pattern(0b10));
  EXPECT_TRUE(check_corpus(config, 1).is_sound());
}

}  // namespace
}  // namespace hardy
