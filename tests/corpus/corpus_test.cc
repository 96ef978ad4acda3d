#include "hardy/corpus.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/small_corpus.h"

namespace hardy {
namespace {

using test::message_of;
using test::small_corpus;

TEST(Corpus, ASoundCorpusPasses) {
  const Corpus corpus = small_corpus();
  validate_corpus(corpus);
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"acoustic", "textual"}));
  EXPECT_EQ(corpus.present_pattern(0), Pattern(0b11));
  EXPECT_EQ(corpus.present_pattern(1), Pattern(0b01));
  EXPECT_EQ(corpus.modalities[0].row(2)[1], 6);
}

TEST(Corpus, EveryBrokenInvariantIsNamed) {
  const struct {
    const char* message;
    std::function<void(Corpus&)> damage;
  } cases[] = {
      {"has no utterance", [](Corpus& c) { c.utterances.clear(); }},
      {"no label names a class", [](Corpus& c) { c.class_names.clear(); }},
      {"given twice", [](Corpus& c) { c.class_names[1] = "calm"; }},
      {"yet classes are named", [](Corpus& c) { c.label_kind = LabelKind::kValue; }},
      {"0 modalities", [](Corpus& c) { c.modalities.clear(); }},
      {"modality name '' is empty", [](Corpus& c) { c.modalities[0].name = ""; }},
      {"'acoustic' is empty or given twice", [](Corpus& c) { c.modalities[1].name = "acoustic"; }},
      {"has width 0", [](Corpus& c) { c.modalities[0].width = 0; }},
      {"feature 1 of modality acoustic of utterance u1 is nan",
       [](Corpus& c) { c.modalities[0].features[3] = NAN; }},
      {"is inf", [](Corpus& c) { c.modalities[0].features[3] = INFINITY; }},
      {"dialogue id 'd0' is empty or given twice", [](Corpus& c) { c.dialogues[1].id = "d0"; }},
      {"has no utterance; remove it", [](Corpus& c) { c.dialogues[1].count = 0; }},
      {"does not follow", [](Corpus& c) { c.dialogues[1].first = 1; }},
      {"does not follow", [](Corpus& c) { c.dialogues[2].count = 3; }},
      {"utterance u1 is not at place 1", [](Corpus& c) { c.utterances[1].position = 2; }},
      {"utterance u1 is not at place 1", [](Corpus& c) { c.utterances[1].dialogue = 2; }},
      {"belong to no dialogue", [](Corpus& c) { c.dialogues.pop_back(); }},
      {"utterance id 'u0' is given twice", [](Corpus& c) { c.utterances[1].id = "u0"; }},
      {"utterance 1 has no id", [](Corpus& c) { c.utterances[1].id = ""; }},
      {"is not a finite number", [](Corpus& c) { c.utterances[1].label = INFINITY; }},
      {"label 3 of utterance u1 is not one of the 3 classes",
       [](Corpus& c) { c.utterances[1].label = 3; }},
      {"label 0.5 of", [](Corpus& c) { c.utterances[1].label = 0.5F; }},
      {"label -1 of", [](Corpus& c) { c.utterances[1].label = -1; }},
      {"1e+19; extract it again", [](Corpus& c) { c.modalities[0].features[3] = 1e19F; }},
      {"1 names of labels do not fit", [](Corpus& c) { c.target_names = {"joy"}; }},
      {"4 shares for 5 utterances with 3 each",
       [](Corpus& c) {
         c.shares = {1, 0, 0, 1};
       }},
      {"2 difficulties for 5",
       [](Corpus& c) {
         c.true_difficulty = {0, 1};
       }},
      {"difficulty 2 lies outside",
       [](Corpus& c) {
         c.true_difficulty = {0, 1, 2, 0, 0};
       }},
      {"1 values for 5", [](Corpus& c) { c.values = {1}; }},
  };

  for (const auto& [message, damage] : cases) {
    Corpus corpus = small_corpus();
    damage(corpus);
    EXPECT_NE(message_of<DataError>([&] { validate_corpus(corpus); }).find(message),
              std::string::npos)
        << message;
  }
}

TEST(Corpus, ArraysOfAnotherLengthAreShapeErrors) {
  for (const auto damage : {0, 1}) {
    Corpus corpus = small_corpus();
    damage == 0 ? corpus.modalities[0].features.own().pop_back()
                : corpus.modalities[0].present.pop_back();
    EXPECT_NE(message_of<ShapeError>([&] { validate_corpus(corpus); }).find("modality acoustic"),
              std::string::npos);
  }
}

TEST(Corpus, TheChecksumCoversWhatInfluencesResultsAndNothingElse) {
  const std::string base = corpus_checksum(small_corpus());
  const std::function<void(Corpus&)> matters[] = {
      [](Corpus& c) { c.modalities[0].features[0] = 0.2F; },
      [](Corpus& c) { c.modalities[1].present[1] = 1; },
      [](Corpus& c) { c.modalities[1].name = "text"; },
      [](Corpus& c) { c.utterances[0].id = "v0"; },
      [](Corpus& c) { c.utterances[0].speaker = "dan"; },
      [](Corpus& c) { c.utterances[0].label = 2; },
      [](Corpus& c) { c.dialogues[0].group = "g1"; },
      [](Corpus& c) { c.dialogues[0].part = Part::kTest; },
      [](Corpus& c) { c.class_names.emplace_back("more"); },
      [](Corpus& c) {
        c.values = {1, 2, 3, 4, 5};
      },
  };
  for (const auto& change : matters) {
    Corpus corpus = small_corpus();
    change(corpus);
    EXPECT_NE(corpus_checksum(corpus), base);
  }
  Corpus corpus = small_corpus();
  corpus.utterances[0].transcript = "other words";
  corpus.name = corpus.source = "elsewhere";
  EXPECT_EQ(corpus_checksum(corpus), base);
}

}  // namespace
}  // namespace hardy
