// Utterances as JSON: accepted input, and the message of each refusal.
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
  return read_utterance(text, "utterances[4]", info());
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

/// The reason of a refusal; empty for accepted text.
std::string reason_of(const std::string& text) {
  try {
    (void)read_utterance(text, "", info());
  } catch (const RequestError& error) {
    return error.reason();
  }
  return "";
}

TEST(Request, TellsWhereATextStopsBeingJson) {
  const std::string good = R"({"features":{"m1":[1,2]}})";
  EXPECT_EQ(reason_of(good), "");
  EXPECT_EQ(reason_of(""), R"(is empty, expected an object such as {"features": {..}})");
  EXPECT_EQ(reason_of("{"), "is not JSON at byte 2");
  EXPECT_EQ(reason_of(good + "x"), "is not JSON at byte 26");
  EXPECT_THAT(reason_of(R"({"features":{"m0":[1,NaN,2]}})"),
              HasSubstr("NaN and Infinity are not JSON"));
  EXPECT_EQ(reason_of(R"({"features":{"m0":[1e999,1,2]}})"),
            "holds a number beyond what a double can");
  // The parser itself treats a zero byte as the end.
  EXPECT_EQ(reason_of(good + std::string(1, '\0')), "is not JSON at byte 26: a zero byte");
  EXPECT_EQ(reason_of("{\"id\":\"caf\xE9\",\"features\":{\"m1\":[1,2]}}"),
            "is not UTF-8 at byte 11; JSON is UTF-8");
}

TEST(Request, NothingIsGivenTwice) {
  EXPECT_EQ(reason_of(R"({"id":"u","id":"v","features":{"m1":[1,2]}})"), "is given twice");
  EXPECT_EQ(reason_of(R"({"features":{"m1":[1,2]},"features":{"m1":[1,2]}})"), "is given twice");
  EXPECT_EQ(reason_of(R"({"features":{"m1":[1,2],"m1":[1,2]}})"), "is given twice");
  EXPECT_EQ(reason_of(R"({"features":{"m1":null,"m1":[1,2]}})"), "is given twice");
  EXPECT_THAT(reason_of(R"({"features":{"m1":{"base64":"AACAPwAAAMA=","base64":""}}})"),
              HasSubstr("is object"));
}

TEST(Request, StopsAtWhatTheModelCannotUse) {
  // Each is refused at the first byte that does not fit the model; the rest is not read.
  EXPECT_THAT(reason_of("{\"features\":{\"m1\":[1,2,3" + std::string(100, '?')),
              HasSubstr("has more than 2 values"));
  EXPECT_THAT(reason_of("{\"features\":{\"m1\":[[" + std::string(100, '?')),
              HasSubstr("is array, expected a number"));
  EXPECT_THAT(reason_of("{\"features\":{\"m1\":{\"base64\":\"" + std::string(400, 'A') + "\"" +
                        std::string(100, '?')),
              HasSubstr("has more than 2 values"));
  EXPECT_THAT(reason_of(std::string(200000, '[')), HasSubstr("is array"));
  EXPECT_THAT(reason_of("{\"id\":\"" + std::string(257, 'x') + "\"" + std::string(100, '?')),
              HasSubstr("has 257 bytes"));
}

TEST(Request, LongBase64IsToldFromWhatIsNone) {
  const auto packed = [](const std::string& text) {
    return reason_of("{\"features\":{\"m1\":{\"base64\":\"" + text + "\"}}}");
  };
  EXPECT_THAT(packed(std::string(400, 'A')), HasSubstr("has more than 2 values"));
  EXPECT_THAT(packed("AAAA\\n" + std::string(399, 'A')), HasSubstr("is not base64"));
  EXPECT_THAT(packed(std::string(401, 'A')), HasSubstr("is not base64"));
}

TEST(Request, ALongNameIsNotEchoed) {
  const std::string name(100'000, 'x');
  for (const auto& text : {"{\"" + name + "\":1}", "{\"features\":{\"" + name + "\":[1]}}"}) {
    try {
      (void)read_utterance(text, "", info());
      ADD_FAILURE() << "was read";
    } catch (const RequestError& error) {
      EXPECT_LT(std::string(error.what()).size(), 500U);
      EXPECT_THAT(error.field(), HasSubstr("xxx..."));
    }
  }
}

TEST(Request, ALineMayOnlyEndItsDialogue) {
  const auto request = read(R"({"dialogue":"d","end":true})");
  EXPECT_TRUE(request.only_ends());
  EXPECT_EQ(request.dialogue, "d");
  EXPECT_FALSE(read(R"({"features":{"m1":[1,2]},"end":true})").only_ends());
  EXPECT_EQ(reason_of(R"({"dialogue":"d","end":false})"), "is missing");
  EXPECT_THAT(reason_of(R"({"dialogue":"d","end":true,"features":{}})"),
              HasSubstr("names no modality"));
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
