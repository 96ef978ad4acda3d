// The folds of the real label files.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "corpus/tree.h"
#include "hardy/split.h"
#include "tests/support/shared_data.h"

namespace hardy {
namespace {

std::set<std::string> speakers_in(const Corpus& corpus,
                                  const std::vector<std::int64_t>& dialogues) {
  std::set<std::string> speakers;
  for (const auto u : utterances_of(corpus, dialogues)) {
    speakers.insert(corpus.utterances[static_cast<std::size_t>(u)].speaker);
  }
  return speakers;
}

TEST(IemocapSplit, AutoIsFiveFoldsBySessionWithNewSpeakersOnEverySide) {
  HARDY_NEEDS_SHARED("data/IEMOCAP/IEMOCAP_features_raw_4way.pkl");
  const auto corpus =
      load_tree_label_corpus(test::shared_dir() / "data/IEMOCAP/IEMOCAP_features_raw_4way.pkl");
  const auto folds = make_folds(corpus, ProtocolConfig{});
  ASSERT_EQ(folds.size(), 5U);
  const std::array<std::size_t, 5> sizes = {1085, 1023, 1151, 1031, 1241};  // docs/formats.md
  for (std::size_t f = 0; f < 5; ++f) {
    const auto& fold = folds[f];
    EXPECT_EQ(utterances_of(corpus, fold.test).size(), sizes[f]) << fold.name;
    EXPECT_EQ(utterances_of(corpus, fold.validation).size(), sizes[(f + 1) % 5]) << fold.name;
    EXPECT_EQ(fold.train.size() + fold.validation.size() + fold.test.size(), 151U);
    std::set<std::string> all = speakers_in(corpus, fold.train);
    EXPECT_EQ(all.size(), 6U);
    all.merge(speakers_in(corpus, fold.validation));
    EXPECT_EQ(all.size(), 8U);
    all.merge(speakers_in(corpus, fold.test));
    EXPECT_EQ(all.size(), 10U);
  }
}

TEST(MosiSplit, FollowsItsOfficialMarks) {
  HARDY_NEEDS_SHARED("data/CMUMOSI/CMUMOSI_features_raw_2way.pkl");
  const auto corpus =
      load_tree_label_corpus(test::shared_dir() / "data/CMUMOSI/CMUMOSI_features_raw_2way.pkl");
  const auto folds = make_folds(corpus, ProtocolConfig{});
  ASSERT_EQ(folds.size(), 1U);
  EXPECT_EQ(folds[0].train.size(), 52U);
  EXPECT_EQ(folds[0].validation.size(), 10U);
  EXPECT_EQ(folds[0].test.size(), 31U);
  EXPECT_EQ(utterances_of(corpus, folds[0].train).size(), 1209U);
  EXPECT_EQ(utterances_of(corpus, folds[0].validation).size(), 238U);
  EXPECT_EQ(utterances_of(corpus, folds[0].test).size(), 752U);
}

}  // namespace
}  // namespace hardy
