// The description of a study: parsing, refusals, round trip.
#include "experiments/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "not refused";
}

std::string refusal_of(const std::string& text) {
  return refusal([&] { parse_study(text, "s.toml", Config{}); });
}

Study two_variants() {
  Study study;
  study.kind = "sweep";
  study.title = "A \"quoted\" title\n";
  study.base = make_preset("quick");
  study.variants = {{"alpha1=0.2, k=1", {"hardness.alpha1=0.2", "retrieval.k=1"}}, {"base", {}}};
  return study;
}

TEST(Study, SurvivesBeingWrittenAndRead) {
  const Study study = two_variants();
  const Study again = parse_study(study_toml(study), "s.toml", Config{});
  EXPECT_EQ(study_toml(again), study_toml(study));
  EXPECT_EQ(again.kind, "sweep");
  EXPECT_EQ(again.title, study.title);
  ASSERT_EQ(again.variants.size(), 2U);
  EXPECT_EQ(again.variants[0].label, "alpha1=0.2, k=1");
  EXPECT_THAT(again.variants[0].assignments, ElementsAre("hardness.alpha1=0.2", "retrieval.k=1"));
  EXPECT_EQ(config_toml(again.base), config_toml(study.base));
}

TEST(Study, TheNumberOfJobsDoesNotMakeStudiesDiffer) {
  Study one = two_variants();
  Study other = one;
  one.base.run.jobs = 1;
  other.base.run.jobs = 2;
  EXPECT_EQ(study_toml(one), study_toml(other));
}

TEST(Study, AVariantChangesOnlyWhatItSays) {
  const Study study = two_variants();
  Config expected = study.base;
  hardymer_settings(expected).hardness.alpha1 = 0.2;
  hardymer_settings(expected).retrieval.k = 1;
  EXPECT_EQ(config_toml(variant_config(study, study.variants[0])), config_toml(expected));
  EXPECT_EQ(config_toml(variant_config(study, study.variants[1])), config_toml(study.base));
}

TEST(Study, FolderNamesAreSafe) {
  EXPECT_EQ(folder_of({"alpha1=0.2, k=1", {}}), "alpha1=0.2-k=1");
  EXPECT_EQ(folder_of({"../../etc", {}}), "-..-etc");
  EXPECT_EQ(folder_of({"w/o retrieval", {}}), "w-o-retrieval");
  EXPECT_LE(folder_of({std::string(5000, 'x'), {}}).size(), 120U);
}

TEST(Study, ProblemsNameFileAndLine) {
  EXPECT_THAT(refusal_of("[retrieval]\nk = 2\n"), HasSubstr("s.toml: has no line [study]"));
  EXPECT_THAT(refusal_of("[retrieval]\nkk = 2\n[study]\n"), HasSubstr("s.toml:2:1: unknown field"));
  EXPECT_THAT(refusal_of("\n\n[study]\nkinds = \"x\"\n"),
              AllOf(HasSubstr("s.toml:4"), HasSubstr("study.kinds")));
  EXPECT_THAT(refusal_of("[study]\nkind = 3\n"), HasSubstr("kind must be a text"));
  EXPECT_THAT(refusal_of("[study]\nvariant = 3\n"), HasSubstr("[[study.variant]]"));
  EXPECT_THAT(refusal_of("[study]\n[[study.variant]]\nlabel = \"x\"\nset = \"a=1\"\n"),
              AllOf(HasSubstr("s.toml:4"), HasSubstr("'set'")));
  EXPECT_THAT(refusal_of("[study]\n[retrieval]\nk = 2\n"), HasSubstr("settings stand before it"));
  EXPECT_THAT(refusal_of("[study]\nkind = \n"), HasSubstr("s.toml:2: not valid TOML"));
}

TEST(Study, RefusesVariantsThatCannotBe) {
  Study study = two_variants();
  study.variants.clear();
  EXPECT_THAT(refusal([&] { validate_study(study); }), HasSubstr("no variant"));
  study.variants = {{"a b", {}}, {"a-b", {}}};
  EXPECT_THAT(refusal([&] { validate_study(study); }), HasSubstr("share the folder 'a-b'"));
  study.variants = {{"stages", {}}};
  EXPECT_THAT(refusal([&] { validate_study(study); }), HasSubstr("share the folder"));
  study.variants = {{"x", {"data.path=y"}}};
  EXPECT_THAT(refusal([&] { validate_study(study); }), HasSubstr("same data"));
  study.variants = {{"x", {"hardness.alpha9=1"}}};
  EXPECT_THAT(refusal([&] { validate_study(study); }),
              AllOf(HasSubstr("variant 'x'"), HasSubstr("unknown field")));
  study.variants = {{"x", {"hardness.alpha1=0", "hardness.alpha2=0"}}};
  EXPECT_THAT(refusal([&] { validate_study(study); }), HasSubstr("variant 'x'"));
  study.variants = {{"...", {}}};
  EXPECT_THAT(refusal([&] { validate_study(study); }), HasSubstr("needs a letter"));
}

TEST(Study, AMissingFileIsRefusedByName) {
  const test::TempDir dir;
  EXPECT_THAT(refusal([&] { load_study(dir / "none.toml", Config{}); }), HasSubstr("none.toml"));
}

}  // namespace
}  // namespace hardy
