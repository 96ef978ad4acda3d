// The paper's experiments as lists of variants, and their tables from hand-made results.
#include "experiments/reproduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "hardy/errors.h"
#include "methods/hardymer/settings.h"

namespace hardy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

const std::vector<std::string> kModalities = {"acoustic", "textual", "visual"};

std::vector<std::string> labels_of(const Study& study) {
  std::vector<std::string> labels;
  for (const auto& variant : study.variants) labels.push_back(variant.label);
  return labels;
}

Study made(const std::string& name, bool only_unified = false) {
  return reproduction(name, make_preset("published"), kModalities, only_unified);
}

TEST(Reproduce, EveryExperimentIsAValidStudyThatBeginsWithTheDefault) {
  for (const auto& name : reproduction_names()) {
    const Study study = made(name, true);
    EXPECT_NO_THROW(validate_study(study)) << name;
    EXPECT_EQ(study.variants.front().label, "default") << name;
  }
  EXPECT_THROW(made("table9"), ConfigError);
}

TEST(Reproduce, TheAblationsSwitchOffWhatTheirNameSays) {
  const Study study = made("table2");
  EXPECT_THAT(labels_of(study),
              ElementsAre("default", "w/o direct", "w/o indirect", "w/o hardness", "w/o retrieval",
                          "supports as visits", "w/o tuned features", "tuned input"));
  EXPECT_EQ(hardymer_settings(variant_config(study, study.variants[1])).hardness.components,
            HardnessTerms::kIndirect);
  EXPECT_EQ(hardymer_settings(variant_config(study, study.variants[4])).retrieval.supports,
            SupportUse::kNone);
}

TEST(Reproduce, IndexStrategiesChangeOneModalityEach) {
  const Study study = made("fig4");
  EXPECT_THAT(labels_of(study), ElementsAre("default", "A-IP", "T-L2", "V-IP"));
  EXPECT_THAT(study.variants[2].assignments,
              ElementsAre("hardymer.retrieval.metric=acoustic=l2,textual=l2,visual=l2"));
  EXPECT_THAT(study.variants[1].assignments,
              ElementsAre("hardymer.retrieval.metric=acoustic=cosine,textual=cosine,visual=l2"));
}

TEST(Reproduce, TheBasesOwnValuesAreNotRunTwice) {
  const auto labels = labels_of(made("table3"));  // published: alpha1 .6, alpha2 .4, beta 4, K 5
  EXPECT_THAT(labels, IsSupersetOf({"alpha1=0.2", "alpha2=0.8", "beta=8", "k=3"}));
  for (const char* own : {"alpha1=0.6", "alpha2=0.4", "beta=4", "k=5"}) {
    EXPECT_THAT(labels, ::testing::Not(Contains(own)));
  }
}

TEST(Reproduce, AllHasEveryVariantOnceAndMayKeepToTheUnifiedTrack) {
  const Study study = made("all", true);
  EXPECT_THAT(labels_of(study), IsSupersetOf({"w/o direct", "alpha1=0.2", "neither", "A-IP"}));
  EXPECT_EQ(variant_config(study, study.variants[0]).protocol.tracks, Tracks::kBoth);
  for (std::size_t v = 1; v < study.variants.size(); ++v) {
    EXPECT_EQ(variant_config(study, study.variants[v]).protocol.tracks, Tracks::kUnified);
  }
  for (const auto& variant : made("table1", true).variants) {
    EXPECT_EQ(variant_config(study, variant).protocol.tracks, Tracks::kBoth);
  }
}

/// A finished table2 in which variant v reaches .5 + v / 100 in {a} and .7 + v / 100 in {t}.
StudyResult finished(const std::string& data_name, bool is_synthetic) {
  StudyResult result;
  result.study = made("table2");
  for (std::size_t v = 0; v < result.study.variants.size(); ++v) {
    VariantResult variant;
    variant.variant = result.study.variants[v];
    Results& test = variant.test;
    test.data_name = data_name;
    test.is_synthetic = is_synthetic;
    test.modality_names = kModalities;
    test.class_names = {"happy", "sad", "neutral", "angry"};
    test.tracks = {"unified"};
    test.headline = {"wa"};
    const double shift = static_cast<double>(v) / 100;
    for (const auto& [condition, mean] : {std::pair("a", .5), {"t", .7}, {"average", .6}}) {
      Summary summary;
      summary.track = "unified";
      summary.condition = condition;
      summary.metric = "wa";
      summary.mean = mean + shift;
      test.summaries.push_back(summary);
    }
    result.variants.push_back(variant);
  }
  return result;
}

TEST(Reproduce, RowsHoldTheDifferenceToTheDefaultAndThePapersFigure) {
  const auto rows = reproduced_rows("table2", finished("IEMOCAP-4", false));
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_EQ(rows[3].variant, "w/o hardness");
  EXPECT_THAT(rows[3].values, ElementsAre(.53, .73, .63));
  EXPECT_NEAR(rows[3].difference, .03, 1e-12);
  EXPECT_EQ(rows[3].paper, .7371);
  EXPECT_TRUE(std::isnan(rows[1].paper));
}

TEST(Reproduce, ThePapersFiguresStandBesideItsOwnCorpusOnly) {
  for (const auto& row : reproduced_rows("table2", finished("IEMOCAP-4", true))) {
    EXPECT_TRUE(std::isnan(row.paper));
  }
  for (const auto& row : reproduced_rows("table2", finished("CMUMOSI", false))) {
    EXPECT_TRUE(std::isnan(row.paper));
  }
}

TEST(Reproduce, TextAndCsvShowTheSameNumbers) {
  const auto result = finished("IEMOCAP-4", false);
  EXPECT_THAT(reproduction_text("table2", result),
              HasSubstr("w/o hardness           0.5300   0.7300   0.6300    +0.0300   0.7371\n"));
  EXPECT_THAT(
      reproduction_csv("table2", result),
      HasSubstr("table2,w/o hardness,unified,wa,average,0.63,0.030000000000000027,0.7371\n"));
}

}  // namespace
}  // namespace hardy
