#include "corpus/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "corpus/tree_writer.h"
#include "formats/npy.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/shared_data.h"
#include "tests/support/small_tree.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using test::put_feature;
using test::TempDir;
using testing::HasSubstr;

Corpus load(const std::filesystem::path& root, const std::string& modalities = "") {
  return load_tree({root, "", modalities, 2});
}

std::string refusal(const std::filesystem::path& root, const std::string& modalities = "") {
  return message_of<DataError>([&] { load(root, modalities); });
}

/// The error of a label file.
std::string label_refusal(const std::string& pickle) {
  const TempDir folder;
  test::put_file(folder / "labels.pkl", pickle);
  return message_of<DataError>([&] { load_tree_label_corpus(folder / "labels.pkl"); });
}

TEST(Tree, IemocapHasSessionsSpeakersAndClassesInOrderOfNames) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  const Corpus corpus = load(folder.path());
  validate_corpus(corpus);
  EXPECT_EQ(corpus.name, "IEMOCAP-4");
  EXPECT_EQ(corpus.class_names, (std::vector<std::string>{"happy", "sad", "neutral", "angry"}));
  ASSERT_EQ(corpus.size(), 8);
  EXPECT_EQ(corpus.dialogues[0].id, "Ses01F_a");
  EXPECT_EQ(corpus.dialogues[0].group, "Ses01");
  EXPECT_EQ(corpus.dialogues[0].part, Part::kNone);
  EXPECT_EQ(corpus.dialogues[3].id, "Ses02M_a");
  EXPECT_EQ(corpus.utterances[0].label, 2);
  EXPECT_EQ(corpus.utterances[0].speaker, "Ses01_F");
  EXPECT_EQ(corpus.utterances[7].speaker, "Ses02_M");
  EXPECT_EQ(corpus.utterances[1].transcript, "Ses01F_a_1");
  EXPECT_FALSE(corpus.is_synthetic);
}

TEST(Tree, FeaturesGoToTheirUtteranceAndTheSpeakersFaceIsTaken) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  const Corpus corpus = load(folder.path());
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"acoustic", "textual", "visual"}));
  // Ses01F_a was the second dialogue written: its utterances hold 3 and 4.
  const auto row = [&](std::size_t m, std::int64_t i) {
    const auto values = corpus.modalities[m].row(i);
    return std::vector<float>(values.begin(), values.end());
  };
  EXPECT_EQ(row(0, 0), (std::vector<float>{3, -3, 0.5F}));
  EXPECT_EQ(row(1, 1), (std::vector<float>{4, 16}));
  EXPECT_EQ(row(2, 0), (std::vector<float>{1, 3}));
  EXPECT_EQ(row(2, 1), (std::vector<float>{2, 4}));
}

TEST(Tree, ThreadsDoNotChangeTheResult) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  const auto sum = [&](int jobs) {
    return corpus_checksum(load_tree({folder.path(), "", "", jobs}));
  };
  EXPECT_EQ(sum(1), sum(4));
}

TEST(Tree, SixEmotionsAreRecognisedByTheirLabels) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  auto rows = test::iemocap_rows();
  rows[0].labels[0] = 5;
  test::put_file(folder / "labels.pkl", test::label_pickle(rows, {{}, {}}));
  const Corpus corpus = load(folder.path());
  EXPECT_EQ(corpus.name, "IEMOCAP-6");
  EXPECT_EQ(corpus.class_names.back(), "frustrated");
}

TEST(Tree, CmuHasValuesAndTheOfficialSplit) {
  const TempDir folder;
  test::put_cmu(folder.path());
  const Corpus corpus = load(folder.path());
  validate_corpus(corpus);
  EXPECT_EQ(corpus.name, "CMU-MOSI");
  EXPECT_EQ(corpus.label_kind, LabelKind::kValue);
  EXPECT_EQ(corpus.utterances[0].label, -2.5F);
  EXPECT_EQ(corpus.utterances[0].speaker, "");
  EXPECT_EQ(corpus.dialogues[0].part, Part::kTrain);
  EXPECT_EQ(corpus.dialogues[1].part, Part::kValidation);
  EXPECT_EQ(corpus.dialogues[2].part, Part::kTest);
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"textual"}));
}

TEST(Tree, TheFeaturesFolderItselfMayBeGiven) {
  const TempDir folder;
  test::put_cmu(folder.path());
  EXPECT_EQ(load(folder / "features").size(), 6);
  EXPECT_TRUE(is_tree(folder / "features"));
  EXPECT_FALSE(is_tree(folder / "features/glove-2/none"));
}

TEST(Tree, SequencesFoldersOfFramesAndEmptyArraysFollowTheReaderRule) {
  const TempDir folder;
  test::put_cmu(folder.path());
  const auto features = folder / "features/glove-2";
  test::put_file(features / "vidA_1.npy", format_npy({2, 2}, std::vector<float>{1, 2, 3, 4}));
  std::filesystem::remove(features / "vidA_2.npy");
  put_feature(features / "vidA_2/001.npy", {1, 1});
  put_feature(features / "vidA_2/002.npy", {5, 3});
  test::put_file(features / "vidB_1.npy", format_npy({0}, {}));
  const Corpus corpus = load(folder.path());
  EXPECT_EQ(corpus.modalities[0].features[0], 2);
  EXPECT_EQ(corpus.modalities[0].features[1], 3);
  EXPECT_EQ(corpus.modalities[0].features[2], 3);
  EXPECT_EQ(corpus.modalities[0].features[3], 2);
  EXPECT_EQ(corpus.modalities[0].features[4], 0);
  EXPECT_EQ(corpus.modalities[0].present[2], 1);
}

TEST(Tree, FacesOfOtherNamesAreFoundByTheirLetter) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  const auto faces = folder / "features/manet_UTT/Ses01F_a_0";
  std::filesystem::remove_all(faces);
  put_feature(faces / "left_M.npy", {7, 7});
  put_feature(faces / "right_F.npy", {8, 8});
  EXPECT_EQ(load(folder.path()).modalities[2].features[0], 8);
  std::filesystem::remove(faces / "right_F.npy");
  EXPECT_EQ(load(folder.path()).modalities[2].present[0], 0);
  put_feature(faces / "F1.npy", {1, 1});
  put_feature(faces / "F2.npy", {1, 1});
  EXPECT_THAT(refusal(folder.path()), HasSubstr("2 files hold the letter F"));
}

TEST(Tree, AMissingFileIsAReallyMissingModality) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  std::filesystem::remove(folder / "features/wav2vec-x/Ses01F_a_0.npy");
  const Reading reading = read_tree({folder.path(), "", "", 1});
  EXPECT_EQ(reading.corpus.present_pattern(0), Pattern(0b110));
  EXPECT_EQ(reading.corpus.modalities[0].features[0], 0);
  ASSERT_EQ(reading.findings.size(), 1U);
  EXPECT_EQ(reading.findings[0].kind, "missing-file");
  EXPECT_EQ(reading.findings[0].severity, Severity::kWarning);
  validate_corpus(load(folder.path()));
}

TEST(Tree, MostlyMissingFilesMeanTheWrongFolder) {
  const TempDir folder;
  test::put_cmu(folder.path());
  for (const char* id : {"vidA_1", "vidA_2", "vidB_1", "vidB_2"}) {
    std::filesystem::remove(folder / ("features/glove-2/" + std::string(id) + ".npy"));
  }
  EXPECT_THAT(refusal(folder.path()), HasSubstr("only 2 of 6 utterances"));
}

TEST(Tree, BadFeatureFilesAreNamed) {
  const TempDir folder;
  test::put_cmu(folder.path());
  const auto file = folder / "features/glove-2/vidB_2.npy";
  put_feature(file, {1, 2, 3});
  EXPECT_THAT(refusal(folder.path()),
              testing::AllOf(HasSubstr("vidB_2"), HasSubstr("3 values, the others have 2")));
  put_feature(file, {1, NAN});
  EXPECT_THAT(refusal(folder.path()), HasSubstr("column 1 is nan"));
  test::put_file(file, "not numpy");
  EXPECT_THAT(refusal(folder.path()),
              testing::AllOf(HasSubstr("vidB_2.npy"), HasSubstr("not a usable .npy file")));
  std::filesystem::remove(file);
  std::filesystem::create_directories(file);
  EXPECT_THAT(refusal(folder.path(), ""), HasSubstr("vidB_2"));
}

TEST(Tree, AllProblemsAreCollectedInOrder) {
  const TempDir folder;
  test::put_cmu(folder.path());
  put_feature(folder / "features/glove-2/vidA_2.npy", {1});
  put_feature(folder / "features/glove-2/vidB_1.npy", {1, INFINITY});
  put_feature(folder / "features/glove-2/vidC_2.npy", {1, NAN});
  std::filesystem::remove(folder / "features/glove-2/vidC_1.npy");
  const Reading reading = read_tree({folder.path(), "", "", 3});
  std::vector<std::string> kinds;
  for (const auto& finding : reading.findings) kinds.push_back(finding.kind);
  EXPECT_EQ(kinds,
            (std::vector<std::string>{"wrong-width", "not-finite", "missing-file", "not-finite"}));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("and 2 more errors"));
}

TEST(Tree, SeveralFoldersOrLabelFilesAskTheUserToChoose) {
  const TempDir folder;
  test::put_iemocap(folder.path());
  std::filesystem::copy(folder / "features/wav2vec-x", folder / "features/hubert-y");
  const auto message = message_of<ConfigError>([&] { load(folder.path()); });
  EXPECT_THAT(message, HasSubstr("several folders hold acoustic features (hubert-y, wav2vec-x)"));
  const Corpus corpus = load(folder.path(), "acoustic=hubert-y, words=deberta-x,manet_UTT");
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"acoustic", "words", "visual"}));
  EXPECT_THAT(message_of<ConfigError>([&] { load(folder.path(), "a=gone"); }),
              HasSubstr("there are deberta-x, hubert-y, manet_UTT, wav2vec-x"));
  EXPECT_THROW(load(folder.path(), "wav2vec-x,hubert-y"), ConfigError);
  std::filesystem::copy(folder / "labels.pkl", folder / "other.pkl");
  EXPECT_THAT(message_of<ConfigError>([&] { load(folder.path(), "wav2vec-x"); }),
              HasSubstr("labels.pkl, other.pkl"));
  EXPECT_EQ(load_tree({folder.path(), "other.pkl", "wav2vec-x", 1}).size(), 8);
}

TEST(Tree, MissingFoldersAndLabelFilesAreNamed) {
  const TempDir folder;
  EXPECT_THAT(refusal(folder / "gone"), HasSubstr("no such folder"));
  test::put_cmu(folder.path());
  EXPECT_THAT(message_of<DataError>([&] {
                load_tree({folder.path(), "gone.pkl", "", 1});
              }),
              HasSubstr("gone.pkl: no such label file"));
  std::filesystem::remove(folder / "CMUMOSI_labels.pkl");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("no label file"));
  test::put_file(folder / "a.pkl", test::label_pickle(test::cmu_rows(), test::kCmuParts));
  std::filesystem::remove_all(folder / "features/glove-2");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("no folder of .npy files"));
}

TEST(Tree, ASyntheticMarkerIsKept) {
  const TempDir folder;
  test::put_cmu(folder.path());
  test::put_file(folder / kSyntheticMarker, "");
  EXPECT_TRUE(load(folder.path()).is_synthetic);
  EXPECT_TRUE(load(folder / "features").is_synthetic);
}

TEST(TreeLabels, BadRecordsAreNamed) {
  const auto with = [](auto change) {
    auto rows = test::iemocap_rows();
    change(rows[0]);
    return label_refusal(test::label_pickle(rows, {{}, {}}));
  };
  using Row = test::LabelRow;
  EXPECT_THAT(
      with([](Row& r) { r.labels.pop_back(); }),
      testing::AllOf(HasSubstr("dialogue Ses02F_b"), HasSubstr("2 utterances with 1 labels")));
  EXPECT_THAT(with([](Row& r) { r.labels[0] = 6; }), HasSubstr("its label is 6, outside"));
  EXPECT_THAT(with([](Row& r) { r.labels[0] = 0.5; }), HasSubstr("its label is 0.5, outside"));
  EXPECT_THAT(with([](Row& r) { r.labels[0] = NAN; }), HasSubstr("its label is nan"));
  EXPECT_THAT(with([](Row& r) { r.speakers[0] = "X"; }), HasSubstr("speaker is 'X' instead of F"));
  EXPECT_THAT(with([](Row& r) { r.ids[1] = r.ids[0]; }), HasSubstr("listed twice"));
  EXPECT_THAT(with([](Row& r) { r.ids[1] = "../../etc/passwd"; }), HasSubstr("file name"));
  EXPECT_THAT(with([](Row& r) { r.ids[1] = ""; }), HasSubstr("file name"));
  EXPECT_THAT(with([](Row& r) { r.dialogue = "talk"; }), HasSubstr("use the plain form"));
  EXPECT_THAT(with([](Row& r) { r.dialogue = "Ses01F_a"; }), HasSubstr("listed twice"));
}

TEST(TreeLabels, AnEmptyDialogueIsLeftOutWithAWarning) {
  const TempDir folder;
  test::put_cmu(folder.path());
  auto rows = test::cmu_rows();
  rows.push_back({"vidD", {}, {}, {}});
  test::put_file(folder / "CMUMOSI_labels.pkl",
                 test::label_pickle(rows, {{"vidA"}, {"vidB"}, {"vidC", "vidD"}}));
  const Reading reading = read_tree({folder.path(), "", "", 1});
  EXPECT_EQ(reading.corpus.dialogues.size(), 3U);
  ASSERT_EQ(reading.findings.size(), 1U);
  EXPECT_EQ(reading.findings[0].kind, "empty-dialogue");
}

TEST(TreeLabels, SplitsThatOverlapOrForgetAreRefused) {
  const auto rows = test::cmu_rows();
  EXPECT_THAT(label_refusal(test::label_pickle(rows, {{"vidA", "vidC"}, {"vidB"}, {"vidC"}})),
              testing::AllOf(HasSubstr("vidC"), HasSubstr("two parts")));
  EXPECT_THAT(label_refusal(test::label_pickle(rows, {{"vidA"}, {}, {"vidC"}})),
              testing::AllOf(HasSubstr("vidB"), HasSubstr("no part")));
  auto wide = rows;
  wide[0].labels[0] = 3.5;
  EXPECT_THAT(label_refusal(test::label_pickle(wide, test::kCmuParts)),
              HasSubstr("label is 3.5, outside [-3, 3]"));
}

TEST(TreeLabels, OtherPicklesAreRefusedWithAHint) {
  EXPECT_THAT(label_refusal("(l."), HasSubstr("a list of 0"));
  EXPECT_THAT(label_refusal("I1\n."), HasSubstr("the integer 1"));
  EXPECT_THAT(label_refusal("(I1\nI2\nI3\nI4\nI5\nI6\nl."), HasSubstr("where a dict"));
  EXPECT_THAT(label_refusal("(}}}}]]l."), HasSubstr("it lists no dialogue"));
  EXPECT_THAT(label_refusal("cos\nsystem\n."), HasSubstr("os.system"));
}

// Counts of the public files as in docs/formats.md.
TEST(TreeOnRealData, IemocapLabelFilesHaveThePublishedCounts) {
  HARDY_NEEDS_SHARED("data/IEMOCAP");

  const struct {
    const char* file;
    std::vector<int> classes;
    std::vector<int> sessions;
  } expected[] = {
      {"IEMOCAP_features_raw_4way.pkl", {1636, 1084, 1708, 1103}, {1085, 1023, 1151, 1031, 1241}},
      {"IEMOCAP_features_raw_6way.pkl",
       {648, 1084, 1708, 1103, 1041, 1849},
       {1373, 1356, 1569, 1512, 1623}},
  };

  for (const auto& wanted : expected) {
    const Corpus corpus = load_tree_label_corpus(test::shared_dir() / "data/IEMOCAP" / wanted.file);
    EXPECT_EQ(corpus.dialogues.size(), 151U);
    std::vector<int> classes(wanted.classes.size());
    std::map<std::string, int> sessions;
    std::set<std::string> speakers;
    for (const auto& utterance : corpus.utterances) {
      ++classes[static_cast<std::size_t>(utterance.label)];
      ++sessions[corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].group];
      speakers.insert(utterance.speaker);
      EXPECT_EQ(utterance.id[utterance.id.size() - 4], utterance.speaker.back());
    }
    EXPECT_EQ(classes, wanted.classes);
    EXPECT_EQ(speakers.size(), 10U);
    std::vector<int> counts;
    for (const auto& [name, count] : sessions) counts.push_back(count);
    EXPECT_EQ(counts, wanted.sessions);
  }
}

TEST(TreeOnRealData, CmuMosiHasItsUtterancesVideosAndSplit) {
  HARDY_NEEDS_SHARED("data/CMUMOSI");
  const Corpus corpus = load(test::shared_dir() / "data/CMUMOSI");
  validate_corpus(corpus);
  EXPECT_EQ(corpus.name, "CMU-MOSI");
  EXPECT_EQ(corpus.size(), 2199);
  std::map<Part, std::pair<int, std::int64_t>> parts;
  for (const auto& dialogue : corpus.dialogues) {
    ++parts[dialogue.part].first;
    parts[dialogue.part].second += dialogue.count;
  }
  EXPECT_EQ(parts[Part::kTrain], std::pair(52, std::int64_t{1209}));
  EXPECT_EQ(parts[Part::kValidation], std::pair(10, std::int64_t{238}));
  EXPECT_EQ(parts[Part::kTest], std::pair(31, std::int64_t{752}));
  int zeros = 0;
  for (const auto& utterance : corpus.utterances) zeros += utterance.label == 0 ? 1 : 0;
  EXPECT_EQ(zeros, 96);
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"acoustic", "textual", "visual"}));
  EXPECT_EQ(corpus.modalities[0].width, 73);
  EXPECT_EQ(corpus.modalities[1].width, 100);
  // Its first utterance, read with numpy and pickle.
  EXPECT_EQ(corpus.utterances[0].id, "03bSnISJMiM_1");
  EXPECT_EQ(corpus.utterances[0].label, 2.4F);
  EXPECT_EQ(corpus.utterances[0].transcript, "ANYHOW IT WAS REALLY GOOD");
  EXPECT_EQ(corpus.modalities[0].features[0], 211.09F);
  EXPECT_EQ(corpus.modalities[1].features[99], -0.187858F);
}

}  // namespace
}  // namespace hardy
