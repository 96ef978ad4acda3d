// Utterances as JSON: what is read, and what each refusal says.
#include "inference/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/random_bundle.h"

namespace hardy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = RequestError::Kind;

const BundleInfo& info() {
  static const BundleInfo info = test::bundle_info({3, 2}, 2, EncoderConfig{});
  return info;
}

UtteranceRequest read(const std::string& text) {
  return read_utterance(parse_request(text), "utterances[4]", info());
}

TEST(Request, ReadsNumbersBase64AndNull) {
  const auto request = read(R"({"id":"u","dialogue":"d","speaker":"s","end":true,"features":)"
                            R"({"m0":[1,-2.5,3e2],"m1":null}})");
  EXPECT_EQ(request.id, "u");
  EXPECT_EQ(request.dialogue, "d");
  EXPECT_EQ(request.speaker, "s");
  EXPECT_TRUE(request.ends_dialogue);
  ASSERT_EQ(request.features.size(), 1U);
  EXPECT_THAT(request.features[0].second, ElementsAre(1, -2.5, 300));
  const auto packed = read(R"({"features":{"m1":{"base64":"AACAPwAAAMA="}}})");
  EXPECT_THAT(packed.features[0].second, ElementsAre(1, -2));
}

TEST(Request, EveryRefusalNamesTheField) {
  struct Case {
    const char* text;
    Kind kind;
    const char* field;
    const char* reason;
  };

  const Case cases[] = {
      {"[]", Kind::kMalformed, "utterances[4]", "is array"},
      {"{}", Kind::kMalformed, "utterances[4].features", "is missing"},
      {R"({"features":{}})", Kind::kUnusable, "utterances[4].features", "at least one of m0, m1"},
      {R"({"features":{"m0":null}})", Kind::kUnusable, "utterances[4].features", "no modality"},
      {R"({"features":[1]})", Kind::kMalformed, "utterances[4].features", "is array"},
      {R"({"features":{"m0":[1,2]}})", Kind::kUnusable, "utterances[4].features.m0",
       "has 2 values, the model reads 3"},
      {R"({"features":{"m0":[1,2,"x"]}})", Kind::kMalformed, "utterances[4].features.m0[2]",
       "is string"},
      {R"({"features":{"m0":[1,2,1e300]}})", Kind::kUnusable, "utterances[4].features.m0[2]",
       "too large"},
      {R"({"features":{"m2":[1]}})", Kind::kUnusable, "utterances[4].features.m2",
       "unknown modality 'm2'"},
      {R"({"features":{"m0":7}})", Kind::kMalformed, "utterances[4].features.m0", "is number"},
      {R"({"features":{"m1":{"base64":"AACAPw="}}})", Kind::kMalformed,
       "utterances[4].features.m1.base64", "not base64"},
      {R"({"features":{"m1":{"base64":"AACA"}}})", Kind::kMalformed,
       "utterances[4].features.m1.base64", "holds 3 bytes"},
      {R"({"features":{"m1":{"base64":"AADAfwAAAMA="}}})", Kind::kUnusable,
       "utterances[4].features.m1[0]", "NaN"},
      {R"({"features":{"m1":{"other":1}}})", Kind::kMalformed, "utterances[4].features.m1",
       "expected a list"},
      {R"({"id":7,"features":{"m1":[1,2]}})", Kind::kMalformed, "utterances[4].id", "is number"},
      {R"({"feature":{"m1":[1,2]}})", Kind::kMalformed, "utterances[4].feature",
       "did you mean 'features'?"},
      {R"({"end":1,"features":{"m1":[1,2]}})", Kind::kMalformed, "utterances[4].end",
       "not true or false"},
  };
  for (const auto& tested : cases) {
    SCOPED_TRACE(tested.text);
    try {
      (void)read(tested.text);
      FAIL() << "was read";
    } catch (const RequestError& error) {
      EXPECT_EQ(error.cause(), tested.kind);
      EXPECT_EQ(error.field(), tested.field);
      EXPECT_THAT(error.reason(), HasSubstr(tested.reason));
    }
  }
}

TEST(Request, TellsWhereATextStopsBeingJson) {
  for (const char* text : {"", "{", R"({"features":{"m0":[1,NaN,2]}})", "{\"a\":1}x", "\xff"}) {
    SCOPED_TRACE(text);
    EXPECT_THROW((void)parse_request(text), RequestError);
  }
  try {
    (void)parse_request("");
  } catch (const RequestError& error) {
    EXPECT_THAT(error.reason(), HasSubstr("is empty, expected an object"));
  }
  try {
    (void)parse_request("[NaN]");
  } catch (const RequestError& error) {
    EXPECT_THAT(error.reason(), HasSubstr("NaN and Infinity are not JSON"));
  }
  try {
    (void)parse_request("[1e999]");
    ADD_FAILURE() << "was read";
  } catch (const RequestError& error) {
    EXPECT_EQ(error.reason(), "holds a number beyond what a double can");
  }
  // Deep nesting is refused or read, never a crash.
  const std::string deep(200000, '[');
  EXPECT_THROW((void)parse_request(deep), RequestError);
}

TEST(Request, DecodesBase64Strictly) {
  std::vector<std::uint8_t> bytes;
  EXPECT_TRUE(decode_base64("", bytes));
  EXPECT_TRUE(bytes.empty());
  EXPECT_TRUE(decode_base64("/+8=", bytes));
  EXPECT_THAT(bytes, ElementsAre(0xFF, 0xEF));
  for (const char* bad : {"A", "AB", "ABC", "A===", "====", "AB=C", "AA B", "/+9="}) {
    EXPECT_FALSE(decode_base64(bad, bytes)) << bad;
  }
}

}  // namespace
}  // namespace hardy
