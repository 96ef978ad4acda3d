#include "hardy/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <fmt/format.h>

#include "base/random.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// One dialogue of a hand-made corpus.
struct DialogueSpec {
  std::int64_t count = 4;
  std::string group = {};
  Part part = Part::kNone;
  std::vector<std::string> speakers = {""};  ///< take turns
};

/// A corpus without modalities; labels alternate over two classes.
Corpus make_corpus(const std::vector<DialogueSpec>& specs) {
  Corpus corpus;
  corpus.name = "hand-made";
  corpus.class_names = {"calm", "angry"};
  for (std::size_t d = 0; d < specs.size(); ++d) {
    const auto& spec = specs[d];
    corpus.dialogues.push_back(
        {fmt::format("d{}", d), corpus.size(), spec.count, spec.group, spec.part});
    for (std::int64_t i = 0; i < spec.count; ++i) {
      Utterance utterance;
      utterance.id = fmt::format("d{}_{}", d, i);
      utterance.dialogue = static_cast<std::int64_t>(d);
      utterance.position = i;
      utterance.speaker = spec.speakers[static_cast<std::size_t>(i) % spec.speakers.size()];
      utterance.label = static_cast<float>(i % 2);
      corpus.utterances.push_back(utterance);
    }
  }
  return corpus;
}

/// `groups` sessions of `per_group` dialogues by two speakers each.
Corpus session_corpus(int groups, int per_group) {
  std::vector<DialogueSpec> specs;
  for (int g = 1; g <= groups; ++g) {
    for (int d = 0; d < per_group; ++d) {
      specs.push_back({4 + d,
                       fmt::format("Ses{:02}", g),
                       Part::kNone,
                       {fmt::format("Ses{:02}_F", g), fmt::format("Ses{:02}_M", g)}});
    }
  }
  return make_corpus(specs);
}

Corpus loose_corpus(int dialogues) {
  std::vector<DialogueSpec> specs;
  for (int d = 0; d < dialogues; ++d) specs.push_back({2 + d % 7, "", Part::kNone, {""}});
  return make_corpus(specs);
}

ProtocolConfig protocol_of(const std::string& split, const std::string& validation = "auto") {
  ProtocolConfig protocol;
  protocol.split = split;
  protocol.validation = validation;
  return protocol;
}

std::set<std::string> groups_in(const Corpus& corpus, const std::vector<std::int64_t>& dialogues) {
  std::set<std::string> groups;
  for (const auto d : dialogues) groups.insert(corpus.dialogues[static_cast<std::size_t>(d)].group);
  return groups;
}

std::set<std::string> speakers_in(const Corpus& corpus,
                                  const std::vector<std::int64_t>& dialogues) {
  std::set<std::string> speakers;
  for (const auto u : utterances_of(corpus, dialogues)) {
    speakers.insert(corpus.utterances[static_cast<std::size_t>(u)].speaker);
  }
  return speakers;
}

bool are_disjoint(const std::set<std::string>& x, const std::set<std::string>& y) {
  return std::none_of(x.begin(), x.end(), [&](const auto& name) { return y.contains(name); });
}

/// Every dialogue in exactly one part, each part ascending and non-empty.
void expect_partition(const Corpus& corpus, const Fold& fold) {
  std::vector<std::int64_t> all;
  for (const auto* part : {&fold.train, &fold.validation, &fold.test}) {
    EXPECT_FALSE(part->empty()) << fold.name;
    EXPECT_TRUE(std::is_sorted(part->begin(), part->end())) << fold.name;
    all.insert(all.end(), part->begin(), part->end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all.size(), corpus.dialogues.size()) << fold.name;
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << fold.name;
}

/// Every dialogue is tested in exactly one fold.
void expect_tested_once(const Corpus& corpus, const std::vector<Fold>& folds) {
  std::vector<int> tested(corpus.dialogues.size());
  for (const auto& fold : folds) {
    for (const auto d : fold.test) ++tested[static_cast<std::size_t>(d)];
  }
  EXPECT_EQ(tested, std::vector<int>(corpus.dialogues.size(), 1));
}

template <typename ErrorType>
void expect_error(const Corpus& corpus, const ProtocolConfig& protocol, const std::string& part) {
  try {
    make_folds(corpus, protocol);
    ADD_FAILURE() << "nothing thrown; expected: " << part;
  } catch (const ErrorType& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Split, OfficialFollowsTheMarks) {
  const auto corpus = make_corpus({{4, "", Part::kTest},
                                   {4, "", Part::kTrain},
                                   {4, "", Part::kValidation},
                                   {4, "", Part::kTrain}});
  for (const auto* split : {"auto", "official"}) {
    const auto folds = make_folds(corpus, protocol_of(split));
    ASSERT_EQ(folds.size(), 1U);
    EXPECT_EQ(folds[0].name, "official");
    EXPECT_EQ(folds[0].train, (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(folds[0].validation, (std::vector<std::int64_t>{2}));
    EXPECT_EQ(folds[0].test, (std::vector<std::int64_t>{0}));
  }
}

TEST(Split, OfficialWithoutValidationMarksHoldsOutTrainingDialoguesOnly) {
  std::vector<DialogueSpec> specs(10, {4, "", Part::kTrain});
  specs[3].part = Part::kTest;
  const auto corpus = make_corpus(specs);
  const auto folds = make_folds(corpus, protocol_of("official"));
  expect_partition(corpus, folds.at(0));
  EXPECT_EQ(folds[0].test, (std::vector<std::int64_t>{3}));
}

TEST(Split, OtherValidationThanOfficialPutsMarkedDialoguesBackIntoTraining) {
  std::vector<DialogueSpec> specs(20, {4, "", Part::kTrain});
  specs[0].part = Part::kTest;
  for (std::size_t d = 1; d < 11; ++d) specs[d].part = Part::kValidation;
  const auto fold = make_folds(make_corpus(specs), protocol_of("official", "dialogue")).at(0);
  EXPECT_EQ(fold.validation.size(), 3U);  // .15 of 19 dialogues, not the 10 that are marked
  EXPECT_EQ(fold.train.size(), 16U);
}

TEST(Split, GroupLeavesEachGroupOutOnceAndTheNextOneDecides) {
  const auto corpus = session_corpus(5, 3);
  for (const auto* split : {"auto", "group"}) {
    const auto folds = make_folds(corpus, protocol_of(split));
    ASSERT_EQ(folds.size(), 5U);
    expect_tested_once(corpus, folds);
    for (int f = 0; f < 5; ++f) {
      const auto& fold = folds[static_cast<std::size_t>(f)];
      expect_partition(corpus, fold);
      EXPECT_EQ(fold.index, f);
      EXPECT_EQ(fold.name, fmt::format("Ses{:02}", f + 1));
      EXPECT_EQ(groups_in(corpus, fold.test), (std::set<std::string>{fold.name}));
      EXPECT_EQ(groups_in(corpus, fold.validation),
                (std::set<std::string>{fmt::format("Ses{:02}", (f + 1) % 5 + 1)}));
      const auto training = speakers_in(corpus, fold.train);
      EXPECT_TRUE(are_disjoint(training, speakers_in(corpus, fold.validation)));
      EXPECT_TRUE(are_disjoint(training, speakers_in(corpus, fold.test)));
    }
  }
}

TEST(Split, TwoGroupsLeaveOneToTrainSoValidationIsDrawnFromItsDialogues) {
  const auto corpus = session_corpus(2, 6);
  const auto folds = make_folds(corpus, protocol_of("group"));
  ASSERT_EQ(folds.size(), 2U);
  for (const auto& fold : folds) {
    expect_partition(corpus, fold);
    EXPECT_EQ(groups_in(corpus, fold.train), groups_in(corpus, fold.validation));
  }
}

TEST(Split, KfoldTestsEveryDialogueOnceInPartsOfSimilarSize) {
  const auto corpus = loose_corpus(43);
  for (const std::int64_t count : {2, 5, 10, 43}) {
    auto protocol = protocol_of("kfold");
    protocol.folds = count;
    const auto folds = make_folds(corpus, protocol);
    ASSERT_EQ(folds.size(), static_cast<std::size_t>(count));
    expect_tested_once(corpus, folds);
    EXPECT_EQ(folds[1].name, fmt::format("2/{}", count));
    std::size_t smallest = corpus.utterances.size();
    std::size_t largest = 0;
    for (const auto& fold : folds) {
      expect_partition(corpus, fold);
      const auto size = utterances_of(corpus, fold.test).size();
      smallest = std::min(smallest, size);
      largest = std::max(largest, size);
    }
    // Sorted by size and distributed in rounds, parts differ by the spread of sizes (6) plus one
    // dialogue.
    EXPECT_LE(largest - smallest, 6U + 8U);
  }
}

TEST(Split, DividesSomeDialoguesOnceEachAndKeepsSpeakersApart) {
  const auto corpus = session_corpus(4, 3);
  const std::vector<std::int64_t> some = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const auto parts = divide_dialogues(corpus, some, 3, 1);
  ASSERT_EQ(parts.size(), 3U);
  std::vector<std::int64_t> all;
  for (const auto& part : parts) {
    EXPECT_EQ(part.size(), 3U);
    EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
    EXPECT_EQ(groups_in(corpus, part).size(), 1U);
    all.insert(all.end(), part.begin(), part.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, some);
  EXPECT_EQ(divide_dialogues(corpus, some, 3, 1), parts);
}

TEST(Split, DividesNoFurtherThanIntoSingleDialogues) {
  const auto corpus = loose_corpus(5);
  EXPECT_EQ(divide_dialogues(corpus, {1, 3}, 4, 1).size(), 2U);
  EXPECT_EQ(divide_dialogues(corpus, {2}, 4, 1).size(), 1U);
}

TEST(Split, KnownDialoguesAreTrainingAndValidationInOrder) {
  Fold fold;
  fold.train = {1, 4};
  fold.validation = {0, 3};
  fold.test = {2};
  EXPECT_EQ(known_dialogues(fold), (std::vector<std::int64_t>{0, 1, 3, 4}));
}

TEST(Split, AutoWithoutMarksAndGroupsIsKfold) {
  EXPECT_EQ(make_folds(loose_corpus(20), protocol_of("auto")).at(4).name, "5/5");
}

TEST(Split, KfoldKeepsSpeakersTogetherWhenPartsStayBalanced) {
  const auto corpus = session_corpus(10, 3);
  for (const auto& fold : make_folds(corpus, protocol_of("kfold"))) {
    expect_partition(corpus, fold);
    EXPECT_TRUE(are_disjoint(speakers_in(corpus, fold.train), speakers_in(corpus, fold.test)));
  }
}

TEST(Split, KfoldStillDealsDialoguesWhenOneSpeakerIsEverywhere) {
  std::vector<DialogueSpec> specs(20, {4, "", Part::kNone, {"host"}});
  const auto corpus = make_corpus(specs);
  const auto folds = make_folds(corpus, protocol_of("kfold"));
  expect_tested_once(corpus, folds);
  for (const auto& fold : folds) EXPECT_EQ(fold.test.size(), 4U);
}

TEST(Split, SpeakersLinkedThroughOthersStayTogether) {
  // a-b, b-c, c-d are a chain; e-f, g-h, i-j are separate.
  const auto corpus = make_corpus({{4, "", Part::kNone, {"a", "b"}},
                                   {4, "", Part::kNone, {"e", "f"}},
                                   {4, "", Part::kNone, {"c", "d"}},
                                   {12, "", Part::kNone, {"g", "h"}},
                                   {4, "", Part::kNone, {"b", "c"}},
                                   {12, "", Part::kNone, {"i", "j"}}});
  for (std::int64_t seed = 1; seed <= 20; ++seed) {
    auto protocol = protocol_of("kfold");
    protocol.folds = 2;
    protocol.split_seed = seed;
    for (const auto& fold : make_folds(corpus, protocol)) {
      EXPECT_TRUE(are_disjoint(speakers_in(corpus, fold.train), speakers_in(corpus, fold.test)));
    }
  }
}

TEST(Split, DialogueValidationComesCloseToItsShare) {
  const auto corpus = loose_corpus(60);
  for (const double share : {0.1, 0.15, 0.3}) {
    auto protocol = protocol_of("kfold", "dialogue");
    protocol.validation_share = share;
    for (const auto& fold : make_folds(corpus, protocol)) {
      const auto held_out = static_cast<double>(utterances_of(corpus, fold.validation).size());
      const auto side = held_out + static_cast<double>(utterances_of(corpus, fold.train).size());
      EXPECT_NEAR(held_out / side, share, 4 / side);  // half of the largest dialogue
    }
  }
}

TEST(Split, DialogueValidationKeepsSpeakersApart) {
  const auto corpus = session_corpus(5, 6);
  for (const auto& fold : make_folds(corpus, protocol_of("group", "dialogue"))) {
    expect_partition(corpus, fold);
    EXPECT_TRUE(
        are_disjoint(speakers_in(corpus, fold.train), speakers_in(corpus, fold.validation)));
  }
}

TEST(Split, ThreeDialoguesAreEnough) {
  auto protocol = protocol_of("kfold");
  protocol.folds = 3;
  const auto corpus =
      make_corpus(std::vector<DialogueSpec>(3, DialogueSpec{6, "", Part::kNone, {"x"}}));
  for (const auto& fold : make_folds(corpus, protocol)) expect_partition(corpus, fold);
}

TEST(Split, SameSplitSeedSameFoldsAndAnotherSeedOthers) {
  const auto corpus = loose_corpus(40);
  auto protocol = protocol_of("kfold", "dialogue");
  const auto first = make_folds(corpus, protocol);
  const auto again = make_folds(corpus, protocol);
  protocol.split_seed = 2;
  const auto other = make_folds(corpus, protocol);
  bool is_test_moved = false;
  bool is_validation_moved = false;
  for (std::size_t f = 0; f < first.size(); ++f) {
    EXPECT_EQ(first[f].test, again[f].test);
    EXPECT_EQ(first[f].validation, again[f].validation);
    is_test_moved |= first[f].test != other[f].test;
    is_validation_moved |= first[f].validation != other[f].validation;
  }
  EXPECT_TRUE(is_test_moved);
  EXPECT_TRUE(is_validation_moved);
}

TEST(Split, HoldsOnRandomCorpora) {
  Generator generator(11);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<DialogueSpec> specs;
    const auto dialogues = 8 + draw_index(generator, 30);
    const auto speakers = 1 + draw_index(generator, 30);
    for (std::int64_t d = 0; d < dialogues; ++d) {
      specs.push_back({2 + draw_index(generator, 20),
                       fmt::format("g{}", d % 3),
                       Part::kNone,
                       {fmt::format("s{}", draw_index(generator, speakers)),
                        fmt::format("s{}", draw_index(generator, speakers))}});
    }
    const auto corpus = make_corpus(specs);
    for (const auto* split : {"group", "kfold"}) {
      for (const auto* validation : {"auto", "group", "dialogue"}) {
        auto protocol = protocol_of(split, validation);
        protocol.split_seed = trial;
        const auto folds = make_folds(corpus, protocol);
        expect_tested_once(corpus, folds);
        for (const auto& fold : folds) expect_partition(corpus, fold);
      }
    }
  }
}

TEST(Split, UtterancesComeInCorpusOrder) {
  const auto corpus = make_corpus({{2}, {3}, {1}});
  EXPECT_EQ(utterances_of(corpus, {2, 0}), (std::vector<std::int64_t>{0, 1, 5}));
  EXPECT_TRUE(utterances_of(corpus, {}).empty());
}

TEST(Split, UnknownNamesAndSharesAreRefusedWithTheAllowedOnes) {
  const auto corpus = loose_corpus(10);
  expect_error<ConfigError>(corpus, protocol_of("folds"),
                            "protocol.split = \"folds\" is unknown; it is one of auto, official, "
                            "group, kfold");
  expect_error<ConfigError>(corpus, protocol_of("auto", "random"),
                            "protocol.validation = \"random\" is unknown");
  for (const double share : {0.0, 1.0, -0.2, std::nan("")}) {
    auto protocol = protocol_of("kfold");
    protocol.validation_share = share;
    expect_error<ConfigError>(corpus, protocol, "must lie between 0 and 1");
  }
  for (const std::int64_t folds : {-1, 0, 1, 11}) {
    auto protocol = protocol_of("kfold");
    protocol.folds = folds;
    expect_error<ConfigError>(corpus, protocol, "has 10 dialogues, so 2 to 10 folds are possible");
  }
}

TEST(Split, WhatTheCorpusLacksIsNamed) {
  const auto loose = loose_corpus(10);
  expect_error<ConfigError>(loose, protocol_of("official"), "marks no dialogue as test");
  expect_error<ConfigError>(loose, protocol_of("group"), "has 0 groups and needs 2 or more");
  expect_error<ConfigError>(session_corpus(1, 5), protocol_of("group"), "has 1 group");
  expect_error<ConfigError>(loose, protocol_of("kfold", "official"), "as validation");
  expect_error<ConfigError>(loose, protocol_of("kfold", "group"),
                            "the training side of fold '1/5' has 0 groups");
  expect_error<ConfigError>(session_corpus(2, 5), protocol_of("group", "group"),
                            "the training side of fold 'Ses01' has 1 group");
}

TEST(Split, HalfMarkedDataIsRefusedByName) {
  expect_error<DataError>(
      make_corpus({{4, "", Part::kTrain}, {4}, {4, "", Part::kTest}}), protocol_of("auto"),
      "1 of 3 dialogues belong to no part of the official split, others do: d1");
  expect_error<DataError>(make_corpus({{4, "a"}, {4, "b"}, {4, ""}}), protocol_of("auto"),
                          "1 of 3 dialogues have no group, others do: d2");
}

TEST(Split, EmptyPartsAreRefused) {
  expect_error<DataError>(Corpus{}, protocol_of("auto"), "has no dialogue");
  expect_error<DataError>(make_corpus({{4, "", Part::kTest}, {4, "", Part::kTest}}),
                          protocol_of("official"), "has no training dialogue");
  expect_error<DataError>(make_corpus({{4, "", Part::kValidation}, {4, "", Part::kTest}}),
                          protocol_of("official"), "has no training dialogue");
  expect_error<DataError>(make_corpus({{4, "", Part::kTrain}, {4, "", Part::kTest}}),
                          protocol_of("official"), "has no validation dialogue");
}

TEST(Split, AClassWithoutTrainingUtterancesIsRefused) {
  auto corpus = session_corpus(3, 4);
  corpus.class_names.push_back("surprised");
  expect_error<DataError>(corpus, protocol_of("group"),
                          "class 'surprised' has no training utterance in fold 'Ses01'");
  corpus.label_kind = LabelKind::kValue;
  EXPECT_EQ(make_folds(corpus, protocol_of("group")).size(), 3U);
}

TEST(Split, UtterancesOfValueZeroTrainNoClass) {
  auto corpus = session_corpus(3, 4);
  for (const auto& utterance : corpus.utterances) {
    corpus.values.push_back(utterance.label > 0 ? 0.0F : -1.0F);
  }
  expect_error<DataError>(corpus, protocol_of("group"), "class 'angry' has no training utterance");
  corpus.values.assign(corpus.values.size(), 1.0F);
  EXPECT_EQ(make_folds(corpus, protocol_of("group")).size(), 3U);
}

}  // namespace
}  // namespace hardy
