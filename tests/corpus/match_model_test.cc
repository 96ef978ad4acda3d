// Matching a corpus to a stored model: nothing is matched by its index.
#include "corpus/match_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/small_corpus.h"

namespace hardy {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

BundleInfo model() {
  BundleInfo info;
  info.modalities = {{"acoustic", 2}, {"textual", 1}};
  info.class_names = {"calm", "glad", "cross"};
  info.label_kind = "class";
  return info;
}

std::vector<std::string> names_of_labels(const Corpus& corpus) {
  std::vector<std::string> names;
  for (const auto& utterance : corpus.utterances) {
    names.push_back(corpus.class_names[static_cast<std::size_t>(utterance.label)]);
  }
  return names;
}

TEST(MatchModel, ClassesAreMatchedByName) {
  const auto truth = names_of_labels(test::small_corpus());
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"cross", "unused", "glad", "calm"};
  for (auto& utterance : corpus.utterances) {
    utterance.label = utterance.label == 0 ? 3.0F : utterance.label == 1 ? 2.0F : 0.0F;
  }
  ASSERT_EQ(names_of_labels(corpus), truth);
  match_labels(corpus, model());
  EXPECT_EQ(corpus.class_names, model().class_names);
  EXPECT_EQ(names_of_labels(corpus), truth);
}

TEST(MatchModel, AClassLessOrADeclaredOneMoreDoesNotMatter) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"calm", "glad"};
  corpus.utterances[2].label = 1;
  match_labels(corpus, model());
  EXPECT_EQ(corpus.class_names.size(), 3U);
  corpus = test::small_corpus();
  corpus.class_names.push_back("excited");
  match_labels(corpus, model());
  EXPECT_EQ(corpus.class_names.size(), 3U);
}

TEST(MatchModel, UnknownClassesAreAllNamed) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"Calm", "glad", "angry"};
  EXPECT_THAT(message_of<DataError>([&] { match_labels(corpus, model()); }),
              HasSubstr("2 of its classes are unknown to the model: Calm, angry; the model's are "
                        "calm, glad, cross; is 'Calm' 'calm'?"));
}

TEST(MatchModel, NumbersAndNamesAreNotMatchedByIndex) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"0", "1", "2"};
  EXPECT_THAT(message_of<DataError>([&] { match_labels(corpus, model()); }),
              HasSubstr("names and numbers cannot be matched"));
  BundleInfo numbered = model();
  numbered.class_names = {"0", "1", "2"};
  corpus = test::small_corpus();
  EXPECT_THAT(message_of<DataError>([&] { match_labels(corpus, numbered); }),
              HasSubstr("names and numbers cannot be matched"));
}

TEST(MatchModel, ClassesThatAreNumbersOnBothSidesAreMatchedByNumberAndThatIsSaid) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"2", "1", "0"};
  BundleInfo numbered = model();
  numbered.class_names = {"0", "1", "2"};
  numbered.data_checksum = "another corpus";
  std::vector<std::string> notes;
  match_labels(corpus, numbered, {}, notes);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_THAT(notes[0], HasSubstr("matched by number"));

  Corpus own = test::small_corpus();
  own.class_names = {"0", "1", "2"};
  own.checksum = numbered.data_checksum = "the same";
  notes.clear();
  match_labels(own, numbered, {}, notes);
  EXPECT_TRUE(notes.empty());
}

TEST(MatchModel, ValuesAndClassesDoNotMeet) {
  Corpus corpus = test::small_corpus();
  corpus.label_kind = LabelKind::kValue;
  corpus.class_names.clear();
  EXPECT_THAT(
      message_of<DataError>([&] { match_labels(corpus, model()); }),
      HasSubstr("its labels are one value per utterance, the model answers with one class"));
  BundleInfo values = model();
  values.label_kind = "value";
  values.class_names.clear();
  corpus = test::small_corpus();
  EXPECT_THAT(message_of<DataError>([&] { match_labels(corpus, values); }),
              HasSubstr("the model answers with one value"));
}

TEST(MatchModel, UnlabelledUtterancesStayUnlabelled) {
  Corpus corpus = test::small_corpus();
  corpus.utterances[1].label = std::numeric_limits<float>::quiet_NaN();
  match_labels(corpus, model());
  EXPECT_FALSE(corpus.utterances[1].is_labelled());
}

TEST(MatchModel, SeveralLabelsAreMatchedByName) {
  Corpus corpus = test::small_corpus();
  corpus.label_kind = LabelKind::kLabels;
  corpus.class_names.clear();
  corpus.target_names = {"joy", "fear"};
  corpus.targets = {1, 0, 0, 1, 1, 1, 0, 0, 1, 0};
  BundleInfo info = model();
  info.class_names.clear();
  info.label_kind = "labels";
  info.target_names = {"fear", "joy"};
  match_labels(corpus, info);
  EXPECT_THAT(corpus.targets, ElementsAre(0, 1, 1, 0, 1, 1, 0, 0, 0, 1));
  info.target_names = {"fear", "anger"};
  EXPECT_THAT(message_of<DataError>([&] { match_labels(corpus, info); }),
              HasSubstr("it has no label 'anger'"));
}

TEST(MatchModel, AMapCountsClassesAsOthersAndLeavesOut) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"neutral", "happy", "odd"};  // labels 0, 1, 2, 1, 0
  std::vector<std::string> notes;
  const auto matched =
      match_labels(corpus, model(), parse_class_map("neutral=cross,happy=glad,odd=-"), notes);
  EXPECT_FALSE(matched.changes_outputs());
  EXPECT_EQ(corpus.class_names, model().class_names);
  EXPECT_FALSE(corpus.utterances[2].is_labelled());
  EXPECT_EQ(corpus.utterances[0].label, 2);
  EXPECT_EQ(corpus.utterances[1].label, 1);
  EXPECT_EQ(corpus.utterances[3].label, 1);
  EXPECT_EQ(corpus.utterances[4].label, 2);
  EXPECT_THAT(notes,
              ElementsAre("--map: utterances that count: neutral as cross (2), happy as glad (2)",
                          "--map: utterances left out, which are context only: odd (1)"));
}

TEST(MatchModel, AMapOfTheModelMergesItsClasses) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"negative", "positive"};
  corpus.utterances[2].label = 0;
  std::vector<std::string> notes;
  const auto map = parse_class_map("model:calm=-,model:glad=positive,model:cross=negative");
  const auto matched = match_labels(corpus, model(), map, notes);
  // In the order of the corpus, although glad comes first in the model.
  EXPECT_THAT(corpus.class_names, ElementsAre("negative", "positive"));
  EXPECT_THAT(matched.names, ElementsAre("negative", "positive"));
  EXPECT_THAT(matched.places, ElementsAre(-1, 1, 0));
  EXPECT_EQ(corpus.utterances[1].label, 1);
  EXPECT_THAT(notes, ElementsAre("--map: of the model's answers calm is left out, glad counts as "
                                 "positive, cross counts as negative"));
}

TEST(MatchModel, AClassWithoutCounterpartIsRefusedUnderAMapToo) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"neutral", "happy", "odd"};
  std::vector<std::string> notes;
  EXPECT_THAT(
      message_of<DataError>([&] {
        match_labels(corpus, model(), parse_class_map("neutral=calm,happy=glad"), notes);
      }),
      HasSubstr("1 of its classes is unknown to the model: odd; the model's are calm, glad, "
                "cross; say what counts as what, --map odd=calm, or leave its utterances "
                "out, --map odd=-"));
}

TEST(MatchModel, AMapNamesClassesThatExist) {
  const auto message = [](const std::string& text) {
    Corpus corpus = test::small_corpus();
    std::vector<std::string> notes;
    return message_of<ConfigError>(
        [&] { match_labels(corpus, model(), parse_class_map(text), notes); });
  };
  EXPECT_THAT(message("clam=glad"), HasSubstr("has no such class; it has calm, glad, cross"));
  EXPECT_THAT(message("calm=joy"), HasSubstr("'joy' is no class of the model"));
  EXPECT_THAT(message("calm=-,glad=-,cross=-"), HasSubstr("leaves out every labelled utterance"));
  Corpus values = test::small_corpus();
  values.label_kind = LabelKind::kValue;
  values.class_names.clear();
  BundleInfo info = model();
  info.class_names.clear();
  info.label_kind = "value";
  std::vector<std::string> notes;
  EXPECT_THAT(message_of<ConfigError>(
                  [&] { match_labels(values, info, parse_class_map("calm=glad"), notes); }),
              HasSubstr("--map is for classes"));
}

TEST(MatchModel, ValuesBehindTwoClassesGoWithOtherClasses) {
  Corpus corpus = test::small_corpus();
  corpus.class_names = {"negative", "positive"};
  corpus.values = {-1, 2, 0, 1.5F, -3};
  for (std::size_t i = 0; i < 5; ++i) {
    corpus.utterances[i].label = corpus.values[i] > 0 ? 1.0F : 0.0F;
  }
  Corpus same = corpus;
  BundleInfo sign = model();
  sign.class_names = {"negative", "positive"};
  match_labels(same, sign);
  EXPECT_EQ(same.values.size(), 5U);
  std::vector<std::string> notes;
  match_labels(corpus, model(), parse_class_map("negative=cross,positive=glad"), notes);
  EXPECT_TRUE(corpus.values.empty());
  EXPECT_FALSE(corpus.utterances[2].is_labelled());  // 0 is neither
  EXPECT_THAT(notes, ElementsAre("--map: utterances that count: negative as cross (2), positive as "
                                 "glad (2)"));
}

TEST(MatchModel, ModalitiesAreMatchedByName) {
  Corpus corpus = test::small_corpus();
  const auto acoustic = corpus.modalities[0].features;
  std::swap(corpus.modalities[0], corpus.modalities[1]);
  corpus.modalities.push_back({"motion", 1, std::vector<float>(5, 1.0F), {1, 1, 1, 1, 1}});
  std::vector<std::string> notes;
  match_modalities(corpus, model(), notes);
  EXPECT_THAT(corpus.modality_names(), ElementsAre("acoustic", "textual"));
  EXPECT_EQ(corpus.modalities[0].features, acoustic);
  EXPECT_THAT(notes, ElementsAre("the model knows no modality motion: not used"));
}

TEST(MatchModel, AnAbsentModalityIsMissingEverywhere) {
  Corpus corpus = test::small_corpus();
  corpus.modalities.pop_back();
  std::vector<std::string> notes;
  match_modalities(corpus, model(), notes);
  EXPECT_THAT(corpus.modalities[1].present, ElementsAre(0, 0, 0, 0, 0));
  EXPECT_EQ(corpus.modalities[1].features.size(), 5U);
  EXPECT_THAT(notes, ElementsAre("the corpus has no textual: missing everywhere"));
  EXPECT_NO_THROW(validate_corpus(corpus));
}

TEST(MatchModel, AMisnamedModalityIsNamedWithTheOneMeant) {
  for (const auto& [name, meant] :
       {std::pair("Textual", "textual"), std::pair("text", "textual"),
        std::pair("texual", "textual"), std::pair("bert-base", "textual")}) {
    Corpus corpus = test::small_corpus();
    corpus.modalities[1].name = name;
    std::vector<std::string> notes;
    EXPECT_THAT(
        message_of<DataError>([&] { match_modalities(corpus, model(), notes); }),
        HasSubstr(std::string("the model knows no modality '") + name + "'; is it '" + meant));
  }
}

TEST(MatchModel, AnotherWidthOrNothingKnownIsRefused) {
  Corpus corpus = test::small_corpus();
  BundleInfo wide = model();
  wide.modalities[0].width = 3;
  std::vector<std::string> notes;
  EXPECT_THAT(message_of<DataError>([&] { match_modalities(corpus, wide, notes); }),
              HasSubstr("'acoustic' is 2 wide, the model reads 3"));
  corpus = test::small_corpus();
  BundleInfo other = model();
  other.modalities = {{"pulse", 1}, {"skin", 1}};
  EXPECT_THAT(message_of<DataError>([&] { match_modalities(corpus, other, notes); }),
              HasSubstr("none of its modalities (acoustic, textual)"));
  EXPECT_THAT(notes, IsEmpty());
}

}  // namespace
}  // namespace hardy
