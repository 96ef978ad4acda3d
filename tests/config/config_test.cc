#include "hardy/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <type_traits>

#include "config/fields.h"
#include "hardy/errors.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer_published/defects.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

Config parse(const std::string& text) { return parse_config(text, "x.toml", Config{}); }

std::string parse_error(const std::string& text) {
  return message_of<ConfigError>([&] { (void)parse(text); });
}

std::string set_error(const std::string& assignment) {
  Config config;
  return message_of<ConfigError>([&] { set_config_field(config, assignment); });
}

TEST(Config, EveryFieldIsDocumentedAndItsDefaultIsAllowed) {
  std::set<std::string> keys;
  for (const auto& info : config_fields()) {
    EXPECT_TRUE(keys.insert(info.key).second) << "twice: " << info.key;
    EXPECT_FALSE(info.range.empty()) << info.key;
    EXPECT_GT(info.meaning.size(), 10U) << info.key;
    EXPECT_GT(info.effect.size(), 5U) << info.key;
    EXPECT_FALSE(info.default_value.empty()) << info.key;
  }
  EXPECT_NO_THROW(validate_config(Config{}));
}

const void* address_of(const Field& field) {
  if (const auto* word = std::get_if<WordPointer>(&field.value)) return word->address();
  return std::visit(
      [](const auto& value) -> const void* {
        if constexpr (std::is_pointer_v<std::decay_t<decltype(value)>>) return value;
        return nullptr;
      },
      field.value);
}

/// Number of members of a struct: the structured bindings stop compiling when it changes.
struct MemberCounts {
  Config config;

  std::size_t data() const {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j] = config.data;
    return 10;
  }

  std::size_t protocol() const {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i] = config.protocol;
    return 9;
  }

  std::size_t run() const {
    [[maybe_unused]] const auto& [a, b, c, d] = config.run;
    return 4;
  }

  std::size_t tuning() const {
    [[maybe_unused]] const auto& [a, b, c, d, e] = hardymer_settings(config).tuning;
    return 5;
  }

  std::size_t hardness() const {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] =
        hardymer_settings(config).hardness;
    return 11 + encoder() + optimiser();
  }

  std::size_t retrieval() const {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h] = hardymer_settings(config).retrieval;
    return 8;
  }

  std::size_t recogniser() const {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h] = hardymer_settings(config).recogniser;
    return 6 + encoder() + optimiser();
  }

  std::size_t encoder() const {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i] =
        hardymer_settings(config).recogniser.encoder;
    return 9;
  }

  std::size_t optimiser() const {
    [[maybe_unused]] const auto& [a, b, c, d, e] = hardymer_settings(config).recogniser.optimiser;
    return 5;
  }

  std::size_t published() const {
    [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k] = published_settings(config);
    return 11;
  }
};

TEST(Config, RegistryReachesEveryMemberOnce) {
  Config config;
  std::set<const void*> members;
  std::map<std::string, std::size_t> found;
  for (const auto& field : describe(config)) {
    EXPECT_TRUE(members.insert(address_of(field)).second) << field.key;
    for (auto dot = field.key.find('.'); dot != std::string::npos;
         dot = field.key.find('.', dot + 1)) {
      ++found[field.key.substr(0, dot)];
    }
  }
  const MemberCounts counts;
  EXPECT_EQ(found["data"], counts.data());
  EXPECT_EQ(found["protocol"], counts.protocol());
  EXPECT_EQ(found["run"], counts.run());
  EXPECT_EQ(found["hardymer.tuning"], counts.tuning());
  EXPECT_EQ(found["hardymer.hardness"], counts.hardness());
  EXPECT_EQ(found["hardymer.retrieval"], counts.retrieval());
  EXPECT_EQ(found["hardymer.recogniser"], counts.recogniser());
  EXPECT_EQ(found["hardymer_published"], counts.published());
}

TEST(Config, TwentySettingsAreBasic) {
  std::size_t basic = 0;
  for (const auto& info : config_fields()) basic += info.is_advanced ? 0 : 1;
  EXPECT_EQ(basic, 20U);
}

TEST(Config, TablesByTheirNamesBeforeMeanWhatTheyMeant) {
  const Config before = parse_config(
      "[hardness]\nalpha1 = 0.25\n[hardness.encoder]\nhidden = 32\n[retrieval]\nk = 7\n"
      "supports = \"slots\"\n[tuning]\nepochs = 3\n[recogniser]\ninput = \"tuned\"\n"
      "[published]\nh7_first_modality = true\n[protocol]\nmethod = \"hardymer\"\n",
      "old.toml", Config{});
  const Config now = parse_config(
      "[hardymer.hardness]\nalpha1 = 0.25\n[hardymer.hardness.encoder]\nhidden = 32\n"
      "[hardymer.retrieval]\nk = 7\nsupports = \"slots\"\n[hardymer.tuning]\nepochs = 3\n"
      "[hardymer.recogniser]\ninput = \"tuned\"\n[hardymer_published]\n"
      "h7_first_modality = true\n[protocol]\nmethod = \"hardymer_published\"\n",
      "new.toml", Config{});
  EXPECT_EQ(config_toml(before), config_toml(now));
  EXPECT_EQ(before.protocol.method, "hardymer_published");
  EXPECT_EQ(hardymer_settings(before).hardness.encoder.hidden, 32);
  EXPECT_EQ(hardymer_settings(before).retrieval.supports, SupportUse::kSlots);
  Config set;
  set_config_field(set, "hardness.alpha1=0.25");
  EXPECT_EQ(hardymer_settings(set).hardness.alpha1, 0.25);
}

TEST(Config, TomlRoundTripsForEveryPreset) {
  for (const char* name : {"default", "published", "quick"}) {
    const Config config = make_preset(name);
    EXPECT_NO_THROW(validate_config(config)) << name;
    const std::string text = config_toml(config);
    EXPECT_EQ(config_toml(parse_config(text, "x.toml", make_preset("quick"))), text) << name;
  }
}

TEST(Config, TomlRoundTripsChangedValuesExactly) {
  Config config;
  config.data.path = "a \"quoted\" \\ path/\xC3\xA4";
  hardymer_settings(config).hardness.alpha1 = 0.1 + 0.2;  // not a short decimal
  hardymer_settings(config).recogniser.optimiser.learning_rate = 3e-7;
  hardymer_settings(config).hardness.beta = 12;
  config.run.seeds = {7, 0, 9007199254740992};
  const Config read = parse(config_toml(config));
  EXPECT_EQ(read.data.path, config.data.path);
  EXPECT_EQ(hardymer_settings(read).hardness.alpha1, hardymer_settings(config).hardness.alpha1);
  EXPECT_EQ(hardymer_settings(read).recogniser.optimiser.learning_rate, 3e-7);
  EXPECT_EQ(hardymer_settings(read).hardness.beta, 12.0);
  EXPECT_EQ(read.run.seeds, config.run.seeds);
  EXPECT_EQ(config_toml(read), config_toml(config));
}

TEST(Config, ReadsTablesDottedKeysAndIntegersAsNumbers) {
  const Config config = parse(
      "hardness.encoder.hidden = 32\n"
      "[recogniser]\nencoder = { heads = 4 }\noptimiser.clip = 5\n"
      "[run]\nseeds = [3, 1]\n");
  EXPECT_EQ(hardymer_settings(config).hardness.encoder.hidden, 32);
  EXPECT_EQ(hardymer_settings(config).recogniser.encoder.heads, 4);
  EXPECT_EQ(hardymer_settings(config).recogniser.optimiser.clip, 5.0);
  EXPECT_EQ(config.run.seeds, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(hardymer_settings(config).recogniser.encoder.hidden,
            hardymer_settings(Config{}).recogniser.encoder.hidden);
}

TEST(Config, PresetInFileReplacesTheBaseWhereverItStands) {
  const Config config = parse("preset = \"published\"\n[retrieval]\nk = 3\n");
  EXPECT_EQ(config.preset, "published");
  EXPECT_EQ(hardymer_settings(config).retrieval.supports, SupportUse::kSlots);
  EXPECT_EQ(hardymer_settings(config).retrieval.k, 3);
}

TEST(Config, PublishedPresetHasThePublishedHyperParameters) {
  const Config config = make_preset("published");
  EXPECT_EQ(hardymer_settings(config).hardness.complete_epochs, 100);
  EXPECT_EQ(hardymer_settings(config).hardness.pattern_epochs, 100);
  EXPECT_EQ(hardymer_settings(config).recogniser.complete_epochs, 25);
  EXPECT_EQ(hardymer_settings(config).recogniser.pattern_epochs, 25);
  EXPECT_EQ(hardymer_settings(config).tuning.epochs, 30);
  EXPECT_EQ(hardymer_settings(config).retrieval.k, 5);
  EXPECT_EQ(hardymer_settings(config).retrieval.support_label, SupportLabel::kOwn);
  for (const auto& encoder :
       {hardymer_settings(config).hardness.encoder, hardymer_settings(config).recogniser.encoder}) {
    EXPECT_EQ(encoder.hidden, 256);
    EXPECT_EQ(encoder.depth, 4);
    EXPECT_EQ(encoder.heads, 2);
    EXPECT_EQ(encoder.dropout, 0.5);
    EXPECT_EQ(encoder.norm, Norm::kNone);
    EXPECT_EQ(encoder.decoder, Decoder::kTwoLayer);
    EXPECT_EQ(encoder.decoder_width, 1024);
  }
  for (const auto& optimiser : {hardymer_settings(config).hardness.optimiser,
                                hardymer_settings(config).recogniser.optimiser}) {
    EXPECT_EQ(optimiser.batch, 16);
    EXPECT_EQ(optimiser.learning_rate, 1e-4);
    EXPECT_EQ(optimiser.weight_decay, 1e-5);
    EXPECT_EQ(optimiser.clip, 0.0);
  }
}

TEST(Config, UnknownFieldNamesPlaceAndNearestField) {
  EXPECT_THAT(parse_error("[hardness]\n  alpa1 = 0.5\n"),
              AllOf(HasSubstr("x.toml:2:3:"), HasSubstr("unknown field 'hardymer.hardness.alpa1'"),
                    HasSubstr("did you mean 'hardymer.hardness.alpha1'?")));
  EXPECT_THAT(parse_error("alpha1 = 0.5\n"), HasSubstr("did you mean 'hardymer.hardness.alpha1'?"));
  EXPECT_THAT(parse_error("[hardymr]\nx = 0.5\n"), HasSubstr("did you mean 'hardymer'?"));
  EXPECT_THAT(parse_error("quite_something_else = 1\n"),
              AllOf(HasSubstr("unknown field"), HasSubstr("`hardy config` lists all fields")));
}

TEST(Config, WrongTypeNamesPlaceValueAndType) {
  EXPECT_THAT(parse_error("[retrieval]\nk = \"five\"\n"),
              AllOf(HasSubstr("x.toml:2:5:"), HasSubstr("retrieval.k = \"five\""),
                    HasSubstr("not of type integer"), HasSubstr("allowed: 1..1000")));
  EXPECT_THAT(parse_error("[retrieval]\nk = 2.5\n"), HasSubstr("not of type integer"));
  EXPECT_THAT(parse_error("[retrieval]\nk = 1979-05-27\n"), HasSubstr("a date"));
  EXPECT_THAT(parse_error("run.seeds = [1, \"2\"]\n"), HasSubstr("not of type integers"));
  EXPECT_THAT(parse_error("hardness.alpha1 = true\n"), HasSubstr("not of type number"));
  EXPECT_THAT(parse_error("hardness = 3\n"),
              HasSubstr("is not a table; write [hardymer.hardness]"));
  EXPECT_THAT(parse_error("[hardness.alpha1]\n"), HasSubstr("not of type number"));
}

TEST(Config, OutOfRangeNamesPlaceValueAndRange) {
  EXPECT_THAT(parse_error("\n[hardness]\nalpha1 = 1.5\n"),
              AllOf(HasSubstr("x.toml:3:10:"), HasSubstr("hardness.alpha1 = 1.5"),
                    HasSubstr("is not at most 1"), HasSubstr("allowed: 0..1")));
  EXPECT_THAT(parse_error("hardness.beta = 0\n"), HasSubstr("is not above 0"));
  EXPECT_THAT(parse_error("hardness.encoder.dropout = 1\n"), HasSubstr("is not below 1"));
  EXPECT_THAT(parse_error("hardness.beta = nan\n"), HasSubstr("not a finite number"));
  EXPECT_THAT(parse_error("hardness.beta = inf\n"), HasSubstr("not a finite number"));
  EXPECT_THAT(parse_error("run.seeds = []\n"), HasSubstr("is empty"));
  EXPECT_THAT(parse_error("run.seeds = [1, 2, 1]\n"), HasSubstr("names 1 twice"));
  EXPECT_THAT(parse_error("run.seeds = [-1]\n"), HasSubstr("holds -1, which is below 0"));
  EXPECT_THAT(parse_error("retrieval.supports = \"weight\"\n"),
              AllOf(HasSubstr("did you mean 'weights'?"), HasSubstr("weights | slots | none")));
  EXPECT_THAT(parse_error("preset = \"quik\"\n"),
              AllOf(HasSubstr("x.toml:1:10:"), HasSubstr("did you mean 'quick'?")));
}

TEST(Config, MetricAndModalitiesAreCheckedAsLists) {
  EXPECT_NO_THROW(parse("retrieval.metric = \"acoustic=l2,textual=cosine\"\n"));
  EXPECT_THAT(parse_error("retrieval.metric = \"textual=dot\"\n"),
              HasSubstr("the metric 'dot', which is neither l2 nor cosine"));
  EXPECT_THAT(parse_error("retrieval.metric = \"textual\"\n"), HasSubstr("not name=value"));
  EXPECT_THAT(parse_error("retrieval.metric = \"a=l2,a=l2\"\n"), HasSubstr("names 'a' twice"));
  EXPECT_THAT(parse_error("data.modalities = \"a=\"\n"), HasSubstr("not name=value"));
  EXPECT_THAT(parse_error("protocol.conditions = \" ; \"\n"), HasSubstr("names nothing"));
}

TEST(Config, SyntaxErrorNamesLineAndColumn) {
  EXPECT_THAT(parse_error("[hardness]\nalpha1 = = 2\n"),
              AllOf(HasSubstr("x.toml:2:10:"), HasSubstr("not valid TOML")));
  EXPECT_THAT(parse_error("[hardness]\nalpha1 = 0.5\nalpha1 = 0.6\n"), HasSubstr("x.toml:3:"));
}

TEST(Config, HostileTomlIsRefusedWithoutCrashing) {
  const std::string deep_arrays = "x = " + std::string(100000, '[');
  const std::string deep_tables = "x = " + [] {
    std::string text;
    for (int i = 0; i < 50000; ++i) text += "{a=";
    return text;
  }();
  std::string deep_keys = "a";
  for (int i = 0; i < 100000; ++i) deep_keys += ".a";
  std::string allowed_depth = "a";
  for (int i = 0; i < 3900; ++i) allowed_depth += ".a";
  for (const std::string& text :
       {deep_arrays, deep_tables, deep_keys + " = 1", "[" + deep_keys + "]", allowed_depth + " = 1",
        std::string("retrieval.k = 99999999999999999999999"), std::string("\xFF\xFE\x00 = 1", 8),
        std::string("k = \"\xC3\x28\""), std::string(2 << 20, '\n'), std::string("\"\" = 1"),
        std::string(300, 'k') + " = 1", std::string("data.path = \"a\\u0000b\"")}) {
    EXPECT_THROW((void)parse(text), ConfigError) << text.substr(0, 40);
  }
}

TEST(Config, MissingFileIsAConfigErrorThatNamesIt) {
  const auto error =
      message_of<ConfigError>([] { (void)load_config("no/such/file.toml", Config{}); });
  EXPECT_THAT(error,
              AllOf(HasSubstr("no/such/file.toml"), HasSubstr("--config wants a TOML file")));
}

TEST(Config, SetReadsEveryType) {
  Config config;
  set_config_field(config, "hardness.alpha1=0.25");
  set_config_field(config, "retrieval.k=7");
  set_config_field(config, "data.path=some/folder=x");
  set_config_field(config, "hardness.centre=\"middle\"");
  set_config_field(config, "run.seeds=1-3,9");
  EXPECT_EQ(hardymer_settings(config).hardness.alpha1, 0.25);
  EXPECT_EQ(hardymer_settings(config).retrieval.k, 7);
  EXPECT_EQ(config.data.path, "some/folder=x");
  EXPECT_EQ(hardymer_settings(config).hardness.centre, ScoreCentre::kMiddle);
  EXPECT_EQ(config.run.seeds, (std::vector<std::int64_t>{1, 2, 3, 9}));
}

TEST(Config, SetRefusesAndLeavesTheConfigAlone) {
  EXPECT_THAT(set_error("hardness.alpha1"), HasSubstr("not of the form key=value"));
  EXPECT_THAT(set_error("hardnes.alpha1=1"), HasSubstr("did you mean 'hardymer.hardness.alpha1'?"));
  EXPECT_THAT(set_error("retrieval.k=five"), HasSubstr("not of type integer"));
  EXPECT_THAT(set_error("retrieval.k=5x"), HasSubstr("not of type integer"));
  EXPECT_THAT(set_error("hardness.beta=nan"), HasSubstr("not a finite number"));
  EXPECT_THAT(set_error("run.seeds=3-1"), HasSubstr("not of type integers"));
  EXPECT_THAT(set_error("data.path=\xFF"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(set_error("preset=quick"), HasSubstr("choose it with --preset"));
  Config config;
  EXPECT_THROW(set_config_field(config, "retrieval.k=0"), ConfigError);
  EXPECT_EQ(config_toml(config), config_toml(Config{}));
}

TEST(Config, TextsMustBeUtf8) {
  Config config;
  for (const char* text : {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x8E\xA4", "\xED\x9F\xBF"}) {
    EXPECT_NO_THROW(set_config_field(config, std::string("data.path=") + text)) << text;
    EXPECT_EQ(parse(config_toml(config)).data.path, text);
  }
  for (const char* text : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80",
                           "\xC3", "\xE2\x82", "\xF8\x88\x80\x80\x80"}) {
    EXPECT_THAT(set_error(std::string("data.path=") + text), HasSubstr("not valid UTF-8"));
  }
}

TEST(Config, IntegerListsTakeRangesAndRefuseTheRest) {
  using List = std::vector<std::int64_t>;
  EXPECT_EQ(parse_integers("1-5"), (List{1, 2, 3, 4, 5}));
  EXPECT_EQ(parse_integers("[4, 7-8]"), (List{4, 7, 8}));
  EXPECT_EQ(parse_integers("-2"), List{-2});
  EXPECT_EQ(parse_integers("9223372036854775807"), List{9223372036854775807});
  for (const char* text : {"", ",", "1,", "a", "5-1", "1-100000", "1 2",
                           "-9223372036854775808-9223372036854775807", "[1", "--1"}) {
    EXPECT_EQ(parse_integers(text), std::nullopt) << text;
  }
}

TEST(Config, CombinationsAreValidated) {
  Config config;
  hardymer_settings(config).hardness.encoder.hidden = 10;
  hardymer_settings(config).hardness.encoder.heads = 4;
  EXPECT_THAT(message_of<ConfigError>([&] { validate_config(config); }),
              HasSubstr("hardness.encoder.hidden = 10 is not a multiple of"));
  config = Config{};
  hardymer_settings(config).hardness.alpha1 = hardymer_settings(config).hardness.alpha2 = 0;
  EXPECT_THAT(message_of<ConfigError>([&] { validate_config(config); }), HasSubstr("are both 0"));
  config = Config{};
  hardymer_settings(config).recogniser.complete_epochs =
      hardymer_settings(config).recogniser.pattern_epochs = 0;
  EXPECT_THAT(message_of<ConfigError>([&] { validate_config(config); }),
              HasSubstr("nothing would be trained"));
  config = Config{};
  config.run.device = "gpu";
  EXPECT_THAT(message_of<ConfigError>([&] { validate_config(config); }),
              HasSubstr("run.device = \"gpu\""));
}

TEST(Config, SectionTomlHoldsOnlyTheSectionAndIgnoresOrder) {
  const Config config;
  const std::string text =
      config_section_toml(config, {"hardymer.retrieval", "hardymer.recogniser.encoder"});
  EXPECT_THAT(text,
              AllOf(HasSubstr("[hardymer.retrieval]"), HasSubstr("[hardymer.recogniser.encoder]")));
  EXPECT_EQ(text.find("[hardymer.recogniser]"), std::string::npos);
  EXPECT_EQ(text,
            config_section_toml(config, {"hardymer.recogniser.encoder", "hardymer.retrieval"}));
  Config other = config;
  other.run.jobs = 5;
  hardymer_settings(other).hardness.beta = 1;
  EXPECT_EQ(text,
            config_section_toml(other, {"hardymer.retrieval", "hardymer.recogniser.encoder"}));
  EXPECT_EQ(
      config_section_toml(config, {"hardymer.retrieval.k"}),
      "[hardymer.retrieval]\nk = " + std::to_string(hardymer_settings(config).retrieval.k) + "\n");
  EXPECT_THROW((void)config_section_toml(config, {"hardymer.retrival"}), InternalError);
}

}  // namespace
}  // namespace hardy
