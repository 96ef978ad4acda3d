#include "corpus/embedded/embedded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "hardy/errors.h"
#include "hardy/load.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CremaD, IsTheCorpusAsPublished) {
  DataConfig config;
  config.path = "crema-d";
  const Corpus corpus = load_corpus(config, 1);
  EXPECT_EQ(corpus.size(), 7442);
  EXPECT_FALSE(corpus.is_synthetic);
  EXPECT_THAT(corpus.class_names, ElementsAre("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"));
  EXPECT_THAT(corpus.modality_names(), ElementsAre("voice", "face"));
  EXPECT_THAT(corpus.source, HasSubstr("Open Database License"));
  std::map<float, int> labels;
  std::map<std::string, std::set<std::string>> folds_of;
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    const auto& utterance = corpus.utterances[static_cast<std::size_t>(i)];
    ++labels[utterance.label];
    folds_of[utterance.speaker].insert(corpus.dialogues[static_cast<std::size_t>(i)].group);
    for (const auto& modality : corpus.modalities) {
      float sum = 0;
      for (std::size_t c = 0; c < 6; ++c) {
        const auto row = modality.row(i);
        sum += row[c];
        EXPECT_LE(row[c + 6], row[c] + 1e-6F) << "an intensity is at most 1";
      }
      EXPECT_NEAR(sum, 1, 1e-5) << utterance.id;
    }
  }
  EXPECT_EQ(labels[4], 1087);
  EXPECT_EQ(labels[0], 1271);
  EXPECT_EQ(folds_of.size(), 91U);
  for (const auto& [actor, folds] : folds_of) EXPECT_EQ(folds.size(), 1U) << actor;
}

TEST(CremaD, TurnsCountsIntoShares) {
  const Corpus corpus = make_crema_d();
  const auto& first = corpus.utterances[0];
  EXPECT_EQ(first.id, "1001_DFA_ANG_XX");
  EXPECT_EQ(first.transcript, "Don't forget a jacket.");
  const auto voice = corpus.modalities[0].row(0);  // 9 raters: A6:284 D2:119 N1:89
  EXPECT_FLOAT_EQ(voice[0], 6.0F / 9);
  EXPECT_FLOAT_EQ(voice[6], 284.0F / 900);
  EXPECT_FLOAT_EQ(voice[4], 1.0F / 9);
  EXPECT_EQ(voice[3], 0);
}

TEST(CremaD, RefusesADamagedTable) {
  const auto error = [](const std::string& line) {
    return message_of<DataError>([&] { (void)parse_crema_d("clip,voice,face\n" + line + "\n"); });
  };
  EXPECT_THAT(error("1001_DFA_ANG_XX,9 Q6:284,1 A1:2"), HasSubstr("line 2: no such vote"));
  EXPECT_THAT(error("1001_DFA_ANG_XX,0,1 A1:2"), HasSubstr("nobody rated"));
  EXPECT_THAT(error("1001_DFA_ANG_XX,x A1:2,1 A1:2"), HasSubstr("no number"));
  EXPECT_THAT(error("1001_DFA_JOY_XX,1 A1:2,1 A1:2"), HasSubstr("no clip's name"));
  EXPECT_THAT(error("1001"), HasSubstr("line 2"));
}

TEST(Embedded, NamesGoWithTheirOwnFormatOnly) {
  DataConfig config;
  config.path = "demo";
  EXPECT_TRUE(load_corpus(config, 1).is_synthetic);
  config.path = "crema-d";
  config.format = "tree";
  EXPECT_THAT(message_of<ConfigError>([&] { (void)load_corpus(config, 1); }),
              HasSubstr("does not go with the embedded corpus 'crema-d'"));
  EXPECT_EQ(embedded_name("somewhere/crema-d"), "");
}

}  // namespace
}  // namespace hardy
