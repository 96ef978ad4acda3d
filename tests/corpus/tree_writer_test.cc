#include "corpus/tree_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/files.h"
#include "corpus/synth/demo_corpus.h"
#include "corpus/tree.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/write_limit.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

class TreeWriter : public ::testing::Test {
 protected:
  void SetUp() override {
    labels_ = folder_ / "IEMOCAP_features_raw_4way.pkl";
    write_file_atomically(labels_, std::string_view("label bytes"));
    DemoOptions options;
    options.sessions = 1;
    options.dialogues_per_session = 2;
    options.min_utterances = 5;
    options.max_utterances = 9;
    corpus_ = make_demo_corpus(options);
  }

  [[nodiscard]] fs::path features() const { return folder_ / "out" / "IEMOCAP" / "features"; }

  /// The message of write_tree's refusal with this error type; nothing may be written then.
  template <typename ErrorType>
  std::string refusal(const fs::path& out, const fs::path& labels) {
    std::string message = "nothing thrown";
    try {
      write_tree(corpus_, out, labels);
    } catch (const ErrorType& error) {
      message = error.what();
    }
    for (const auto& entry : fs::directory_iterator(folder_)) {
      EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
    }
    return message;
  }

  test::TempDir temporary_;
  fs::path folder_ = temporary_.path();
  fs::path labels_;
  Corpus corpus_;
};

TEST_F(TreeWriter, WritesThePublicLayout) {
  write_tree(corpus_, folder_ / "out", labels_);
  for (std::int64_t i = 0; i < corpus_.size(); ++i) {
    const auto& utterance = corpus_.utterances[static_cast<std::size_t>(i)];
    const auto expect_row = [&](const fs::path& file, const ModalityData& modality) {
      const auto array = load_npy(file);
      EXPECT_EQ(array.shape, (std::vector<std::int64_t>{modality.width}));
      const auto row = modality.row(i);
      EXPECT_TRUE(std::equal(row.begin(), row.end(), array.values.begin())) << file;
    };
    expect_row(features() / "wav2vec-large-c-UTT" / (utterance.id + ".npy"), corpus_.modalities[0]);
    expect_row(features() / "deberta-large-4-UTT" / (utterance.id + ".npy"), corpus_.modalities[1]);
    const std::string side(1, utterance.speaker.back());
    expect_row(features() / "manet_UTT" / utterance.id / ("compress_" + side + ".npy"),
               corpus_.modalities[2]);
    const auto listener = load_npy(features() / "manet_UTT" / utterance.id /
                                   (side == "F" ? "compress_M.npy" : "compress_F.npy"));
    const auto own = corpus_.modalities[2].row(i);
    EXPECT_FALSE(std::equal(own.begin(), own.end(), listener.values.begin()));
  }
  EXPECT_EQ(read_text_file(folder_ / "out" / "IEMOCAP" / labels_.filename()), "label bytes");
  const auto marker = read_text_file(folder_ / "out" / "IEMOCAP" / kSyntheticMarker);
  EXPECT_NE(marker.find("SYNTHETIC"), std::string::npos);
  EXPECT_NE(marker.find("seed 1"), std::string::npos);
}

TEST_F(TreeWriter, SameCorpusSameBytes) {
  write_tree(corpus_, folder_ / "out", labels_);
  write_tree(corpus_, folder_ / "again", labels_);
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out")) {
    if (!entry.is_regular_file()) continue;
    const auto other = folder_ / "again" / fs::relative(entry.path(), folder_ / "out");
    EXPECT_EQ(read_text_file(entry.path()), read_text_file(other)) << other;
    ++files;
  }
  EXPECT_EQ(files, 4 * static_cast<std::size_t>(corpus_.size()) + 2);
}

TEST_F(TreeWriter, OtherDataSetsHaveOneFaceFilePerUtterance) {
  const auto labels = folder_ / "CMUMOSI_features_raw_2way.pkl";
  write_file_atomically(labels, std::string_view("x"));
  corpus_.modalities[0].name = "gaze";
  write_tree(corpus_, folder_ / "out", labels);
  const auto id = corpus_.utterances[0].id + ".npy";
  EXPECT_TRUE(fs::exists(folder_ / "out" / "CMUMOSI" / "features" / "manet_UTT" / id));
  EXPECT_TRUE(fs::exists(folder_ / "out" / "CMUMOSI" / "features" / "gaze" / id));
}

TEST_F(TreeWriter, OurReaderReadsTheSameCorpusBack) {
  HARDY_NEEDS_SHARED("data/IEMOCAP/IEMOCAP_features_raw_4way.pkl");
  const auto labels = test::shared_dir() / "data/IEMOCAP/IEMOCAP_features_raw_4way.pkl";
  DrawOptions options;
  options.modalities = {{"acoustic", 6, 0.7}, {"textual", 8, 0.77}, {"visual", 7, 0.57}};
  options.missing_rate = 0.1;
  Corpus corpus = draw_features(load_tree_label_corpus(labels), options);
  EXPECT_EQ(corpus.name, "IEMOCAP-4 (synthetic features)");
  EXPECT_EQ(corpus.size(), 5531);
  // Only the first dialogues get files: a missing file is a missing modality, and thousands of
  // small files are slow on some machines.
  const auto kept = corpus.dialogues[10].first;
  for (auto& modality : corpus.modalities) {
    std::fill(modality.present.begin() + kept, modality.present.end(), std::uint8_t{0});
    std::fill(modality.features.begin() + kept * modality.width, modality.features.end(), 0.0F);
  }
  write_tree(corpus, folder_ / "out", labels);
  TreeOptions tree;
  tree.root = folder_ / "out" / "IEMOCAP";
  const Corpus read = read_tree(tree).corpus;
  EXPECT_TRUE(read.is_synthetic);
  EXPECT_EQ(read.modality_names(), corpus.modality_names());
  EXPECT_EQ(corpus_checksum(read), corpus_checksum(corpus));
}

TEST_F(TreeWriter, AMonologueStillHasAListener) {
  for (auto& utterance : corpus_.utterances) utterance.speaker = "Ses01_F";
  write_tree(corpus_, folder_ / "out", labels_);
  EXPECT_TRUE(fs::exists(features() / "manet_UTT" / corpus_.utterances[0].id / "compress_M.npy"));
}

TEST_F(TreeWriter, AnEmptyFolderIsFilledAndATrailingSlashIsTheSameFolder) {
  fs::create_directories(folder_ / "out");
  write_tree(corpus_, (folder_ / "out").string() + "/", labels_);
  EXPECT_TRUE(fs::exists(features()));
}

TEST_F(TreeWriter, RefusesAFolderThatHoldsSomething) {
  const auto message = refusal<ConfigError>(folder_, labels_);
  EXPECT_NE(message.find("is not an empty folder"), std::string::npos) << message;
  EXPECT_EQ(read_text_file(labels_), "label bytes");
}

TEST_F(TreeWriter, RefusesRealFeaturesOddIdsSpeakersAndMissingLabels) {
  const auto out = folder_ / "out";
  EXPECT_NE(refusal<DataError>(out, folder_ / "none.pkl").find("no such file"), std::string::npos);
  corpus_.utterances[3].speaker = "Ses01_X";
  EXPECT_NE(refusal<DataError>(out, labels_).find("'Ses01_X'"), std::string::npos);
  corpus_.utterances[3].id = "../escape";
  EXPECT_NE(refusal<DataError>(out, labels_).find("'../escape' cannot be a file name"),
            std::string::npos);
  corpus_.is_synthetic = false;
  EXPECT_NE(refusal<ConfigError>(out, labels_).find("this corpus is real"), std::string::npos);
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(TreeWriter, AFolderThatCannotBeMadeIsAnIoError) {
  const auto forbidden = refusal<IoError>("/proc/hardy-cannot-write-here", labels_);
  EXPECT_EQ(forbidden.find("/proc/hardy-cannot-write-here: cannot be written"), 0U) << forbidden;
}

TEST_F(TreeWriter, AFullDiskNamesTheFileThatWasAskedForAndLeavesNothing) {
  const test::WriteLimit limit(100);
  const auto message = refusal<IoError>(folder_ / "out", labels_);
  EXPECT_EQ(message.find((folder_ / "out/IEMOCAP/features/").string()), 0U) << message;
  EXPECT_NE(message.find("choose another folder"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST(TreeNames, DataSetIsThePartBeforeFeaturesRaw) {
  EXPECT_EQ(data_set_of("/x/IEMOCAP_features_raw_6way.pkl"), "IEMOCAP");
  EXPECT_EQ(data_set_of("mine.pkl"), "mine");
  EXPECT_EQ(feature_folder_name("acoustic"), "wav2vec-large-c-UTT");
  EXPECT_EQ(feature_folder_name("eeg"), "eeg");
}

}  // namespace
}  // namespace hardy
