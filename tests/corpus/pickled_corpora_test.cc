// MMSA, MultiBench and conv-emotion pickles; the values are those of make_corpora.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/files.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

DataConfig fixture(const std::string& name) {
  DataConfig config;
  config.path = test::fixtures_dir() / "corpora" / name;
  return config;
}

std::vector<float> row_of(const Corpus& corpus, const std::string& modality,
                          const std::string& id) {
  for (const auto& data : corpus.modalities) {
    if (data.name != modality) continue;
    for (std::int64_t i = 0; i < corpus.size(); ++i) {
      if (corpus.utterances[static_cast<std::size_t>(i)].id != id) continue;
      const auto row = data.row(i);
      return {row.begin(), row.end()};
    }
  }
  ADD_FAILURE() << "no " << modality << " of " << id;
  return {};
}

const Utterance& utterance_of(const Corpus& corpus, const std::string& id) {
  for (const auto& utterance : corpus.utterances) {
    if (utterance.id == id) return utterance;
  }
  throw std::runtime_error("no utterance " + id);
}

std::string dialogue_of(const Corpus& corpus, const std::string& id) {
  return corpus.dialogues[static_cast<std::size_t>(utterance_of(corpus, id).dialogue)].id;
}

bool has_finding(const Reading& reading, const std::string& kind) {
  for (const auto& finding : reading.findings) {
    if (finding.kind == kind) return true;
  }
  return false;
}

TEST(MmsaPickle, RespectsLengthsAndTheMaskOfTheText) {
  const Corpus corpus = load_corpus(fixture("mmsa/unaligned_4.pkl"), 1);
  EXPECT_EQ(corpus.layout, "MMSA pickle; sequences reduced to their mean over frames");
  EXPECT_THAT(corpus.modality_names(), ElementsAre("acoustic", "textual", "visual"));
  EXPECT_EQ(corpus.size(), 7);
  // Sample 0 has one frame (0, 10); sample 1 has (1, 10), (2, 20); sample 2 three frames.
  EXPECT_THAT(row_of(corpus, "acoustic", "vidA$_$2"), ElementsAre(0, 10));
  EXPECT_THAT(row_of(corpus, "acoustic", "vidA$_$1"), ElementsAre(1.5, 15));
  EXPECT_THAT(row_of(corpus, "acoustic", "vidB$_$10"), ElementsAre(3, 20));
  // Two of three frames: (1 + 3) / 2. With the padding it would be 4 / 3.
  EXPECT_THAT(row_of(corpus, "visual", "vidA$_$2"), ElementsAre(2));
  // Tokens 1, 2, 3 of five; the padding is 100.
  EXPECT_THAT(row_of(corpus, "textual", "vidA$_$1"), ElementsAre(2, 1));
}

TEST(MmsaPickle, IdsGiveDialoguesAndTheirOrder) {
  const Corpus corpus = load_corpus(fixture("mmsa/unaligned_4.pkl"), 1);
  EXPECT_EQ(corpus.utterances[0].id, "vidA$_$1");
  EXPECT_EQ(corpus.utterances[1].id, "vidA$_$2");
  EXPECT_EQ(dialogue_of(corpus, "vidA$_$2"), "vidA");
  EXPECT_EQ(corpus.dialogues[0].part, Part::kTrain);
  EXPECT_EQ(corpus.dialogues[2].part, Part::kValidation);
  EXPECT_EQ(corpus.dialogues[3].part, Part::kTest);
  EXPECT_EQ(utterance_of(corpus, "vidA$_$1").transcript, "words 1");
  EXPECT_EQ(corpus.label_kind, LabelKind::kValue);
  EXPECT_EQ(utterance_of(corpus, "vidA$_$1").label, -2.0F);
}

TEST(MmsaPickle, FolderWithOnePickleIsRecognised) {
  EXPECT_EQ(load_corpus(fixture("mmsa"), 1).checksum,
            load_corpus(fixture("mmsa/unaligned_4.pkl"), 1).checksum);
}

TEST(MmsaPickle, DeviationFollowsTheMean) {
  DataConfig config = fixture("mmsa/unaligned_4.pkl");
  config.reduce = "mean-std";
  const Corpus corpus = load_corpus(config, 1);
  EXPECT_THAT(row_of(corpus, "acoustic", "vidA$_$1"), ElementsAre(1.5, 15, 0.5, 5));
  EXPECT_THAT(row_of(corpus, "acoustic", "vidA$_$2"), ElementsAre(0, 10, 0, 0));
  EXPECT_THAT(corpus.layout, HasSubstr("mean and standard deviation"));
}

TEST(MmsaPickle, AnotherLabelIsReadWhenAsked) {
  DataConfig config = fixture("mmsa/unaligned_4.pkl");
  config.label = "annotations";
  const Corpus named = load_corpus(config, 1);
  EXPECT_THAT(named.class_names, ElementsAre("Negative", "Neutral", "Positive"));
  EXPECT_EQ(utterance_of(named, "vidB$_$10").label, 1);
  config.label = "regression";
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(config, 1); }),
              HasSubstr("regression_labels, classification_labels, annotations"));
}

TEST(MmsaPickle, LabelsOfSingleModalitiesAndRecordingsInSeveralParts) {
  DataConfig config = fixture("sims.pkl");
  config.label = "A";
  const Reading reading = read_corpus(config, 1);
  EXPECT_FLOAT_EQ(utterance_of(reading.corpus, "vidA$_$1").label, -1.8F);
  EXPECT_TRUE(has_finding(reading, "dialogue-both-sides"));
  EXPECT_EQ(dialogue_of(reading.corpus, "vidA$_$1"), "vidA (train)");
  EXPECT_EQ(dialogue_of(reading.corpus, "vidA$_$7"), "vidA (test)");
  EXPECT_EQ(dialogue_of(reading.corpus, "vidB$_$10"), "vidB");
}

TEST(MultiBenchPickle, FramesOfZerosAtTheEndsArePadding) {
  const Corpus corpus = load_corpus(fixture("multibench.pkl"), 1);
  EXPECT_THAT(corpus.layout, HasSubstr("MultiBench pickle"));
  const std::string first = "m1_5.0_6.0";  // the second row: it starts earlier
  EXPECT_EQ(corpus.utterances[0].id, first);
  EXPECT_EQ(corpus.utterances[1].id, "m1_7.5_8.5");
  EXPECT_THAT(row_of(corpus, "visual", first), ElementsAre(3, 6));
  EXPECT_THAT(row_of(corpus, "acoustic", first), ElementsAre(3));  // 3, 0, 6
  EXPECT_THAT(row_of(corpus, "textual", first), ElementsAre(1, 1, 7));
  EXPECT_EQ(utterance_of(corpus, first).label, 0);
}

TEST(MultiBenchPickle, SevenLabelsAreSentimentAndEmotions) {
  DataConfig config = fixture("multibench.pkl");
  config.label = "fear";
  EXPECT_EQ(load_corpus(config, 1).utterances[0].label, 3);
}

TEST(MultiBenchPickle, SixEmotionsAtOnce) {
  DataConfig config = fixture("multibench.pkl");
  config.task = "labels";
  const Corpus corpus = load_corpus(config, 1);
  EXPECT_EQ(corpus.label_kind, LabelKind::kLabels);
  EXPECT_THAT(corpus.target_names,
              ElementsAre("happy", "sad", "anger", "surprise", "disgust", "fear"));
  const std::vector<float> first(corpus.targets.begin(), corpus.targets.begin() + 6);
  EXPECT_THAT(first, ElementsAre(0, 1, 1, 0, 0, 1));  // 0, 1, 2, 0, 0, 3 in the file
  config.task = "values";
  config.label = "anger,fear";
  const Corpus values = load_corpus(config, 1);
  EXPECT_THAT(values.target_names, ElementsAre("anger", "fear"));
  EXPECT_EQ(values.targets[1], 3);
}

TEST(ConvEmotionPickle, NineEntriesOfIemocap) {
  const Corpus corpus = load_corpus(fixture("conv_iemocap.pkl"), 1);
  EXPECT_EQ(corpus.layout, "conv-emotion pickle");
  EXPECT_THAT(corpus.modality_names(), ElementsAre("acoustic", "textual", "visual"));
  EXPECT_THAT(corpus.class_names,
              ElementsAre("happy", "sad", "neutral", "angry", "excited", "frustrated"));
  EXPECT_THAT(row_of(corpus, "textual", "Ses01F_a_M000"), ElementsAre(2, 2));
  EXPECT_THAT(row_of(corpus, "acoustic", "Ses01F_a_F000"), ElementsAre(10, 10, 10));
  EXPECT_THAT(row_of(corpus, "visual", "Ses01F_a_M000"), ElementsAre(200));
  const Utterance& utterance = utterance_of(corpus, "Ses01F_a_F000");
  EXPECT_EQ(utterance.speaker, "Ses01_F");
  EXPECT_EQ(utterance.label, 5);
  EXPECT_EQ(utterance.transcript, "said Ses01F_a_F000");
  EXPECT_EQ(corpus.dialogues[0].group, "Ses01");
  EXPECT_EQ(corpus.dialogues[0].part, Part::kTrain);
  EXPECT_EQ(corpus.dialogues[1].part, Part::kTest);
}

TEST(ConvEmotionPickle, MeldCountsUtterancesInEachDialogue) {
  const Corpus corpus = load_corpus(fixture("conv_meld.pkl"), 1);
  EXPECT_THAT(corpus.modality_names(), ElementsAre("acoustic", "textual"));
  EXPECT_EQ(corpus.utterances[0].id, "0_0");
  EXPECT_EQ(corpus.utterances[1].id, "0_1");
  EXPECT_EQ(corpus.class_names[static_cast<std::size_t>(corpus.utterances[1].label)], "anger");
  EXPECT_EQ(corpus.utterances[1].speaker, "0_s1");
  EXPECT_EQ(utterance_of(corpus, "2_0").speaker, "2_s2");
  EXPECT_THAT(row_of(corpus, "acoustic", "0_1"), ElementsAre(3, 4, 5));
  EXPECT_EQ(corpus.dialogues[2].part, Part::kTest);
  DataConfig config = fixture("conv_meld.pkl");
  config.label = "sentiment";
  EXPECT_EQ(utterance_of(load_corpus(config, 1), "0_1").label, 2);
}

/// Python's pickle of {"train": {...}} in protocol 0, with one audio row; `value` is its number.
std::string tiny_split(const std::string& id, const std::string& numbers) {
  return "(dp0\nVtrain\np1\n(dp2\nVid\np3\n(lp4\nV" + id +
         "\np5\nasVlabels\np6\n(lp7\nF1.5\nasVaudio\np8\n" + numbers + "ss.";
}

std::string two_by_two(const std::string& escaped) {
  return "cnumpy.core.multiarray\n_reconstruct\np9\n(cnumpy\nndarray\np10\n(I0\ntS'b'\np11\ntRp12\n"
         "(I1\n(I1\nI2\nI1\ntcnumpy\ndtype\np13\n(S'f4'\nI0\nI1\ntRp14\n(I3\nS'<'\nNNNI-1\nI-1\n"
         "I0\ntbI00\nS'" +
         escaped + "'\ntb";
}

TEST(SplitPickle, BadValuesAreNamedWithPlaceAndRemedy) {
  const test::TempDir folder;
  const std::string infinite = two_by_two("\\x00\\x00\\x80\\x3f\\x00\\x00\\x80\\xff");
  write_file_atomically(folder / "a.pkl", std::string_view(tiny_split("x$_$1", infinite)));
  DataConfig config;
  config.path = (folder / "a.pkl").string();
  const std::string message = message_of<DataError>([&] { load_corpus(config, 1); });
  EXPECT_THAT(message, HasSubstr("audio of x$_$1"));
  EXPECT_THAT(message, HasSubstr("value 0 of frame 1 is -inf"));
  EXPECT_THAT(message, HasSubstr("data.not_finite=skip-frames"));
}

TEST(SplitPickle, UnusableFramesAreLeftOutWhenAsked) {
  const test::TempDir folder;
  const std::string infinite = two_by_two("\\x00\\x00\\x80\\x3f\\x00\\x00\\x80\\xff");
  write_file_atomically(folder / "a.pkl", std::string_view(tiny_split("x$_$1", infinite)));
  DataConfig config;
  config.path = (folder / "a.pkl").string();
  config.not_finite = "skip-frames";
  const Reading reading = read_corpus(config, 1);
  EXPECT_THAT(row_of(reading.corpus, "acoustic", "x$_$1"), ElementsAre(1));
  EXPECT_TRUE(has_finding(reading, "frames-left-out"));
  config.not_finite = "missing";
  EXPECT_EQ(read_corpus(config, 1).corpus.modalities[0].present[0], 0);
}

TEST(SplitPickle, IdsThatStartAgainGetTheirPart) {
  const test::TempDir folder;
  const std::string one = two_by_two("\\x00\\x00\\x80\\x3f\\x00\\x00\\x80\\x3f");
  // The same dict under two keys: Vtest is set to memo 2.
  std::string pickle = tiny_split("x$_$1", one);
  pickle.insert(pickle.size() - 1, "Vtest\np20\ng2\ns");
  write_file_atomically(folder / "a.pkl", std::string_view(pickle));
  DataConfig config;
  config.path = (folder / "a.pkl").string();
  const Reading reading = read_corpus(config, 1);
  EXPECT_TRUE(has_finding(reading, "ids-by-part"));
  EXPECT_EQ(dialogue_of(reading.corpus, "train_x$_$1"), "x (train)");
  EXPECT_EQ(dialogue_of(reading.corpus, "test_x$_$1"), "x (test)");
}

TEST(SplitPickle, DifferingNumbersOfEntriesAreRefused) {
  const test::TempDir folder;
  std::string pickle = tiny_split("x", two_by_two("\\x00\\x00\\x80\\x3f\\x00\\x00\\x80\\x3f"));
  pickle.replace(pickle.find("F1.5\na"), 6, "F1.5\naF2.5\na");
  write_file_atomically(folder / "a.pkl", std::string_view(pickle));
  DataConfig config;
  config.path = (folder / "a.pkl").string();
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config, 1); }),
              HasSubstr("train, labels: 2 entries where the part has 1 utterances"));
}

TEST(Layouts, FilesThatAreNoCorpusAreNamed) {
  const test::TempDir folder;
  const auto message = [&](const std::string& name, const std::string& bytes) {
    write_file_atomically(folder / name, std::string_view(bytes));
    DataConfig config;
    config.path = (folder / name).string();
    return message_of<DataError>([&] { load_corpus(config, 1); });
  };
  EXPECT_THAT(message("a.pkl", "(lp0\nI1\na."), HasSubstr("a list of 1"));
  EXPECT_THAT(message("a.wav", "RIFF"), HasSubstr("the ending '.wav' is no corpus"));
  EXPECT_THAT(message("a.csd", "x"), HasSubstr("give the folder"));
  EXPECT_THAT(message("b.pkl", "cpandas.core.frame\nDataFrame\n."), HasSubstr("to_csv"));
}

TEST(Layouts, SeveralPicklesAskForOne) {
  const test::TempDir folder;
  const std::string tiny = tiny_split("x", two_by_two("\\x00\\x00\\x80\\x3f\\x00\\x00\\x80\\x3f"));
  for (const char* name : {"aligned_50.pkl", "unaligned_50.pkl"}) {
    write_file_atomically(folder / name, std::string_view(tiny));
  }
  DataConfig config;
  config.path = folder.path().string();
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config, 1); }),
              HasSubstr("aligned_50.pkl, unaligned_50.pkl"));
  config.path = (folder / "aligned_50.pkl").string();
  config.format = "conv-emotion";
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config, 1); }),
              HasSubstr("has not the layout 'conv-emotion'"));
}

}  // namespace
}  // namespace hardy
