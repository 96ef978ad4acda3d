// The runs of a comparison: order, budgets, search spaces of every method.
#include "experiments/method_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "experiments/sweep.h"
#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST(Comparison, MethodsStandInThePapersOrderControlsLast) {
  EXPECT_THAT(in_table_order({}),
              ElementsAre("cpm_net", "mmin", "gcnet", "cif_mmin", "momke", "hardymer", "crossfit",
                          "context", "modality_dropout", "mean_mlp", "early_linear", "late_linear",
                          "majority"));
  EXPECT_THAT(in_table_order({"majority", "hardymer", "mmin"}),
              ElementsAre("mmin", "hardymer", "majority"));
}

TEST(Comparison, UnknownAndRepeatedMethodsAreRefused) {
  EXPECT_THAT(message_of<ConfigError>([] { (void)in_table_order({"momk"}); }),
              HasSubstr("did you mean 'momke'?"));
  EXPECT_THAT(message_of<ConfigError>([] {
                (void)in_table_order({"momke", "momke"});
              }),
              HasSubstr("twice"));
}

TEST(Comparison, ABudgetLimitsEveryStageOfEveryMethod) {
  const Config base = make_preset("published");
  for (const auto& method : declared_methods()) {
    const auto limits = epoch_limits(method, base, 7, 2);
    Config config = base;
    for (const auto& assignment : limits) set_config_field(config, assignment);
    EXPECT_NO_THROW(validate_config(config)) << method.name;
    EXPECT_THAT(epoch_limits(method, config, 7, 2), IsEmpty()) << method.name;
    const bool is_without = method.epochs.empty() && method.patience.empty();
    EXPECT_EQ(limits.empty(), is_without) << method.name;
  }
}

TEST(Comparison, PartsOfAStageShrinkAlikeAndStricterSettingsStay) {
  const Config base = make_preset("published");
  EXPECT_THAT(epoch_limits(declared_method("mmin"), base, 10, 5),
              ElementsAre("mmin.pretraining.constant_epochs=2", "mmin.pretraining.decay_epochs=8",
                          "mmin.training.constant_epochs=2", "mmin.training.decay_epochs=8",
                          "mmin.patience=5"));
  Config strict = base;
  hardymer_settings(strict).tuning.patience = 3;
  hardymer_settings(strict).hardness.patience = 0;
  hardymer_settings(strict).recogniser.pattern_epochs = 4;
  const auto limits = epoch_limits(declared_method("hardymer"), strict, 4, 4);
  EXPECT_THAT(limits, Contains("hardymer.hardness.patience=4"));
  EXPECT_THAT(limits, Not(Contains(HasSubstr("tuning.patience"))));
  EXPECT_THAT(limits, Not(Contains(HasSubstr("recogniser.pattern_epochs"))));
}

TEST(Comparison, EveryPointOfEverySearchSpaceIsAllowed) {
  CompareOptions options;
  options.points = 40;
  for (const auto& method : declared_methods()) {
    Study study;
    study.base.protocol.method = method.name;
    study.variants = tuning_points(method, options);
    if (method.search.empty()) {
      EXPECT_THAT(study.variants, IsEmpty()) << method.name;
      continue;
    }
    ASSERT_EQ(study.variants.size(), 41U) << method.name;
    EXPECT_THAT(study.variants.front().assignments, IsEmpty());
    EXPECT_NO_THROW(validate_study(study)) << method.name;
    // Points differ in settings that the method reads.
    const auto text = [&](std::size_t v) {
      return config_section_toml(
          variant_config(study, study.variants[v]),
          method.sections.empty() ? std::vector<std::string>{method.name} : method.sections);
    };
    EXPECT_NE(text(1), text(2)) << method.name;
    EXPECT_NE(text(0), text(1)) << method.name;
  }
}

TEST(Comparison, SystemsThatTrainBySettingsAllHaveASearchSpace) {
  for (const auto& method : declared_methods()) {
    if (method.is_control) continue;
    EXPECT_GE(method.search.size(), 3U) << method.name;
  }
}

TEST(Comparison, AStudyHasAVariantPerMethodUnderTheBudget) {
  CompareOptions options;
  options.methods = {"hardymer", "gcnet"};
  options.budget = 3;
  options.patience = 1;
  const Study study = comparison_study(options, make_preset("published"));
  EXPECT_EQ(study.kind, "compare");
  ASSERT_EQ(study.variants.size(), 2U);
  EXPECT_THAT(study.variants[0].assignments,
              UnorderedElementsAre("protocol.method=gcnet", "gcnet.epochs=3", "gcnet.patience=1"));
  const Config own = variant_config(study, study.variants[1]);
  EXPECT_EQ(hardymer_settings(own).recogniser.pattern_epochs, 3);
  EXPECT_EQ(hardymer_settings(own).hardness.patience, 1);
  options.budget = 0;
  EXPECT_THAT(comparison_study(options, {}).variants[0].assignments,
              ElementsAre("protocol.method=gcnet"));
}

TEST(Comparison, TheBudgetOfOtherMethodsSparesTheStudysOwn) {
  CompareOptions options;
  options.budget = 3;
  Study study;
  study.base = make_preset("published");
  study.variants = {
      {"default", {}}, {"k=3", {"retrieval.k=3"}}, {"gcnet", {"protocol.method=gcnet"}}};
  limit_other_methods(options, study);
  EXPECT_TRUE(study.variants[0].assignments.empty());
  EXPECT_THAT(study.variants[1].assignments, ElementsAre("retrieval.k=3"));
  EXPECT_THAT(study.variants[2].assignments,
              UnorderedElementsAre("protocol.method=gcnet", "gcnet.epochs=3", "gcnet.patience=5"));
}

}  // namespace
}  // namespace hardy
