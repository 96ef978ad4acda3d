#include "corpus/synth/demo_corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/files.h"
#include "corpus/plain_form.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "tests/support/linear_probe.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

const Corpus& default_corpus() {
  static const Corpus corpus = make_demo_corpus();
  return corpus;
}

DemoOptions small_options() {
  DemoOptions options;
  options.sessions = 2;
  options.dialogues_per_session = 2;
  options.min_utterances = 3;
  options.max_utterances = 8;
  return options;
}

/// Share of utterances with a known earlier utterance of `same_speaker` whose label equals it.
double repeat_rate(const Corpus& corpus, bool same_speaker) {
  double repeats = 0;
  double pairs = 0;
  for (const auto& dialogue : corpus.dialogues) {
    for (std::int64_t i = dialogue.first + 1; i < dialogue.first + dialogue.count; ++i) {
      const auto& now = corpus.utterances[static_cast<std::size_t>(i)];
      for (std::int64_t j = i - 1; j >= dialogue.first; --j) {
        const auto& before = corpus.utterances[static_cast<std::size_t>(j)];
        if ((before.speaker == now.speaker) != same_speaker) continue;
        repeats += before.label == now.label ? 1 : 0;
        pairs += 1;
        break;
      }
    }
  }
  return repeats / pairs;
}

template <typename Call>
void expect_config_error(const Call& call, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "nothing thrown; expected: " << part;
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(DemoCorpus, IsShapedLikeIemocap) {
  const Corpus& corpus = default_corpus();
  EXPECT_NO_THROW(validate_corpus(corpus));
  EXPECT_EQ(corpus.name, "demonstration (synthetic)");
  EXPECT_TRUE(corpus.is_synthetic);
  EXPECT_EQ(corpus.dialogues.size(), 40U);
  EXPECT_GE(corpus.size(), 1000);
  EXPECT_LE(corpus.size(), 1500);
  EXPECT_EQ(corpus.class_names, (std::vector<std::string>{"happy", "sad", "neutral", "angry"}));
  EXPECT_EQ(corpus.modality_names(), (std::vector<std::string>{"acoustic", "textual", "visual"}));
  std::set<std::string> groups;
  for (const auto& dialogue : corpus.dialogues) {
    groups.insert(dialogue.group);
    EXPECT_EQ(dialogue.part, Part::kNone);
  }
  std::set<std::string> speakers;
  for (const auto& utterance : corpus.utterances) {
    const auto& group = corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)].group;
    EXPECT_TRUE(utterance.speaker == group + "_F" || utterance.speaker == group + "_M");
    speakers.insert(utterance.speaker);
  }
  EXPECT_EQ(groups.size(), 5U);
  EXPECT_EQ(speakers.size(), 10U);
}

TEST(DemoCorpus, SameSeedSameBytesAndAnotherSeedOthers) {
  const auto options = small_options();
  auto other = options;
  other.features.seed = 2;
  const Corpus first = make_demo_corpus(options);
  EXPECT_EQ(first.checksum, make_demo_corpus(options).checksum);
  EXPECT_EQ(first.checksum, corpus_checksum(first));
  EXPECT_NE(first.checksum, make_demo_corpus(other).checksum);
  EXPECT_EQ(first.true_difficulty, make_demo_corpus(options).true_difficulty);
}

TEST(DemoCorpus, ClassSharesAreThoseOfIemocap) {
  std::array<double, 4> shares{};
  for (const auto& utterance : default_corpus().utterances) {
    shares[static_cast<std::size_t>(utterance.label)] +=
        1.0 / static_cast<double>(default_corpus().size());
  }
  const std::array<double, 4> wanted = {0.296, 0.196, 0.309, 0.199};
  for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(shares[c], wanted[c], 0.02);
}

TEST(DemoCorpus, EmotionsLastAndSpread) {
  // Independent draws at these shares repeat in about 26 % of the cases.
  EXPECT_GT(repeat_rate(default_corpus(), true), 0.55);
  EXPECT_GT(repeat_rate(default_corpus(), false), 0.32);
  auto options = DemoOptions{};
  options.inertia = 0;
  options.contagion = 0;
  options.features.modalities = {{"a", 1, 0.5}, {"b", 1, 0.5}};
  EXPECT_LT(repeat_rate(make_demo_corpus(options), true), 0.32);
}

TEST(DemoCorpus, UnimodalStrengthsAreThoseOfIemocap) {
  EXPECT_NEAR(test::accuracy_on_unseen_groups(default_corpus(), {0}), 0.70, 0.03);
  EXPECT_NEAR(test::accuracy_on_unseen_groups(default_corpus(), {1}), 0.77, 0.03);
  EXPECT_NEAR(test::accuracy_on_unseen_groups(default_corpus(), {2}), 0.57, 0.03);
}

TEST(DemoCorpus, ModalitiesTogetherBeatTheBestOne) {
  const double best = test::accuracy_on_unseen_groups(default_corpus(), {1});
  EXPECT_GT(test::accuracy_on_unseen_groups(default_corpus(), {0, 1, 2}), best + 0.02);
}

TEST(DemoCorpus, HardUtterancesAreMissedMoreOften) {
  const Corpus& corpus = default_corpus();
  const auto hits = test::hits_on_unseen_groups(corpus, {0, 1, 2});
  std::array<double, 2> hit{};
  std::array<double, 2> count{};
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const std::size_t is_hard = corpus.true_difficulty[i] > 0.5F ? 1 : 0;
    hit[is_hard] += hits[i] ? 1 : 0;
    count[is_hard] += 1;
  }
  EXPECT_GT(count[1], 0.2 * static_cast<double>(corpus.size()));  // ambiguous and inconsistent ones
  EXPECT_GT(hit[0] / count[0], hit[1] / count[1] + 0.15);
}

TEST(DemoCorpus, DifficultyLiesInTheUnitIntervalAndBothKindsExist) {
  const Corpus& corpus = default_corpus();
  ASSERT_EQ(corpus.true_difficulty.size(), corpus.utterances.size());
  const auto [low, high] =
      std::minmax_element(corpus.true_difficulty.begin(), corpus.true_difficulty.end());
  EXPECT_GE(*low, 0);
  EXPECT_LE(*high, 1);
  // With three modalities: clear 0..0.3, ambiguous 0.65..1, inconsistent 1 - I/3 = 0.66..0.77.
  auto options = DemoOptions{};
  options.features.inconsistent_rate = 0;
  const Corpus consistent = make_demo_corpus(options);
  options.features = {.modalities = demo_modalities(), .ambiguous_rate = 0};
  const Corpus clear = make_demo_corpus(options);
  const auto hard_share = [](const Corpus& of) {
    return static_cast<double>(std::count_if(of.true_difficulty.begin(), of.true_difficulty.end(),
                                             [](float d) { return d > 0.5F; })) /
           static_cast<double>(of.size());
  };
  EXPECT_NEAR(hard_share(corpus), 0.30, 0.04);
  EXPECT_NEAR(hard_share(consistent), 0.15, 0.04);
  EXPECT_NEAR(hard_share(clear), 0.15, 0.04);
  for (const float difficulty : clear.true_difficulty) {
    EXPECT_TRUE(difficulty <= 0.3F + 1e-5F || (difficulty > 0.66F && difficulty < 0.77F))
        << difficulty;
  }
}

TEST(DemoCorpus, InconsistentModalitiesMislead) {
  // Two modalities, every utterance inconsistent: each modality is right at most about half of the
  // time.
  auto options = DemoOptions{};
  options.features.modalities = spread_modalities(2);
  options.features.ambiguous_rate = 0;
  options.features.inconsistent_rate = 1;
  const Corpus corpus = make_demo_corpus(options);
  EXPECT_LT(test::accuracy_on_unseen_groups(corpus, {0}), 0.60);
  for (const float difficulty : corpus.true_difficulty) EXPECT_EQ(difficulty, 1);
}

TEST(DemoCorpus, SpeakersShiftTheFeatures) {
  // Between-speaker variance of a column must exceed the chance value for means of n rows (1/n).
  const auto& acoustic = default_corpus().modalities[0];
  double between = 0;
  double total = 0;
  for (std::int64_t c = 0; c < acoustic.width; ++c) {
    std::map<std::string, std::vector<double>> of_speaker;
    std::vector<double> all;
    for (std::int64_t i = 0; i < default_corpus().size(); ++i) {
      const double x = static_cast<double>(acoustic.row(i)[static_cast<std::size_t>(c)]);
      of_speaker[default_corpus().utterances[static_cast<std::size_t>(i)].speaker].push_back(x);
      all.push_back(x);
    }
    std::vector<double> means;
    for (const auto& [speaker, values] : of_speaker) {
      means.push_back(mean_and_deviation(values).mean);
    }
    between += std::pow(mean_and_deviation(means).deviation, 2);
    total += std::pow(mean_and_deviation(all).deviation, 2);
  }
  EXPECT_GT(between / total, 0.04);  // 10 speakers of 120 rows: 0.008 by chance
}

TEST(DemoCorpus, ColumnsDifferInScaleAndOffset) {
  for (const auto& modality : default_corpus().modalities) {
    std::vector<double> deviations;
    double largest_offset = 0;
    for (std::int64_t c = 0; c < modality.width; ++c) {
      std::vector<double> column;
      for (std::int64_t i = 0; i < default_corpus().size(); ++i) {
        column.push_back(static_cast<double>(modality.row(i)[static_cast<std::size_t>(c)]));
      }
      const auto moments = mean_and_deviation(column);
      deviations.push_back(moments.deviation);
      largest_offset = std::max(largest_offset, std::abs(moments.mean));
    }
    const auto [low, high] = std::minmax_element(deviations.begin(), deviations.end());
    EXPECT_GT(*low, 0.1);
    EXPECT_LT(*high, 15);
    EXPECT_GT(*high / *low, 3);
    EXPECT_GT(largest_offset, 0.5);
  }
}

TEST(DemoCorpus, AnyNumberOfModalitiesWorks) {
  for (const int count : {2, 6, kMaxModalities}) {
    auto options = small_options();
    options.features.modalities = spread_modalities(count);
    const Corpus corpus = make_demo_corpus(options);
    EXPECT_EQ(corpus.modality_count(), count);
    EXPECT_EQ(corpus.modality_names()[1], "m2");
    EXPECT_NO_THROW(validate_corpus(corpus));
  }
  EXPECT_EQ(spread_modalities(3)[0].name, "acoustic");
}

TEST(DemoCorpus, SixModalitiesKeepTheirStrengths) {
  auto options = DemoOptions{};
  options.features.modalities = spread_modalities(6);
  const Corpus corpus = make_demo_corpus(options);
  EXPECT_NEAR(test::accuracy_on_unseen_groups(corpus, {0}), 0.77, 0.05);
  EXPECT_NEAR(test::accuracy_on_unseen_groups(corpus, {5}), 0.57, 0.05);
  EXPECT_GT(test::accuracy_on_unseen_groups(corpus, {0, 1, 2, 3, 4, 5}), 0.80);
}

TEST(DemoCorpus, NarrowestFeaturesAndShortestDialoguesWork) {
  DemoOptions options;
  options.sessions = 1;
  options.dialogues_per_session = 1;
  options.min_utterances = 1;
  options.max_utterances = 1;
  options.features.modalities = {{"x", 1, 0.7}, {"y", 2, 0.7}};
  const Corpus corpus = make_demo_corpus(options);
  EXPECT_EQ(corpus.size(), 1);
  EXPECT_EQ(corpus.modalities[1].features.size(), 2U);
}

TEST(DemoCorpus, MissingFeaturesAreZeroAndOneModalityStays) {
  auto options = DemoOptions{};
  options.features.missing_rate = 0.3;
  const Corpus corpus = make_demo_corpus(options);
  double missing = 0;
  for (const auto& modality : corpus.modalities) {
    for (std::int64_t i = 0; i < corpus.size(); ++i) {
      const auto row = modality.row(i);
      const bool is_zero = std::all_of(row.begin(), row.end(), [](float x) { return x == 0; });
      EXPECT_EQ(is_zero, modality.present[static_cast<std::size_t>(i)] == 0);
      missing += is_zero ? 1 : 0;
    }
  }
  EXPECT_NEAR(missing / (3.0 * static_cast<double>(corpus.size())), 0.3, 0.03);
  for (std::int64_t i = 0; i < corpus.size(); ++i) EXPECT_FALSE(corpus.present_pattern(i).empty());
}

TEST(DemoCorpus, OneModalityDoesNotDependOnTheOthers) {
  auto options = small_options();
  const Corpus before = make_demo_corpus(options);
  options.features.modalities[2] = {"gesture", 80, 0.65};
  const Corpus after = make_demo_corpus(options);
  EXPECT_EQ(before.modalities[0].features, after.modalities[0].features);
  EXPECT_EQ(before.modalities[1].features, after.modalities[1].features);
  EXPECT_NE(before.modalities[2].features.size(), after.modalities[2].features.size());
}

TEST(DemoCorpus, OptionsOutOfRangeAreNamed) {
  const auto with = [](const auto& change) {
    return [change] {
      DemoOptions options;
      change(options);
      make_demo_corpus(options);
    };
  };
  expect_config_error(with([](auto& o) { o.sessions = 0; }),
                      "sessions = 0; it must lie in 1..1000");
  expect_config_error(with([](auto& o) { o.dialogues_per_session = -1; }), "dialogues_per_session");
  expect_config_error(with([](auto& o) { o.min_utterances = 0; }), "min_utterances = 0");
  expect_config_error(with([](auto& o) { o.max_utterances = 5; }), "must lie in 20..1000");
  expect_config_error(with([](auto& o) { o.class_shares = {1, 1}; }), "4 class names and 2 class");
  expect_config_error(with([](auto& o) { o.class_shares[1] = 0; }), "a class share is 0");
  expect_config_error(with([](auto& o) { o.inertia = 0.9; }), "their sum must be below 1");
  expect_config_error(with([](auto& o) { o.features.modalities.resize(1); }),
                      "number of modalities = 1; it must lie in 2..16");
  expect_config_error(with([](auto& o) { o.features.modalities[1].name = "acoustic"; }),
                      "'acoustic' is empty or given twice");
  expect_config_error(with([](auto& o) { o.features.modalities[1].width = 0; }),
                      "width of textual = 0");
  expect_config_error(with([](auto& o) { o.features.modalities[1].strength = 1.5; }),
                      "strength of textual = 1.5");
  expect_config_error(with([](auto& o) { o.features.ambiguous_rate = 0.9; }),
                      "ambiguous_rate + inconsistent_rate = 1.05");
  expect_config_error(with([](auto& o) { o.features.missing_rate = std::nan(""); }),
                      "missing_rate = nan");
  expect_config_error([] { spread_modalities(1); }, "between 2 and 16");
}

TEST(DrawnFeatures, GoStraightToDiskWithTheSameBytes) {
  DemoOptions options = small_options();
  options.features.missing_rate = 0.3;
  const test::TempDir folder;
  const Corpus corpus = make_demo_corpus(options);
  write_plain(corpus, folder.path() / "memory");
  const auto name = [&](Corpus& drawn) { name_demo_corpus(drawn, options.features.seed); };
  draw_features_to(make_demo_labels(options), options.features, 3, name, folder.path() / "disk");
  for (const char* file :
       {"utterances.csv", "corpus.toml", "acoustic.npy", "textual.npy", "visual.npy"}) {
    EXPECT_TRUE(read_file(folder.path() / "memory" / file) ==
                read_file(folder.path() / "disk" / file))
        << file;
  }
  EXPECT_THROW(draw_features_to(make_demo_labels(options), options.features, 1, nullptr,
                                folder.path() / "disk"),
               ConfigError);
}

}  // namespace
}  // namespace hardy
