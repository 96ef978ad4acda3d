// What a model has seen is known again: by ids, and by features under other ids.
#include "corpus/unseen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/small_corpus.h"

namespace hardy {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A model of the first dialogue, and of the second one as its validation part.
BundleInfo model_of(const Corpus& corpus) {
  BundleInfo info;
  for (const auto& modality : corpus.modalities) {
    info.modalities.push_back({modality.name, modality.width});
  }
  info.data_checksum = "another corpus";
  info.seen = seen_marks(corpus, {0, 1});
  return info;
}

/// The corpus under other ids everywhere.
Corpus renamed(Corpus corpus) {
  for (auto& dialogue : corpus.dialogues) dialogue.id = "new-" + dialogue.id;
  for (auto& utterance : corpus.utterances) utterance.id = "new-" + utterance.id;
  return corpus;
}

std::vector<std::int64_t> unseen(const BundleInfo& info, const Corpus& corpus) {
  OverlapNotes notes;
  return unseen_dialogues(info, corpus, notes);
}

TEST(Unseen, DialoguesAreKnownByTheirIds) {
  const Corpus corpus = test::small_corpus();
  EXPECT_THAT(unseen(model_of(corpus), corpus), ElementsAre(2));
  Corpus other = renamed(corpus);
  for (auto& modality : other.modalities) {
    modality.features =
        FeatureArray(std::vector<float>(static_cast<std::size_t>(5 * modality.width), 0.25F));
  }
  EXPECT_THAT(unseen(model_of(corpus), other), ElementsAre(0, 1, 2));
  other.utterances[1].id = "u1";
  EXPECT_THAT(unseen(model_of(corpus), other), ElementsAre(1, 2));
}

TEST(Unseen, DialoguesAreKnownByTheirFeaturesUnderOtherIds) {
  const Corpus corpus = test::small_corpus();
  const Corpus other = renamed(corpus);
  OverlapNotes notes;
  // The second dialogue is one utterance with a single value of text: too little to tell.
  EXPECT_THAT(unseen_dialogues(model_of(corpus), other, notes), ElementsAre(1, 2));
  EXPECT_THAT(notes.texts(), ElementsAre(HasSubstr("features with it; 1 of 3 dialogues")));
}

TEST(Unseen, ALoneUtteranceIsKnownByTwoModalities) {
  Corpus corpus = test::small_corpus();
  corpus.modalities[1] = {"textual", 2, {1.5F, 1, 0, 0, 2.5F, 1, 3.5F, 1, -1, 1}, {1, 0, 1, 1, 1}};
  EXPECT_THAT(unseen(model_of(corpus), renamed(corpus)), ElementsAre(2));
  Corpus other = renamed(corpus);
  other.modalities.pop_back();
  EXPECT_THAT(unseen(model_of(corpus), other), ElementsAre(1, 2));
}

TEST(Unseen, OneModalityThatDiffersIsAnotherDialogue) {
  const Corpus corpus = test::small_corpus();
  Corpus other = renamed(corpus);
  other.modalities[0].features = {0.5F, -2, 3, 4, 5, 6, 7, 8, 9, 1};
  EXPECT_THAT(unseen(model_of(corpus), other), ElementsAre(0, 1, 2));
}

TEST(Unseen, FeaturesThatNeverChangeTellNothing) {
  Corpus corpus = test::small_corpus();
  for (auto& modality : corpus.modalities) {
    modality.features =
        FeatureArray(std::vector<float>(static_cast<std::size_t>(5 * modality.width), 0.0F));
  }
  EXPECT_THAT(unseen(model_of(corpus), renamed(corpus)), ElementsAre(0, 1, 2));
}

TEST(Unseen, NothingLeftIsAnError) {
  Corpus corpus = test::small_corpus();
  auto info = model_of(corpus);
  info.seen = seen_marks(corpus, {0, 1, 2});
  EXPECT_THAT(message_of<DataError>([&] { unseen(info, corpus); }),
              HasSubstr("nothing is left to score"));
}

}  // namespace
}  // namespace hardy
