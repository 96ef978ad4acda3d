// CMU-MultimodalSDK, merged HDF5, MMIN and label tables; the values are those of make_corpora.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "corpus/csd_sequences.h"
#include "corpus/label_table.h"
#include "corpus/plain_form.h"
#include "formats/npy.h"
#include "formats/pickle_writer.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

DataConfig at(const fs::path& path) {
  DataConfig config;
  config.path = path.string();
  return config;
}

fs::path fixture(const std::string& name) { return test::fixtures_dir() / "corpora" / name; }

std::size_t index_of(const Corpus& corpus, const std::string& id) {
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    if (corpus.utterances[i].id == id) return i;
  }
  throw std::runtime_error("no utterance " + id);
}

std::vector<float> features(const Corpus& corpus, std::size_t m, const std::string& id) {
  const auto row = corpus.modalities[m].row(static_cast<std::int64_t>(index_of(corpus, id)));
  return {row.begin(), row.end()};
}

TEST(CsdFolder, AveragesTheFramesOfEachLabelInterval) {
  const Corpus corpus = load_corpus(at(fixture("csd")), 1);
  EXPECT_THAT(corpus.layout, HasSubstr("CMU-MultimodalSDK"));
  EXPECT_THAT(corpus.modality_names(), ElementsAre("acoustic", "visual"));
  ASSERT_EQ(corpus.size(), 3);
  // v1[0] is 0 to 2 s: frames 0 and 1. v1[1] is 1.5 to 4 s: frames 1, 2 and 3.
  EXPECT_THAT(features(corpus, 0, "v1[0]"), ElementsAre(2, 3));
  EXPECT_THAT(features(corpus, 0, "v1[1]"), ElementsAre(5, 6));
  EXPECT_THAT(features(corpus, 0, "v2[0]"), ElementsAre(10, 20));
  EXPECT_THAT(features(corpus, 1, "v1[0]"), ElementsAre(0.5));
  EXPECT_THAT(features(corpus, 1, "v1[1]"), ElementsAre(1));
}

TEST(CsdFolder, WhatNoFrameOverlapsIsMissing) {
  const Corpus corpus = load_corpus(at(fixture("csd")), 1);
  EXPECT_EQ(corpus.modalities[1].present[index_of(corpus, "v2[0]")], 0);
  EXPECT_EQ(corpus.modalities[0].present[index_of(corpus, "v2[0]")], 1);
}

TEST(CsdFolder, WordsLabelsAndSplit) {
  const Corpus corpus = load_corpus(at(fixture("csd")), 1);
  EXPECT_EQ(corpus.utterances[0].transcript, "so");  // "sp" is a pause
  EXPECT_EQ(corpus.utterances[1].transcript, "good bad");
  EXPECT_EQ(corpus.utterances[1].label, 2.5F);
  EXPECT_EQ(corpus.dialogues[0].id, "v1");
  EXPECT_EQ(corpus.dialogues[0].part, Part::kTrain);
  EXPECT_EQ(corpus.dialogues[1].part, Part::kTest);
  DataConfig config = at(fixture("csd"));
  config.label = "fear";
  EXPECT_EQ(load_corpus(config, 1).utterances[0].label, 2);
}

TEST(CsdFolder, NamesOfSequences) {
  EXPECT_EQ(kind_of_sequence("CMU_MOSI_Opinion_Labels"), SequenceKind::kLabels);
  EXPECT_EQ(kind_of_sequence("CMU_MOSI_TimestampedWords"), SequenceKind::kWords);
  EXPECT_EQ(kind_of_sequence("CMU_MOSI_TimestampedWordVectors"), SequenceKind::kFeatures);
  EXPECT_EQ(kind_of_sequence("CMU_MOSI_TimestampedPhones"), SequenceKind::kOther);
  EXPECT_EQ(modality_of_sequence("CMU_MOSI_openSMILE_IS09"), "acoustic");
  EXPECT_EQ(modality_of_sequence("CMU_MOSI_TimestampedWordVectors"), "textual");
  EXPECT_EQ(modality_of_sequence("CMU_MOSEI_VisualOpenFace2"), "visual");
}

TEST(CsdFolder, LabelsAndChoicesAreAskedFor) {
  const test::TempDir folder;
  fs::copy_file(fixture("csd/CMU_MOSEI_COVAREP.csd"), folder / "CMU_MOSEI_COVAREP.csd");
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder.path()), 1); }),
              HasSubstr("no sequence holds labels"));
  fs::copy_file(fixture("csd/CMU_MOSEI_Labels.csd"), folder / "CMU_MOSEI_Labels.csd");
  fs::copy_file(fixture("csd/CMU_MOSEI_COVAREP.csd"), folder / "CMU_MOSEI_openSMILE.csd");
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(at(folder.path()), 1); }),
              HasSubstr("several sequences hold acoustic features"));
  DataConfig config = at(folder.path());
  config.modalities = "voice=CMU_MOSEI_openSMILE";
  EXPECT_EQ(load_corpus(config, 1).modalities[0].name, "voice");
  write_file_atomically(folder / "split.csv", std::string_view("dialogue,split\nv1,learn\n"));
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config, 1); }),
              HasSubstr("split.csv, line 2: 'learn' is none of"));
}

TEST(CsdFolder, RecordingsOfTheSplitThatAreSpeltOtherwiseAreNamed) {
  const test::TempDir folder;
  fs::copy(fixture("csd"), folder.path(), fs::copy_options::recursive);
  const auto put = [&](std::string_view table) {
    write_file_atomically(folder / "split.csv", table);
  };
  put("\xEF\xBB\xBF"
      "dialogue;split\r\nv1;Train\r\nv2;TEST\r\n");
  EXPECT_EQ(load_corpus(at(folder.path()), 1).dialogues[1].part, Part::kTest);
  put("dialogue,split\nV1,train\nV2,test\n");
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(at(folder.path()), 1); }),
              HasSubstr("2 of its 2 recordings have no label, e.g. 'V1'; those with labels are "
                        "called like 'v1'"));
  put("dialogue,split\nv1,train\nv2,test\nv3,test\n");
  std::vector<Finding> warnings;
  load_corpus(at(folder.path()), 1, &warnings);
  EXPECT_EQ(std::count_if(warnings.begin(), warnings.end(),
                          [](const auto& w) { return w.kind == "unknown-dialogue"; }),
            1);
}

TEST(MergedHdf5, EntriesAreUtterances) {
  const Corpus corpus = load_corpus(at(fixture("merged.hdf5")), 1);
  EXPECT_EQ(corpus.size(), 3);
  EXPECT_EQ(corpus.dialogues.size(), 1U);
  EXPECT_THAT(features(corpus, 0, "w1[2]"), ElementsAre(4));
  EXPECT_THAT(features(corpus, 1, "w1[2]"), ElementsAre(2, 2));
  EXPECT_EQ(corpus.utterances[2].transcript, "word 2");
  EXPECT_EQ(corpus.utterances[2].label, 1);
}

TEST(MminTree, ReadsSequencesAndNamesOfTheFirstFold) {
  const Reading reading = read_corpus(at(fixture("mmin")), 1);
  const Corpus& corpus = reading.corpus;
  EXPECT_EQ(corpus.layout,
            "HDF5 folder of MMIN and CIF-MMIN; sequences reduced to their mean over frames");
  EXPECT_THAT(corpus.modality_names(), ElementsAre("acoustic", "textual", "visual"));
  ASSERT_EQ(corpus.size(), 5);
  // The third utterance of make_corpora.py has three frames 3, 4, 5 and one of padding.
  EXPECT_THAT(features(corpus, 0, "Ses02M_y_F001"), ElementsAre(4, 4, 4));
  EXPECT_THAT(features(corpus, 0, "Ses01F_x_M000"), ElementsAre(2.5, 2.5, 2.5));
  EXPECT_EQ(corpus.utterances[index_of(corpus, "Ses01F_x_M000")].speaker, "Ses01_M");
  EXPECT_EQ(corpus.utterances[index_of(corpus, "Ses01F_x_M000")].label, 2);  // (13 + 1) % 4
  EXPECT_EQ(corpus.dialogues[0].group, "Ses01");
  EXPECT_EQ(corpus.class_names.size(), 4U);
}

TEST(FeatureTable, MerbenchArchiveOfLabels) {
  const Corpus corpus = load_corpus(at(fixture("merbench")), 1);
  EXPECT_THAT(corpus.class_names, ElementsAre("happy", "sad"));
  EXPECT_THAT(features(corpus, 0, "s3"), ElementsAre(2, 1));
  EXPECT_THAT(features(corpus, 1, "s3"), ElementsAre(3, 1));  // frames (2, 0) and (4, 2)
  EXPECT_EQ(corpus.dialogues[index_of(corpus, "s3")].part, Part::kValidation);
  DataConfig config = at(fixture("merbench"));
  config.label = "val";
  const Corpus values = load_corpus(config, 1);
  EXPECT_EQ(values.utterances[index_of(values, "s2")].label, -1.0F);
}

TEST(FeatureTable, MeldIdsGetTheirPart) {
  const Corpus corpus = load_corpus(at(fixture("meld")), 1);
  EXPECT_THAT(corpus.layout, HasSubstr("MELD label tables"));
  EXPECT_EQ(corpus.size(), 6);
  EXPECT_THAT(corpus.class_names, ElementsAre("anger", "joy", "neutral"));
  // The table lists utterance 1 before 0.
  const std::size_t first = index_of(corpus, "train_dia0_utt0");
  EXPECT_EQ(corpus.utterances[first].position, 0);
  EXPECT_EQ(corpus.utterances[first].transcript, "Oh, train 1");
  EXPECT_EQ(corpus.utterances[first].speaker, "Joey");
  EXPECT_THAT(features(corpus, 1, "train_dia0_utt0"), ElementsAre(1, 1));
  EXPECT_EQ(corpus.dialogues.size(), 4U);
  EXPECT_EQ(corpus.dialogues[3].id, "train_dia1");
}

/// Vectors of one value, named as a corpus names its utterances.
void put_features(const fs::path& folder, const std::vector<std::string>& names) {
  fs::create_directories(folder);
  float value = 0;
  for (const auto& name : names) {
    save_npy(folder / (name + ".npy"), {1}, std::vector<float>{value += 1});
  }
}

TEST(FeatureTable, EmorynlpIdsGetPartSeasonEpisodeAndScene) {
  const test::TempDir folder;
  // The columns of the release by declare-lab, whose names end in `_final.csv`.
  const std::string header =
      "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time\n";
  const std::string times = ",00:00:03.795,00:00:05.004\n";
  const auto put = [&](const char* name, const std::string& rows) {
    write_file_atomically(folder / name, std::string_view(header + rows));
  };
  put("emorynlp_train_final.csv", "\"Hi, you.\",['Monica Geller'],Joyful,1,2,1,3" + times +
                                      "Hello.,['Ross Geller'],Sad,1,1,1,3" + times +
                                      "Oh.,['Ross Geller'],Mad,1,1,2,3" + times);
  put("emorynlp_dev_final.csv", "Well.,['Joey Tribbiani'],Sad,1,1,1,3" + times);
  put("emorynlp_test_final.csv", "No.,['Joey Tribbiani'],Joyful,2,1,1,3" + times);
  const std::vector<std::string> ids = {"train_s1_e3_c1_u2", "train_s1_e3_c1_u1",
                                        "train_s2_e3_c1_u1", "dev_s1_e3_c1_u1", "test_s1_e3_c2_u1"};
  put_features(folder / "features/glove-1", ids);
  const Corpus corpus = load_corpus(at(folder.path()), 1);
  EXPECT_THAT(corpus.layout, HasSubstr("EmoryNLP"));
  EXPECT_THAT(corpus.class_names, ElementsAre("Joyful", "Mad", "Sad"));
  EXPECT_EQ(corpus.dialogues.size(), 4U);  // the same scene in two parts is two dialogues
  const std::size_t late = index_of(corpus, ids[0]);
  EXPECT_EQ(corpus.utterances[late].position, 1);
  EXPECT_EQ(corpus.utterances[late].transcript, "Hi, you.");
  EXPECT_EQ(corpus.utterances[late].speaker, "['Monica Geller']");
  EXPECT_THAT(features(corpus, 0, ids[0]), ElementsAre(1));
  const auto part = [&](const std::string& id) {
    return corpus
        .dialogues[static_cast<std::size_t>(corpus.utterances[index_of(corpus, id)].dialogue)]
        .part;
  };
  EXPECT_EQ(part(ids[2]), Part::kTrain);
  EXPECT_EQ(part(ids[3]), Part::kValidation);
  EXPECT_EQ(part(ids[4]), Part::kTest);
}

TEST(FeatureTable, ChSimsClipsOfOneRecordingMayBeInSeveralParts) {
  const test::TempDir folder;
  write_file_atomically(
      folder / "label.csv",
      std::string_view("video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\n"
                       "video_0001,0002,b,-0.6,0.2,-0.4,-0.8,Negative,train\n"
                       "video_0001,0001,a,0.4,0.0,0.2,0.4,Positive,train\n"
                       "video_0001,0003,c,0.0,0.0,0.0,0.2,Neutral,test\n"
                       "video_0002,0001,d,1.0,1.0,0.8,0.8,Positive,valid\n"));
  put_features(folder / "features/wav2vec-1", {"video_0001$_$0002", "video_0001$_$0001",
                                               "video_0001$_$0003", "video_0002$_$0001"});
  const Corpus corpus = load_corpus(at(folder.path()), 1);
  EXPECT_THAT(corpus.layout, HasSubstr("CH-SIMS"));
  EXPECT_EQ(corpus.label_kind, LabelKind::kValue);
  EXPECT_EQ(corpus.dialogues.size(), 3U);
  const std::size_t first = index_of(corpus, "video_0001_0001");
  EXPECT_EQ(corpus.utterances[first].label, 0.4F);
  EXPECT_EQ(corpus.utterances[first].position, 0);
  EXPECT_EQ(corpus.utterances[first].transcript, "a");
  EXPECT_THAT(features(corpus, 0, "video_0001_0001"), ElementsAre(2));
  DataConfig config = at(folder.path());
  config.label = "label_T";
  EXPECT_EQ(load_corpus(config, 1).utterances[first].label, 0.0F);
  config.label = "annotation";
  EXPECT_THAT(load_corpus(config, 1).class_names, ElementsAre("Negative", "Neutral", "Positive"));
}

TEST(Layouts, AreReadWithoutLabelsWhereNoneIsAskedFor) {
  const test::TempDir folder;
  fs::copy(fixture("json/audio"), folder / "audio");
  write_file_atomically(folder / "names.csv", std::string_view("id\nj1\nj3\n"));
  DataConfig config = at(folder.path());
  EXPECT_THAT(message_of<DataError>([&] { load_corpus(config, 1); }),
              HasSubstr("no column holds labels"));
  config.label = "none";
  const Corpus table = load_corpus(config, 1);
  ASSERT_EQ(table.size(), 2);
  EXPECT_FALSE(table.utterances[0].is_labelled());
  for (const char* name : {"multibench.pkl", "conv_meld.pkl", "csd", "mmin", "merbench"}) {
    config.path = fixture(name).string();
    const Corpus corpus = load_corpus(config, 1);
    EXPECT_GT(corpus.size(), 0);
    EXPECT_FALSE(corpus.utterances[0].is_labelled()) << name;
  }
  PickleWriter writer;
  writer.begin();
  writer.add_text("audio");
  writer.add_array({2, 1}, std::vector<float>{1, 2});
  writer.end_dict();
  write_file_atomically(folder / "bare.pkl", std::string_view(writer.finish()));
  config.path = (folder / "bare.pkl").string();
  EXPECT_EQ(load_corpus(config, 1).size(), 2);
}

TEST(FeatureTable, JsonByPart) {
  const Corpus corpus = load_corpus(at(fixture("json")), 1);
  EXPECT_THAT(corpus.modality_names(), ElementsAre("acoustic", "textual"));
  EXPECT_THAT(corpus.class_names, ElementsAre("glad", "sad"));
  EXPECT_EQ(corpus.dialogues[index_of(corpus, "j3")].part, Part::kTest);
  EXPECT_EQ(corpus.utterances[index_of(corpus, "j1")].speaker, "ann");
}

TEST(FeatureTable, JsonTables) {
  const LabelTable list =
      parse_json_labels(R"([{"id": "a", "label": 1.5}, {"id": "b"}])", "x.json");
  EXPECT_EQ(list.table.rows.size(), 2U);
  EXPECT_EQ(list.table.rows[0][*list.table.column("label")], "1.5");
  EXPECT_EQ(list.table.rows[1][*list.table.column("label")], "");
  EXPECT_THAT(parse_json_labels(R"({"a": "sad"})", "test.json").parts, ElementsAre("test"));
  EXPECT_THROW(parse_json_labels("{", "x.json"), DataError);
  EXPECT_THROW(parse_json_labels("3", "x.json"), DataError);
  EXPECT_THROW(parse_json_labels("[1]", "x.json"), DataError);
  EXPECT_EQ(part_in_name("train_sent_emo.csv"), "train");
  EXPECT_EQ(part_in_name("constraint.csv"), "");
}

TEST(FeatureTable, DeviationIsRefusedWhereOnlyTheMeanIsTaken) {
  DataConfig config = at(fixture("merbench"));
  config.reduce = "mean-std";
  EXPECT_THAT(message_of<ConfigError>([&] { load_corpus(config, 1); }), HasSubstr("not offered"));
}

TEST(FeatureTable, EmptyLabelsAndUnknownPartsAreNamed) {
  const test::TempDir folder;
  fs::copy(fixture("json/audio"), folder / "audio");
  const auto message = [&](const std::string& table) {
    write_file_atomically(folder / "labels.csv", std::string_view(table));
    return message_of<DataError>([&] { load_corpus(at(folder.path()), 1); });
  };
  EXPECT_THAT(message("id,emotion\nj1,sad\nj2,\n"), HasSubstr("line 3"));
  EXPECT_THAT(message("id,emotion,split\nj1,sad,learn\n"), HasSubstr("'learn' is none of"));
  EXPECT_THAT(message("id,mood\nj1,sad\n"), HasSubstr("no column holds labels"));
  EXPECT_THAT(message("who,emotion\nj1,sad\n"), HasSubstr("no column names the utterances"));
}

TEST(Convert, EveryLayoutSurvivesThePlainForm) {
  for (const char* name : {"mmsa", "multibench.pkl", "conv_iemocap.pkl", "conv_meld.pkl", "csd",
                           "merged.hdf5", "mmin", "merbench", "meld", "json"}) {
    SCOPED_TRACE(name);
    const test::TempDir folder;
    const Corpus corpus = load_corpus(at(fixture(name)), 1);
    write_plain(corpus, folder / "plain");
    EXPECT_EQ(load_corpus(at(folder / "plain"), 1).checksum, corpus.checksum);
  }
}

}  // namespace
}  // namespace hardy
