#include "hardy/method_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardy/config.h"
#include "hardy/errors.h"
#include "methods/momke/settings.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MethodSettings, AreSetReadAndPrintedLikeEveryField) {
  Config config;
  config.protocol.method = "momke";
  set_config_field(config, "momke.depth=3");
  EXPECT_EQ(config.methods.of<MomkeSettings>("momke").depth, 3);
  const auto text = config_toml(config);
  EXPECT_THAT(text, HasSubstr("[momke]"));
  EXPECT_THAT(text, HasSubstr("depth = 3\n"));
  const Config read = parse_config(text, "x.toml", Config{});
  EXPECT_EQ(read.methods.of<MomkeSettings>("momke").depth, 3);
  EXPECT_EQ(config_toml(read), text);
}

TEST(MethodSettings, SectionsThatTheMethodDoesNotReadAreNotPrinted) {
  Config config;
  EXPECT_THAT(config_toml(config),
              AllOf(HasSubstr("[hardymer.hardness]"), Not(HasSubstr("[momke]"))));
  config.protocol.method = "momke";
  EXPECT_THAT(config_toml(config), AllOf(HasSubstr("[momke]"), Not(HasSubstr("[hardymer"))));
}

TEST(MethodSettings, CopiesShareNothing) {
  const Config original;
  Config copy = original;
  set_config_field(copy, "momke.depth=9");
  EXPECT_EQ(original.methods.of<MomkeSettings>("momke").depth, 4);
  Config assigned;
  assigned = copy;
  EXPECT_EQ(assigned.methods.of<MomkeSettings>("momke").depth, 9);
}

TEST(MethodSettings, AreCheckedAndMisspellingsGetTheNearest) {
  Config config;
  EXPECT_THAT(message_of<ConfigError>([&] { set_config_field(config, "momke.depht=3"); }),
              HasSubstr("did you mean 'momke.depth'?"));
  EXPECT_THAT(message_of<ConfigError>([&] { set_config_field(config, "momke.depth=0"); }),
              HasSubstr("is below 1"));
  EXPECT_THAT(message_of<ConfigError>([&] { set_config_field(config, "protocol.method=momk"); }),
              HasSubstr("did you mean 'momke'?"));
  set_config_field(config, "momke.heads=3");
  EXPECT_THAT(message_of<ConfigError>([&] { validate_config(config); }),
              HasSubstr("momke.hidden = 256 is not a multiple of momke.heads = 3"));
}

TEST(MethodSettings, NamesMustBeNewIdentifiers) {
  EXPECT_THAT(message_of<ConfigError>([] {
                declare_method({"momke", "M", "again"});
              }),
              HasSubstr("declared twice"));
  EXPECT_THAT(message_of<ConfigError>([] {
                declare_method({"cpm-net", "C", "minus"});
              }),
              HasSubstr("small letters"));
}

}  // namespace
}  // namespace hardy
