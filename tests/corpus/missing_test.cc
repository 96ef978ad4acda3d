#include "corpus/missing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "corpus/synth/demo_corpus.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kNames = {"acoustic", "textual", "visual"};

Corpus three_modalities(double missing_rate = 0) {
  DemoOptions options;
  options.sessions = 4;
  options.dialogues_per_session = 6;
  options.features.modalities = spread_modalities(3);
  for (auto& modality : options.features.modalities) modality.width = 2;
  options.features.missing_rate = missing_rate;
  return make_demo_corpus(options);
}

std::vector<std::int64_t> everyone(const Corpus& corpus) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(corpus.size()));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

MaskSpec spec_of(const std::string& item, const Corpus& corpus) {
  return parse_condition_plan(item, corpus.modality_names()).masks.at(0);
}

std::vector<Pattern> masks_of(const std::string& item, const Corpus& corpus,
                              std::uint64_t seed = 1) {
  return draw_masks(corpus, spec_of(item, corpus), seed);
}

double removed(const std::string& item, const Corpus& corpus) {
  return removed_share(corpus, masks_of(item, corpus), everyone(corpus));
}

/// Utterances by how many modalities they keep.
std::map<int, double> shares_by_count(const std::vector<Pattern>& masks) {
  std::map<int, double> shares;
  for (const auto mask : masks) shares[mask.count()] += 1 / static_cast<double>(masks.size());
  return shares;
}

TEST(ConditionPlan, ReadsPatternsMasksAndWhereTheyApply) {
  const auto plan =
      parse_condition_plan("complete; a,t ;rate=.3,0; block=.5; at=both; mask_seed=7", kNames);
  EXPECT_THAT(plan.patterns, ElementsAre(Pattern(3), Pattern(7)));
  ASSERT_EQ(plan.masks.size(), 3U);
  EXPECT_EQ(plan.masks[0].label, "block=0.5");
  EXPECT_EQ(plan.masks[1].label, "rate=0");
  EXPECT_EQ(plan.masks[2].label, "rate=0.3");
  EXPECT_EQ(plan.at, MissingAt::kBoth);
  EXPECT_EQ(plan.mask_seed, 7U);
  EXPECT_EQ(parse_condition_plan("table; rate=.1", kNames).patterns, all_patterns(3));
}

TEST(ConditionPlan, DotsGoOnInEqualSteps) {
  std::vector<std::string> labels;
  for (const auto& mask : parse_condition_plan("rate=0,.1,...,.7", kNames).masks) {
    labels.push_back(mask.label);
  }
  EXPECT_THAT(labels, ElementsAre("rate=0", "rate=0.1", "rate=0.2", "rate=0.3", "rate=0.4",
                                  "rate=0.5", "rate=0.6", "rate=0.7"));
}

TEST(ConditionPlan, ModalitiesHaveRatesOfTheirOwn) {
  const auto plan = parse_condition_plan("visual=.2+acoustic=.5; textual=.1,.4", kNames);
  ASSERT_EQ(plan.masks.size(), 3U);
  EXPECT_EQ(plan.masks[0].label, "acoustic=0.5+visual=0.2");
  EXPECT_THAT(plan.masks[0].rates, ElementsAre(.5, 0, .2));
  EXPECT_EQ(plan.masks[2].label, "textual=0.4");
}

TEST(ConditionPlan, RefusesWhatItCannotRead) {
  const auto error = [](const std::string& text) {
    return message_of<ConfigError>([&] { (void)parse_condition_plan(text, kNames); });
  };
  EXPECT_THAT(error("raet=.3"), HasSubstr("did you mean 'rate'?"));
  EXPECT_THAT(error("accoustic=.3"), HasSubstr("did you mean 'acoustic'?"));
  for (const char* rate : {"rate=1", "rate=-.1", "rate=x", "rate=", "rate=.1,,.2", "rate=nan"}) {
    EXPECT_THAT(error(rate), HasSubstr("is no rate")) << rate;
  }
  EXPECT_THAT(error("rate=.1,...,.7"), HasSubstr("needs two rates"));
  EXPECT_THAT(error("rate=0,.1,..."), HasSubstr("needs two rates"));
  EXPECT_THAT(error("rate=0,.2,...,.7"), HasSubstr("no steps of 0.2 lead to 0.7"));
  EXPECT_THAT(error("rate=.3,.1,...,.7"), HasSubstr("no steps"));
  EXPECT_THAT(error("rate=.3; at=home"), HasSubstr("test, training or both"));
  EXPECT_THAT(error("rate=.3; mask_seed=-1"), HasSubstr("whole number"));
  EXPECT_THAT(error("imder=.35"), HasSubstr("rates 0, 0.1, ..., 0.7 only"));
  EXPECT_THAT(error("acoustic=0+visual=0"), HasSubstr("every rate is 0"));
  EXPECT_THAT(error(" ; "), HasSubstr("name nothing"));
  EXPECT_THAT(message_of<ConfigError>([] {
                (void)parse_condition_plan("imder=.3", {"acoustic", "textual"});
              }),
              HasSubstr("three modalities"));
}

TEST(Masks, EveryUtteranceKeepsAModalityThatItHas) {
  const Corpus corpus = three_modalities(.3);
  for (const char* item : {"rate=.7", "gcnet=.5", "independent=.7", "imder=.6", "block=.7",
                           "acoustic=.9+textual=.9+visual=.9"}) {
    const auto masks = masks_of(item, corpus);
    for (std::int64_t i = 0; i < corpus.size(); ++i) {
      const Pattern mask = masks[static_cast<std::size_t>(i)];
      EXPECT_FALSE(mask.empty()) << item;
      EXPECT_EQ(mask & corpus.present_pattern(i), mask) << item;
    }
    EXPECT_GT(removed(item, corpus), .2) << item;
  }
}

TEST(Masks, RatesAreExactUpToTheLargestPossible) {
  const Corpus corpus = three_modalities();
  const double rounding = 4.0 / static_cast<double>(3 * corpus.size());  // half a pair a group
  for (const double rate : {0.0, .1, .3, .5, .6}) {
    EXPECT_NEAR(removed("rate=" + std::to_string(rate), corpus), rate, rounding);
  }
  EXPECT_DOUBLE_EQ(removed("rate=.7", corpus), 2.0 / 3.0);
  EXPECT_EQ(removed("gcnet=.4", corpus), removed("rate=.4", corpus));
}

TEST(Masks, IndependentDrawsRemoveLessBecauseOneStays) {
  const Corpus corpus = three_modalities();
  // Each pair is removed with probability r; with probability r^3 one of three is restored.
  const double deviation = 3 / std::sqrt(static_cast<double>(3 * corpus.size()));
  for (const double rate : {.3, .6}) {
    EXPECT_NEAR(removed("independent=" + std::to_string(rate), corpus),
                rate - std::pow(rate, 3) / 3, deviation / 2);
  }
}

TEST(Masks, ImderLosesFixedShares) {
  const Corpus corpus = three_modalities();
  const double rounding = 4.0 / static_cast<double>(corpus.size());
  auto shares = shares_by_count(masks_of("imder=.2", corpus));
  EXPECT_NEAR(shares[1], .2, rounding);
  EXPECT_NEAR(shares[2], .2, rounding);
  shares = shares_by_count(masks_of("imder=.5", corpus));
  EXPECT_NEAR(shares[1], .7, rounding);
  EXPECT_NEAR(shares[2], .1, rounding);
  EXPECT_NEAR(shares_by_count(masks_of("imder=.7", corpus))[1], 1, 1e-9);
  EXPECT_EQ(removed("imder=0", corpus), 0);
}

TEST(Masks, BlocksAreOneRunOfADialogue) {
  const Corpus corpus = three_modalities();
  const auto masks = masks_of("block=.25", corpus);
  for (const auto& dialogue : corpus.dialogues) {
    for (int m = 0; m < 3; ++m) {
      int changes = 0;
      std::int64_t off = 0;
      bool was_on = true;
      for (std::int64_t i = dialogue.first; i < dialogue.first + dialogue.count; ++i) {
        const bool is_on = masks[static_cast<std::size_t>(i)].has(m);
        changes += is_on != was_on ? 1 : 0;
        off += is_on ? 0 : 1;
        was_on = is_on;
      }
      // Where all three are missing one is restored, which may split a run.
      EXPECT_LE(changes, 6);
      EXPECT_LE(off, dialogue.count / 4 + 1);
    }
  }
  EXPECT_NEAR(removed("block=.25", corpus), .25, .03);
}

TEST(Masks, AModalityLosesItsOwnShare) {
  const Corpus corpus = three_modalities();
  const auto masks = masks_of("acoustic=.5+visual=.25", corpus);
  std::map<int, double> lost;
  for (const auto mask : masks) {
    for (int m = 0; m < 3; ++m) lost[m] += mask.has(m) ? 0 : 1;
  }
  const auto n = static_cast<double>(corpus.size());
  EXPECT_NEAR(lost[0] / n, .5, 4 / n);
  EXPECT_EQ(lost[1], 0);
  EXPECT_NEAR(lost[2] / n, .25, 4 / n);
}

TEST(Masks, DependOnCorpusProtocolAndSeedAlone) {
  const Corpus corpus = three_modalities();
  const auto plan = parse_condition_plan("block=.2; rate=.1,.3", corpus.modality_names());
  EXPECT_EQ(masks_of("rate=.3", corpus), draw_masks(corpus, plan.masks.at(2), 1));
  EXPECT_NE(masks_of("rate=.3", corpus), masks_of("rate=.3", corpus, 2));
}

TEST(Masks, EachOfficialPartLosesTheRate) {
  Corpus corpus = three_modalities();
  std::map<Part, std::vector<std::int64_t>> parts;
  for (std::size_t d = 0; d < corpus.dialogues.size(); ++d) {
    auto& dialogue = corpus.dialogues[d];
    dialogue.group.clear();
    dialogue.part = d % 4 == 0 ? Part::kTest : Part::kTrain;
    for (std::int64_t i = 0; i < dialogue.count; ++i) {
      parts[dialogue.part].push_back(dialogue.first + i);
    }
  }
  const auto masks = masks_of("rate=.4", corpus);
  for (const auto& [part, utterances] : parts) {
    const double rounding = .5 / static_cast<double>(3 * utterances.size());
    EXPECT_NEAR(removed_share(corpus, masks, utterances), .4, rounding + 1e-12);
  }
}

TEST(Masks, WhatIsMissingAtALowRateIsMissingAtAHigherOne) {
  const Corpus corpus = three_modalities();
  const auto few = masks_of("rate=.2", corpus);
  const auto many = masks_of("rate=.5", corpus);
  for (std::size_t u = 0; u < few.size(); ++u) EXPECT_EQ(few[u] & many[u], many[u]);
}

TEST(MaskedCorpus, IsTheSameWithFeaturesReallyMissing) {
  const Corpus corpus = three_modalities();
  const auto masks = masks_of("rate=.4", corpus);
  const Corpus masked = masked_corpus(corpus, masks);
  validate_corpus(masked);
  EXPECT_NE(masked.checksum, corpus.checksum);
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    const Pattern mask = masks[static_cast<std::size_t>(i)];
    EXPECT_EQ(masked.present_pattern(i), mask);
    for (int m = 0; m < 3; ++m) {
      const auto& before = corpus.modalities[static_cast<std::size_t>(m)].row(i);
      const auto& after = masked.modalities[static_cast<std::size_t>(m)].row(i);
      EXPECT_EQ(after[0], mask.has(m) ? before[0] : 0);
    }
  }
}

}  // namespace
}  // namespace hardy
