// The defect audit: its variants, and its answers on generated runs.
#include "experiments/defect_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer_published/defects.h"
#include "tests/analysis/made_run.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Settings in which two variants differ, except the method. Switches of a method that a variant
/// does not use are off.
std::vector<std::string> differences(const Study& study, const std::string& one,
                                     const std::string& other) {
  const auto values_of = [&](const std::string& label) {
    for (const auto& variant : study.variants) {
      if (variant.label == label) return config_values(variant_config(study, variant));
    }
    ADD_FAILURE() << "no variant " << label;
    return config_values(study.base);
  };
  std::map<std::string, std::pair<std::string, std::string>> both;
  for (const auto& [key, value] : values_of(one)) both[key].first = value;
  for (const auto& [key, value] : values_of(other)) both[key].second = value;
  std::vector<std::string> keys;
  for (const auto& [key, values] : both) {
    const auto known = [](const std::string& value) { return value.empty() ? "false" : value; };
    if (key != "protocol.method" && known(values.first) != known(values.second)) {
      keys.push_back(key);
    }
  }
  return keys;
}

TEST(DefectAudit, EveryDefectDiffersFromItsCounterpartInItsSwitchAlone) {
  for (const char* preset : {"default", "quick", "published"}) {
    const Study study = defect_audit(make_preset(preset));
    EXPECT_NO_THROW(validate_study(study)) << preset;
    std::map<std::string, std::string> key_of;
    for (const auto& defect : known_defects()) key_of[defect.number] = defect.key;
    int defects = 0;
    for (const auto& question : defect_questions(study)) {
      if (question.variant == "published") continue;
      ++defects;
      EXPECT_THAT(differences(study, question.variant, question.counterpart),
                  ElementsAre(key_of.at(question.variant)))
          << preset << ", " << question.variant;
    }
    EXPECT_EQ(defects, 12);
    const auto all = defect_questions(study).at(12);
    EXPECT_EQ(differences(study, all.variant, all.counterpart).size(), 12U);
  }
}

TEST(DefectAudit, CounterpartsThatTheBaseIsAlreadyAreNotRunTwice) {
  const Study weights = defect_audit(make_preset("quick"));
  EXPECT_EQ(weights.variants.size(), 4U + 12U + 1U);
  EXPECT_EQ(defect_questions(weights)[2].counterpart, "tuned input");
  const Study slots = defect_audit(make_preset("published"));
  EXPECT_EQ(slots.variants.size(), 2U + 12U + 1U);
  for (const auto& question : defect_questions(slots)) {
    if (question.variant != "H12") continue;
    EXPECT_EQ(question.counterpart, "strict");
  }
}

TEST(DefectAudit, StartsFromTheStrictProtocolOnly) {
  Config base;
  set_config_field(base, "hardymer_published.h7_first_modality=true");
  EXPECT_THROW(defect_audit(base), ConfigError);
  base = Config{};
  hardymer_settings(base).retrieval.supports = SupportUse::kNone;
  EXPECT_THROW(defect_audit(base), ConfigError);
}

TEST(DefectAudit, SaysWhatADefectIsWorthAndWhatItIsNot) {
  const test::TempDir dir;
  StudyResult result;
  result.study = defect_audit(make_preset("quick"));
  for (const auto& variant : result.study.variants) {
    const bool flatters = variant.label == "H7";
    const auto outcomes = test::hit_outcomes(
        [&](const test::MadeFit&, std::int64_t u) { return flatters ? u % 8 != 0 : u % 4 != 0; },
        {1, 2});
    test::make_run(dir / folder_of(variant), outcomes);
    VariantResult done;
    done.variant = variant;
    done.folder = folder_of(variant);
    done.test = make_results(outcomes, test::made_corpus(), {"1/2", "2/2"});
    result.variants.push_back(std::move(done));
  }
  const auto worths = defect_worths(dir.path(), result);
  ASSERT_EQ(worths.size(), 14U);  // one track
  for (const auto& worth : worths) {
    const bool is_h7 = worth.question.variant == "H7";
    EXPECT_EQ(worth.changes_nothing, !is_h7) << worth.question.variant;
    EXPECT_NEAR(worth.comparison.difference, is_h7 ? 0.125 : 0, 1e-12);
    EXPECT_THAT(worth_verdict(worth), HasSubstr(is_h7 ? "better" : "changes no prediction"));
  }
  const auto text = defect_audit_text(result, worths);
  EXPECT_THAT(text, AllOf(HasSubstr("+12.50"), HasSubstr("H7 "), HasSubstr("synthetic"),
                          Not(HasSubstr("One seed"))));
  result.variants.front().test.seeds = {1};
  EXPECT_THAT(defect_audit_text(result, worths), HasSubstr("One seed"));
  EXPECT_THAT(defect_audit_csv(worths), HasSubstr("\nH7,strict,unified,average,wa,0.875,0.75,"));
  EXPECT_THAT(defect_audit_json(result, worths), HasSubstr("\"defect\": \"H16\""));
}

}  // namespace
}  // namespace hardy
