// Files as written by Mac, Windows, spreadsheets and other extractors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include "formats/npy.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "tests/support/messages.h"
#include "tests/support/small_tree.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using test::put_feature;
using test::put_file;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;

DataConfig at(const fs::path& path) {
  DataConfig config;
  config.path = path;
  return config;
}

std::vector<const Finding*> of_kind(const CheckReport& report, const std::string& kind) {
  std::vector<const Finding*> found;
  for (const auto& finding : report.findings) {
    if (finding.kind == kind) found.push_back(&finding);
  }
  return found;
}

std::int64_t count_of(const CheckReport& report, const std::string& kind) {
  return static_cast<std::int64_t>(of_kind(report, kind).size());
}

/// Rows of the arrays differ, so that no column is constant.
void put_arrays(const fs::path& folder, std::int64_t rows) {
  for (const char* name : {"acoustic", "textual"}) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < 2 * rows; ++i) {
      values.push_back(static_cast<float>((i * 7 + name[0]) % 11));
    }
    put_file(folder / (std::string(name) + ".npy"), format_npy({rows, 2}, values));
  }
}

/// Twelve dialogues of two utterances in three parts; `id` gives the names of dialogue and
/// utterance from the number within its part.
template <typename Name>
void put_parts(const fs::path& folder, const Name& name) {
  std::string table = "id,dialogue,split,label\n";
  for (const char* part : {"train", "dev", "test"}) {
    for (int d = 0; d < 4; ++d) {
      for (int u = 0; u < 2; ++u) {
        const std::string dialogue = name(part, d);
        table +=
            fmt::format("{}_{},{},{},{}\n", dialogue, u, dialogue, part, u == 0 ? "sad" : "glad");
      }
    }
  }
  put_file(folder / "utterances.csv", table);
  put_arrays(folder, 24);
}

TEST(RealFiles, SideFilesOfAMacChangeNothing) {
  const TempDir folder;
  const std::string side = std::string("\0\5\x16\7\0\2\0\0Mac OS X", 16);
  test::put_iemocap(folder / "clean");
  test::put_iemocap(folder / "mac");
  const fs::path mac = folder / "mac";
  for (const auto& entry : fs::recursive_directory_iterator(folder / "clean")) {
    if (entry.is_directory()) continue;
    const auto inside = fs::relative(entry.path(), folder / "clean");
    put_file(mac / inside.parent_path() / ("._" + inside.filename().string()), side);
  }
  put_file(mac / ".DS_Store", side);
  put_file(mac / "features/.DS_Store", side);
  put_file(mac / "features/manet_UTT/.DS_Store", side);
  put_file(mac / "features/__MACOSX/wav2vec-x/._x.npy", side);
  put_file(mac / "features/.ipynb_checkpoints/x.npy", side);
  EXPECT_EQ(load_corpus(at(mac), 2).checksum, load_corpus(at(folder / "clean"), 2).checksum);
  EXPECT_EQ(check_corpus(at(mac), 2).findings.size(),
            check_corpus(at(folder / "clean"), 2).findings.size());
}

TEST(RealFiles, SideFilesBesideFramesAreNoFrames) {
  const TempDir folder;
  test::put_cmu(folder.path());
  const fs::path glove = folder / "features/glove-2";
  fs::remove(glove / "vidA_1.npy");
  put_feature(glove / "vidA_1/0.npy", {1, 2});
  put_feature(glove / "vidA_1/1.npy", {3, 4});
  put_file(glove / "vidA_1/._0.npy", "junk");
  const Corpus corpus = load_corpus(at(folder.path()), 1);
  EXPECT_THAT(corpus.modalities[0].row(0), ElementsAre(2, 3));
}

TEST(RealFiles, NamesOfBothNormalFormsMeet) {
  const std::string composed = "vid\xC3\xA9o";     // form of the labels
  const std::string decomposed = "vide\xCC\x81o";  // form of file names on a Mac
  std::vector<std::string> checksums;
  for (const auto& [in_labels, in_files] :
       {std::pair(composed, composed), std::pair(composed, decomposed),
        std::pair(decomposed, composed)}) {
    const TempDir folder;
    std::vector<test::LabelRow> rows;
    for (int i = 0; i < 3; ++i) {
      const auto name = fmt::format("{}{}", in_labels, i);
      rows.push_back({name, {name + "_1"}, {i - 1.0}, {""}});
      put_feature(folder / "features/glove" / fmt::format("{}{}_1.npy", in_files, i),
                  {static_cast<float>(i), 1});
    }
    put_file(folder / "CMUMOSI_l.pkl",
             test::label_pickle(rows, {{in_labels + "0"}, {in_labels + "1"}, {in_labels + "2"}}));
    checksums.push_back(load_corpus(at(folder.path()), 1).checksum);
  }
  EXPECT_EQ(checksums[0], checksums[1]);
  EXPECT_EQ(checksums[0], checksums[2]);
}

TEST(RealFiles, NamesThatAreNoUtf8AreRefusedAtLoading) {
  const std::string gbk = "\xCA\xFD\xBE\xDD";
  const TempDir folder;
  put_parts(folder / "plain", [](const char* part, int d) { return fmt::format("{}{}", part, d); });
  fs::rename(folder / "plain/textual.npy", folder / ("plain/" + gbk + ".npy"));
  const auto message = message_of<DataError>([&] { load_corpus(at(folder / "plain"), 1); });
  EXPECT_THAT(message, HasSubstr("'\\xCA\\xFD\\xBE\\xDD.npy' is not UTF-8"));
  EXPECT_FALSE(check_corpus(at(folder / "plain"), 1).is_sound());

  put_parts(folder / gbk, [](const char* part, int d) { return fmt::format("{}{}", part, d); });
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder / gbk), 1); }),
              HasSubstr("the path is not UTF-8"));

  test::put_cmu(folder / "tree");
  put_feature(folder / "tree/features/glove-2" / (gbk + ".npy"), {1, 2});
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder / "tree"), 1); }),
              HasSubstr("is not UTF-8"));
}

TEST(RealFiles, IdsThatStartAgainInEachPartAreOneFinding) {
  const TempDir folder;
  put_parts(folder / "again", [](const char*, int d) { return fmt::format("dia{}", d); });
  put_parts(folder / "unique", [](const char* part, int d) {
    return fmt::format("{}_dia{}", std::string(part) == "dev" ? "validation" : part, d);
  });
  const auto report = check_corpus(at(folder / "again"), 1);
  EXPECT_EQ(report.count(Severity::kError), 1);
  ASSERT_EQ(count_of(report, "ids-restart"), 1);
  EXPECT_THAT(of_kind(report, "ids-restart")[0]->what, HasSubstr("8 of them occur in two or more"));
  EXPECT_THAT(of_kind(report, "ids-restart")[0]->remedy, HasSubstr("data.ids=by-part"));
  EXPECT_TRUE(of_kind(report, "ids-restart")[0]->is_mended);
  EXPECT_EQ(corpus_checksum(report.corpus), load_corpus(at(folder / "unique"), 1).checksum);

  auto config = at(folder / "again");
  config.ids = "by-part";
  EXPECT_EQ(load_corpus(config, 1).checksum, load_corpus(at(folder / "unique"), 1).checksum);
  EXPECT_THROW(load_corpus(at(folder / "again"), 1), DataError);
}

TEST(RealFiles, DialoguesThatStartAgainBesideUniqueIdsAreSeenToo) {
  const TempDir folder;
  std::string table = "id,dialogue,split,label\n";
  int id = 0;
  for (const char* part : {"train", "dev", "test"}) {
    for (int d = 0; d < 4; ++d) {
      for (const char* label : {"sad", "glad"}) {
        table += fmt::format("u{},{},{},{}\n", id++, d, part, label);
      }
    }
  }
  put_file(folder / "utterances.csv", table);
  put_arrays(folder.path(), 24);
  const auto report = check_corpus(at(folder.path()), 1);
  EXPECT_EQ(count_of(report, "ids-restart"), 1);
  EXPECT_EQ(report.count(Severity::kError), 1);
}

TEST(RealFiles, OneDialogueInTwoPartsIsStillALeak) {
  const TempDir folder;
  put_parts(folder.path(), [](const char* part, int d) {
    return d == 0 && std::string(part) != "dev" ? std::string("shared") + part[0]
                                                : fmt::format("{}{}", part, d);
  });
  auto text = std::string("id,dialogue,split,label\na,x,train,sad\nb,x,test,glad\n");
  for (int i = 0; i < 8; ++i) {
    text += fmt::format("c{},y{},{},{}\n", i, i, i % 2 == 0 ? "train" : "test",
                        i % 3 == 0 ? "sad" : "glad");
  }
  put_file(folder / "utterances.csv", text);
  put_arrays(folder.path(), 10);
  const auto report = check_corpus(at(folder.path()), 1);
  EXPECT_EQ(count_of(report, "ids-restart"), 0);
  EXPECT_EQ(count_of(report, "both-sides"), 1);
}

// ---- values that cannot be used
// ------------------------------------------------------------------

/// Frames [4, 3] of ones, with `cell` at frame 2, column 1.
std::string frames_with(double cell, bool is_double) {
  if (!is_double) {
    std::vector<float> values(12, 1.0F);
    values[7] = static_cast<float>(cell);
    return format_npy({4, 3}, values);
  }
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3), }";
  header.append(128 - 10 - header.size() - 1, ' ');
  header += '\n';
  std::string bytes =
      std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header;
  for (int i = 0; i < 12; ++i) {
    const double value = i == 7 ? cell : 1.0;
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return bytes;
}

class BadCells : public testing::Test {
 protected:
  void put(const std::string& bytes) {
    test::put_cmu(folder_.path());
    fs::remove_all(folder_ / "features");
    float n = 0;
    for (const auto& row : test::cmu_rows()) {
      for (const auto& id : row.ids) {
        ++n;
        put_feature(folder_ / "features/covarep" / (id + ".npy"), {n, -n, n * n});
        put_feature(folder_ / "features/glove" / (id + ".npy"), {n, -n});
      }
    }
    put_file(folder_ / "features/covarep/vidA_2.npy", bytes);
  }

  [[nodiscard]] DataConfig config(const std::string& not_finite) const {
    DataConfig config = at(folder_.path());
    config.not_finite = not_finite;
    return config;
  }

  TempDir folder_;
};

TEST_F(BadCells, AreNamedByFileFrameAndColumn) {
  const double infinity = std::numeric_limits<double>::infinity();
  put(frames_with(-infinity, false));
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config("refuse"), 1); }),
              HasSubstr("vidA_2.npy: frame 2, column 1 is -inf (1 of 4 frames)"));
  put(frames_with(NAN, false));
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config("refuse"), 1); }),
              HasSubstr("frame 2, column 1 is nan"));
  put(frames_with(1e300, true));
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config("refuse"), 1); }),
              HasSubstr("frame 2, column 1 is 1e+300 (beyond float32)"));
  put(frames_with(-3e38, false));
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config("refuse"), 1); }),
              HasSubstr("its square is beyond float32"));
  put(format_npy({3}, std::vector<float>{1, NAN, 2}));
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config("refuse"), 1); }),
              HasSubstr("column 1 is nan (1 such values)"));
}

TEST_F(BadCells, CanBeLeftOutOfTheMeanOrCountAsMissing) {
  put(frames_with(NAN, false));
  const Corpus skipped = load_corpus(config("skip-frames"), 1);
  EXPECT_THAT(skipped.modalities[0].row(1), ElementsAre(1, 1, 1));
  EXPECT_EQ(skipped.modalities[0].present[1], 1);
  const Corpus missing = load_corpus(config("missing"), 1);
  EXPECT_THAT(missing.modalities[0].row(1), ElementsAre(0, 0, 0));
  EXPECT_EQ(missing.modalities[0].present[1], 0);
  EXPECT_EQ(count_of(check_corpus(config("skip-frames"), 1), "frames-left-out"), 1);
  EXPECT_EQ(count_of(check_corpus(config("missing"), 1), "bad-rows-left-out"), 1);

  put(format_npy({3}, std::vector<float>{1, NAN, 2}));  // an unusable vector is missing
  EXPECT_EQ(load_corpus(config("skip-frames"), 1).modalities[0].present[1], 0);
}

TEST(RealFiles, BadCellsOfThePlainFormAreNamedAndCanCountAsMissing) {
  const TempDir folder;
  put_parts(folder.path(), [](const char* part, int d) { return fmt::format("{}{}", part, d); });
  std::vector<float> values(48, 1.0F);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7);
  values[9] = std::numeric_limits<float>::infinity();
  put_file(folder / "acoustic.npy", format_npy({24, 2}, values));
  const auto report = check_corpus(at(folder.path()), 1);
  ASSERT_EQ(count_of(report, "not-finite"), 1);
  EXPECT_THAT(of_kind(report, "not-finite")[0]->where, HasSubstr("acoustic.npy, row 4"));
  EXPECT_THAT(of_kind(report, "not-finite")[0]->what, HasSubstr("column 1 is inf"));
  auto config = at(folder.path());
  config.not_finite = "missing";
  EXPECT_EQ(load_corpus(config, 1).modalities[0].present[4], 0);
}

TEST(RealFiles, EveryProblemOfThePlainFormIsListed) {
  const TempDir folder;
  put_parts(folder.path(), [](const char* part, int d) { return fmt::format("{}{}", part, d); });
  put_file(folder / "acoustic.npy", format_npy({23, 1}, std::vector<float>(23, 1.0F)));
  std::vector<float> values(24, 1.0F);
  values[3] = NAN;
  values[5] = std::numeric_limits<float>::infinity();
  put_file(folder / "textual.npy", format_npy({12, 2}, values));
  put_file(folder / "visual.npy",
           "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  const auto report = check_corpus(at(folder.path()), 1);
  ASSERT_EQ(count_of(report, "bad-array"), 3);
  EXPECT_THAT(of_kind(report, "bad-array")[0]->what, HasSubstr("its shape is (23, 1)"));
  EXPECT_THAT(of_kind(report, "bad-array")[2]->what, HasSubstr("a Git LFS pointer"));
}

TEST(RealFiles, ALinkThatLeadsNowhereIsNoMissingFile) {
  const TempDir folder;
  test::put_cmu(folder.path());
  const fs::path file = folder / "features/glove-2/vidA_1.npy";
  fs::remove(file);
  fs::create_symlink("/nonexistent/vidA_1.npy", file);
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder.path()), 1); }),
              HasSubstr("a link that leads nowhere"));
}

TEST(RealFiles, UnlabelledRowsAreReadWithADeclaredMark) {
  const TempDir folder;
  std::string table = "id,dialogue,label\n";
  for (int i = 0; i < 24; ++i) {
    table += fmt::format("u{},d{},{}\n", i, i / 2, i == 3 ? "" : i % 2 == 0 ? "sad" : "glad");
  }
  put_file(folder / "utterances.csv", table);
  put_arrays(folder.path(), 24);
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder.path()), 1); }),
              HasSubstr("line 5: label '' is none"));
  put_file(folder / "corpus.toml", "unlabelled = [\"\"]\n");
  EXPECT_FALSE(load_corpus(at(folder.path()), 1).utterances[3].is_labelled());
  fs::remove(folder / "corpus.toml");
  auto config = at(folder.path());
  config.unlabelled = "empty,-1";
  const Corpus corpus = load_corpus(config, 1);
  EXPECT_FALSE(corpus.utterances[3].is_labelled());
  EXPECT_EQ(corpus.class_names.size(), 2U);
  EXPECT_TRUE(check_corpus(config, 1).is_sound());
}

}  // namespace
}  // namespace hardy
