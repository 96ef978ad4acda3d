// The points of a sweep.
#include "experiments/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "hardy/errors.h"
#include "methods/hardymer/settings.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal_of(const std::vector<std::string>& settings) {
  try {
    read_sweep(settings);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "not refused";
}

std::vector<std::string> labels_of(const std::vector<Variant>& variants) {
  std::vector<std::string> labels;
  for (const auto& variant : variants) labels.push_back(variant.label);
  return labels;
}

TEST(Sweep, TellsAxesFromFixedSettings) {
  const auto settings =
      read_sweep({"hardness.alpha1=0.2,0.4", "retrieval.k=3", "run.seeds=1,2", "tuning.epochs=1..9",
                  "retrieval.metric=acoustic=l2,textual=cosine",
                  "retrieval.metric=l2;acoustic=l2,textual=cosine", "protocol.conditions=a;t"});
  EXPECT_THAT(settings.fixed, ElementsAre("retrieval.k=3", "run.seeds=1,2",
                                          "retrieval.metric=acoustic=l2,textual=cosine",
                                          "protocol.conditions=a;t"));
  ASSERT_EQ(settings.axes.size(), 3U);
  EXPECT_THAT(settings.axes[0].values, ElementsAre("0.2", "0.4"));
  EXPECT_THAT(settings.axes[1].values, IsEmpty());
  EXPECT_EQ(settings.axes[1].high, 9);
  EXPECT_THAT(settings.axes[2].values, ElementsAre("l2", "acoustic=l2,textual=cosine"));
}

TEST(Sweep, RefusesWhatWouldNotBeComparedFairly) {
  EXPECT_THAT(refusal_of({"protocol.split_seed=1,2"}), HasSubstr("same validation outputs"));
  EXPECT_THAT(refusal_of({"protocol.tracks=unified,both"}), HasSubstr("same validation outputs"));
  EXPECT_THAT(refusal_of({"data.task=class,binary"}), HasSubstr("same validation outputs"));
  EXPECT_THAT(refusal_of({"retrieval.k=1,2", "retrieval.k=3,4"}), HasSubstr("already varies"));
  EXPECT_THAT(refusal_of({"retrieval.k=1,1"}), HasSubstr("comes twice"));
  EXPECT_THAT(refusal_of({"retrieval.k=1,"}), HasSubstr("empty"));
  EXPECT_THAT(refusal_of({"hardness.alpha1=1..0"}), HasSubstr("not a range"));
  EXPECT_THAT(refusal_of({"hardness.alpha1=log:0..1"}), HasSubstr("not a range"));
  EXPECT_THAT(refusal_of({"hardness.alpha1=0..x"}), HasSubstr("not a range"));
}

TEST(Sweep, TheGridHasEveryCombinationOnce) {
  const auto settings = read_sweep({"hardness.alpha1=0.2,0.4", "retrieval.k=1,3,5"});
  const auto variants = sweep_variants(settings.axes, 0, 1);
  EXPECT_THAT(labels_of(variants),
              ElementsAre("alpha1=0.2, k=1", "alpha1=0.2, k=3", "alpha1=0.2, k=5",
                          "alpha1=0.4, k=1", "alpha1=0.4, k=3", "alpha1=0.4, k=5"));
  EXPECT_THAT(variants[5].assignments, ElementsAre("hardness.alpha1=0.4", "retrieval.k=5"));
}

TEST(Sweep, KeysWithTheSameLastPartAreWrittenOut) {
  const auto settings =
      read_sweep({"hardness.encoder.hidden=8,16", "recogniser.encoder.hidden=8,16"});
  EXPECT_EQ(sweep_variants(settings.axes, 0, 1).front().label,
            "hardness.encoder.hidden=8, recogniser.encoder.hidden=8");
}

TEST(Sweep, RandomPointsAreDistinctRepeatableAndInRange) {
  const auto settings = read_sweep({"recogniser.optimiser.learning_rate=log:1e-5..1e-2",
                                    "retrieval.k=1..9", "retrieval.database=plain,tuned"});
  const auto variants = sweep_variants(settings.axes, 40, 7);
  ASSERT_EQ(variants.size(), 40U);
  const auto labels = labels_of(variants);
  EXPECT_EQ(std::set<std::string>(labels.begin(), labels.end()).size(), 40U);
  EXPECT_EQ(labels, labels_of(sweep_variants(settings.axes, 40, 7)));
  EXPECT_NE(labels, labels_of(sweep_variants(settings.axes, 40, 8)));
  int small_rates = 0;
  for (const auto& variant : variants) {
    Study study;
    const Config config = variant_config(study, variant);  // in particular: k is an integer
    EXPECT_GE(hardymer_settings(config).recogniser.optimiser.learning_rate, 0.99e-5);
    EXPECT_LE(hardymer_settings(config).recogniser.optimiser.learning_rate, 1.01e-2);
    EXPECT_GE(hardymer_settings(config).retrieval.k, 1);
    EXPECT_LE(hardymer_settings(config).retrieval.k, 9);
    if (hardymer_settings(config).recogniser.optimiser.learning_rate < 3.2e-4)
      ++small_rates;  // half on a log scale
  }
  EXPECT_GE(small_rates, 10);
  EXPECT_LE(small_rates, 30);
}

TEST(Sweep, ASmallGridEndsRandomSearchEarly) {
  const auto settings = read_sweep({"retrieval.k=1,3"});
  EXPECT_EQ(sweep_variants(settings.axes, 10, 1).size(), 2U);
}

TEST(Sweep, RefusesAGridOfRangesAndNoAxisAtAll) {
  EXPECT_THROW(sweep_variants(read_sweep({"hardness.alpha1=0..1"}).axes, 0, 1), ConfigError);
  EXPECT_THROW(sweep_variants({}, 0, 1), ConfigError);
}

}  // namespace
}  // namespace hardy
