// The switches of the published defects: selection and refusals.
#include "methods/hardymer_published/defects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer_published/defects.h"

namespace hardy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Config with(const std::vector<std::string>& assignments) {
  Config config;
  for (const auto& assignment : assignments) set_config_field(config, assignment);
  return config;
}

/// The error of validate_config; "" when it accepts.
std::string refusal(const std::vector<std::string>& assignments) {
  try {
    validate_config(with(assignments));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Defects, EveryPresetIsStrict) {
  for (const char* preset : {"default", "published", "quick"}) {
    EXPECT_THAT(active_defect_texts(make_preset(preset)), IsEmpty()) << preset;
    EXPECT_FALSE(has_published_switch(make_preset(preset))) << preset;
  }
}

TEST(Defects, ThePublishedProtocolTurnsAllOnAndStrictAllOff) {
  Config config = with(protocol_assignments("published"));
  validate_config(config);
  EXPECT_EQ(active_defects(config).size(), known_defects().size());
  EXPECT_EQ(hardymer_settings(config).retrieval.supports, SupportUse::kSlots);
  EXPECT_EQ(hardymer_settings(config).recogniser.input, FeatureKind::kTuned);
  for (const auto& assignment : protocol_assignments("strict")) {
    set_config_field(config, assignment);
  }
  EXPECT_THAT(active_defects(config), IsEmpty());
  EXPECT_THROW(protocol_assignments("publishd"), ConfigError);
}

TEST(Defects, EachHasItsNumberAndSwitch) {
  std::vector<std::string> numbers;
  for (const auto& defect : known_defects()) {
    numbers.push_back(defect.number);
    Config config = with({defect.key + "=" + defect.value, "retrieval.supports=slots"});
    const auto active = active_defects(config);
    ASSERT_EQ(active.size(), 1U) << defect.number;
    EXPECT_EQ(active.front().number, defect.number);
  }
  EXPECT_THAT(numbers, ElementsAre("H1", "H1b", "H2", "H4", "H5b", "H7", "H9", "H10", "H11", "H12",
                                   "H14", "H16"));
}

TEST(Defects, SwitchesThatHaveNothingToActOnAreRefusedWithARemedy) {
  EXPECT_THAT(refusal({"published.h1b_complete_epochs=true"}),
              AllOf(HasSubstr("h1b_complete_epochs"), HasSubstr("published.h1_test_epoch = true")));
  EXPECT_THAT(refusal({"published.h12_kept_gradients=true"}),
              AllOf(HasSubstr("h12_kept_gradients"), HasSubstr("retrieval.supports = \"slots\"")));
  EXPECT_THAT(refusal({"published.h16_filled_supports=true", "retrieval.supports=none"}),
              HasSubstr("retrieval.supports = \"slots\""));
  EXPECT_THAT(refusal({"published.h2_shared_tuning=true", "retrieval.database=plain"}),
              HasSubstr("recogniser.input = \"tuned\""));
  EXPECT_THAT(refusal({"published.h10_swapped_hardness=true", "hardness.components=none"}),
              HasSubstr("hardness.components"));
  EXPECT_THAT(refusal({"published.h7_first_modality=true", "retrieval.supports=none"}),
              HasSubstr("retrieval.supports"));
  EXPECT_THAT(refusal({"published.h1_test_epoch=true", "protocol.method=momke"}),
              HasSubstr("--method hardymer_published"));
  EXPECT_EQ(refusal({"published.h1_test_epoch=true", "published.h1b_complete_epochs=true"}), "");
}

TEST(Defects, SwitchesAreReadAndWrittenAsBooleans) {
  const Config config =
      parse_config("[published]\nh7_first_modality = true\n", "settings.toml", Config{});
  EXPECT_TRUE(published_settings(config).h7_first_modality);
  EXPECT_THAT(config_toml(config), HasSubstr("[hardymer_published]\nh1_test_epoch = false\n"));
  EXPECT_EQ(config_toml(parse_config(config_toml(config), "again", Config{})), config_toml(config));
  EXPECT_THROW(parse_config("[published]\nh7_first_modality = 1\n", "settings.toml", Config{}),
               ConfigError);
  Config other;
  EXPECT_THROW(set_config_field(other, "published.h7_first_modality=yes"), ConfigError);
  EXPECT_FALSE(published_settings(other).h7_first_modality);
}

}  // namespace
}  // namespace hardy
