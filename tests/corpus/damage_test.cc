// Each kind of damage, worked out by hand.
#include "corpus/damage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include <fmt/format.h>

#include "base/random.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

/// Two dialogues of 5 and 3 utterances and one of 2 that is never damaged; one modality "sound" of
/// width 1 with values 0..9. Utterance 6 lacks it. Speakers alternate a, b; the second dialogue
/// is a's alone.
Corpus turns() {
  Corpus corpus;
  corpus.dialogues = {
      {"d0", 0, 5, "", Part::kNone}, {"d1", 5, 3, "", Part::kNone}, {"d2", 8, 2, "", Part::kNone}};
  ModalityData sound{"sound", 1, {}, {}};
  std::vector<float> values;
  for (std::int64_t d = 0; d < 3; ++d) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(d)];
    for (std::int64_t t = 0; t < dialogue.count; ++t) {
      const auto u = dialogue.first + t;
      const std::string speaker = d == 1 || t % 2 == 0 ? "a" : "b";
      corpus.utterances.push_back({fmt::format("u{}", u), d, t, speaker, 0, ""});
      sound.present.push_back(u == 6 ? 0 : 1);
      values.push_back(u == 6 ? 0 : static_cast<float>(u));
    }
  }
  sound.features = values;
  corpus.modalities.push_back(std::move(sound));
  return corpus;
}

const std::vector<std::int64_t> kFirstTwo = {0, 1};
constexpr std::array<float, 1> kMean = {4};
constexpr std::array<float, 1> kDeviation = {2};

DamagedModality damaged(const Corpus& corpus, Damage damage, double severity,
                        std::uint64_t seed = 1) {
  return damage_modality(corpus, kFirstTwo, {damage, severity, 0, seed, kMean, kDeviation});
}

TEST(Damage, ShiftedFeaturesArriveLate) {
  // Severity 1/2 is two utterances; utterance 6 is absent, so 7 follows 5.
  const auto result = damaged(turns(), Damage::kShifted, 0.5);
  EXPECT_THAT(result.features, ElementsAre(0, 0, 0, 1, 2, 5, 0, 5, 8, 9));
  EXPECT_THAT(result.touched, ElementsAre(0, 1, 1, 1, 1, 0, 0, 1, 0, 0));
  EXPECT_THAT(damaged(turns(), Damage::kShifted, 0.01).features,
              ElementsAre(0, 0, 1, 2, 3, 5, 0, 5, 8, 9));
}

TEST(Damage, FrozenAtFullSeverityRepeatsTheFirst) {
  const auto result = damaged(turns(), Damage::kFrozen, 1);
  EXPECT_THAT(result.features, ElementsAre(0, 0, 0, 0, 0, 5, 0, 5, 8, 9));
  EXPECT_THAT(result.touched, ElementsAre(0, 1, 1, 1, 1, 0, 0, 1, 0, 0));
}

TEST(Damage, FrozenRepeatsOneRunOfTheShareAndLongerOnesContainIt) {
  // 1/2 of four possible utterances: two that follow each other repeat the one before them.
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    const auto half = damaged(turns(), Damage::kFrozen, 0.5, seed);
    std::vector<int> stuck;
    for (int u = 0; u < 5; ++u) {
      if (half.touched[static_cast<std::size_t>(u)] != 0) stuck.push_back(u);
    }
    ASSERT_EQ(stuck.size(), 2U);
    EXPECT_EQ(stuck[1], stuck[0] + 1);
    for (const int u : stuck) {
      EXPECT_EQ(half.features[static_cast<std::size_t>(u)], static_cast<float>(stuck[0] - 1));
    }
    const auto more = damaged(turns(), Damage::kFrozen, 0.75, seed);
    for (const int u : stuck) EXPECT_EQ(more.touched[static_cast<std::size_t>(u)], 1);
  }
}

TEST(Damage, ScaleMultipliesFeatures) {
  const auto result = damaged(turns(), Damage::kScale, 1);
  EXPECT_THAT(result.features, ElementsAre(0, 10, 20, 30, 40, 50, 0, 70, 8, 9));
  EXPECT_FLOAT_EQ(damaged(turns(), Damage::kScale, 0.5).features[1],
                  static_cast<float>(std::sqrt(10.0)));
}

TEST(Damage, ClippingCutsTheShareOfTheLargest) {
  // |z| of the seven values 0 1 2 3 4 5 7: 2, 1.5, 1, .5, 0, .5, 1.5. Of them 4 = floor(.6 * 7) are
  // kept, the largest of which is 1: values between 2 and 6.
  const auto result = damaged(turns(), Damage::kClipping, 0.4);
  EXPECT_THAT(result.features, ElementsAre(2, 2, 2, 3, 4, 5, 0, 6, 8, 9));
  // At 1 everything is the mean.
  EXPECT_THAT(damaged(turns(), Damage::kClipping, 1).features,
              ElementsAre(4, 4, 4, 4, 4, 4, 0, 4, 8, 9));
}

TEST(Damage, NoiseKeepsTheVarianceAndUsesOneDrawPerValue) {
  const auto quarter = damaged(turns(), Damage::kNoise, 0.25);
  const auto whole = damaged(turns(), Damage::kNoise, 1);
  for (const std::size_t u : {0U, 3U, 7U}) {
    const double e = (static_cast<double>(whole.features[u]) - 4) / 2;
    const double z = (static_cast<double>(u) - 4) / 2;
    EXPECT_NEAR(quarter.features[u], 4 + 2 * (std::sqrt(0.75) * z + 0.5 * e), 1e-5);
    auto generator = Seeds(1).stream("stress.noise", {0, static_cast<std::int64_t>(u)});
    EXPECT_NEAR(e, draw_normal(generator), 1e-6);
  }
  EXPECT_EQ(whole.features[6], 0);  // absent
  EXPECT_EQ(whole.features[8], 8);  // of another dialogue
  EXPECT_NE(damaged(turns(), Damage::kNoise, 1, 2).features, whole.features);
  EXPECT_EQ(damaged(turns(), Damage::kNoise, 1).features, whole.features);
}

TEST(Damage, EachModalityHasNoiseOfItsOwn) {
  Corpus corpus = turns();
  corpus.modalities.push_back(corpus.modalities[0]);
  const auto of = [&](std::size_t m) {
    return damage_modality(corpus, kFirstTwo, {Damage::kNoise, 1, m, 1, kMean, kDeviation})
        .features;
  };
  EXPECT_NE(of(0), of(1));
}

TEST(Damage, SwappedUtterancesExchangeTheirFeatures) {
  const auto result = damaged(turns(), Damage::kSwapped, 1);
  std::multiset<float> values;
  for (const std::size_t u : {0U, 1U, 2U, 3U, 4U, 5U, 7U}) {
    EXPECT_NE(result.features[u], static_cast<float>(u));
    values.insert(result.features[u]);
  }
  EXPECT_EQ(values, (std::multiset<float>{0, 1, 2, 3, 4, 5, 7}));
  // A share of .5 of seven is four, and they are among those of a larger share.
  const auto half = damaged(turns(), Damage::kSwapped, 0.5);
  EXPECT_EQ(std::count(half.touched.begin(), half.touched.end(), 1), 4);
}

TEST(Damage, AnotherSpeakersFeaturesAreTheNearest) {
  const auto result = damaged(turns(), Damage::kSpeaker, 1);
  // a b a b a: the nearest of the other, the earlier of two. The second dialogue has a alone; its
  // donors are b's utterances 1 and 3 of the first.
  EXPECT_THAT(std::vector<float>(result.features.begin(), result.features.begin() + 5),
              ElementsAre(1, 0, 1, 2, 3));
  for (const std::size_t u : {5U, 7U}) {
    EXPECT_TRUE(result.features[u] == 1 || result.features[u] == 3) << result.features[u];
  }
}

TEST(Damage, WithoutSpeakersOrTurnsNothingIsTouched) {
  Corpus corpus = turns();
  for (auto& utterance : corpus.utterances) utterance.speaker.clear();
  EXPECT_THAT(damaged(corpus, Damage::kSpeaker, 1).touched, Each(0));
  corpus = turns();
  corpus.dialogues.clear();
  for (std::int64_t u = 0; u < 10; ++u) {
    corpus.dialogues.push_back({fmt::format("d{}", u), u, 1, "", Part::kNone});
    corpus.utterances[static_cast<std::size_t>(u)].dialogue = u;
  }
  EXPECT_THAT(damaged(corpus, Damage::kFrozen, 1).touched, Each(0));
  EXPECT_THAT(damaged(corpus, Damage::kShifted, 1).touched, Each(0));
}

TEST(Damage, NamesAreChecked) {
  for (const auto damage : all_damages()) EXPECT_EQ(damage_named(damage_name(damage)), damage);
  EXPECT_THAT(message_of<ConfigError>([] { damage_named("nois"); }),
              HasSubstr("unknown damage 'nois' (did you mean 'noise'?)"));
}

}  // namespace
}  // namespace hardy
