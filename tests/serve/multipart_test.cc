// Forms of recordings: boundaries, parts, options.
#include "serve/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "inference/request.h"
#include "serve/media_form.h"
#include "tests/support/random_bundle.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;

std::string form_part(const std::string& name, const std::string& contents,
                      const std::string& more = "") {
  return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" +
         contents + "\r\n";
}

/// The field and reason of the refusal of a form.
std::string form_problem(const std::string& body) {
  const BundleInfo info = test::bundle_info({3, 2}, 2, EncoderConfig{});
  try {
    read_media_form(body, "XX", info);
  } catch (const RequestError& error) {
    return error.field() + ": " + error.reason();
  }
  return "";
}

TEST(Multipart, BoundariesAreThoseOfTheStandard) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\""), "a b");
  EXPECT_FALSE(form_boundary("multipart/form-data"));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary="));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=\"a"));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=a\"b"));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
  EXPECT_FALSE(form_boundary("multipart/mixed; boundary=abc"));
  EXPECT_FALSE(form_boundary("application/json"));
}

TEST(Multipart, PartsKeepTheirBytes) {
  const std::string bytes("\r\n--X\0--XY\r\n", 12);
  const std::string body =
      form_part("recording", bytes, "; filename=\"C:\\\\x\\\\clip \\\"1\\\".mp4\"") +
      form_part("options", "{}") + "--XX--\r\n";
  const auto parts = read_form(body, "XX");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "recording");
  EXPECT_EQ(parts[0].file_name, "clip \"1\".mp4");
  EXPECT_EQ(parts[0].contents, bytes);
  EXPECT_EQ(parts[1].file_name, "");
  EXPECT_EQ(parts[1].contents, "{}");
}

TEST(Multipart, BrokenFormsAreRefused) {
  const std::string end = "--XX--\r\n";
  const std::string good = form_part("recording", "x");
  EXPECT_EQ(form_problem(good + end), "");
  EXPECT_THAT(form_problem(good + "--X"), HasSubstr("body: is cut off"));
  EXPECT_THAT(form_problem(good.substr(0, 30)), HasSubstr("body: is cut off"));
  EXPECT_THAT(form_problem(""), HasSubstr("does not begin with its boundary"));
  EXPECT_THAT(form_problem("--XXY" + end), HasSubstr("neither a line nor the end"));
  EXPECT_THAT(form_problem("--XX\r\nno colon\r\n\r\nx\r\n" + end), HasSubstr("without a colon"));
  EXPECT_THAT(form_problem("--XX\r\nContent-Type: a/b\r\n\r\nx\r\n" + end), HasSubstr("no name"));
  EXPECT_THAT(form_problem("--XX\r\nA: " + std::string(5000, 'a') + "\r\n\r\nx\r\n" + end),
              HasSubstr("larger than 4096"));
  EXPECT_THAT(form_problem(good + good + end), HasSubstr("'recording' occurs twice"));
  std::string many;
  for (char name = 'a'; name <= 'i'; ++name) many += form_part({name}, "x");
  EXPECT_THAT(form_problem(many + end), HasSubstr("more than 8 parts"));
}

TEST(Multipart, OptionsAreChecked) {
  const auto with = [](const std::string& options) {
    return form_problem(form_part("recording", "x") + form_part("options", options) + "--XX--\r\n");
  };
  EXPECT_EQ(with(R"({"available": ["m0"], "cut": "whole", "tier": "A", "features": true})"), "");
  EXPECT_THAT(with("[]"), HasSubstr("options: is not a JSON object"));
  EXPECT_THAT(with("{"), HasSubstr("options: is not a JSON object"));
  EXPECT_THAT(with(R"({"cut": "never"})"), HasSubstr("options.cut: is none of"));
  EXPECT_THAT(with(R"({"cut": 1})"), HasSubstr("options.cut: is not a text"));
  EXPECT_THAT(with(R"({"cut": "whole", "cut": "auto"})"), HasSubstr("options.cut: is given twice"));
  EXPECT_THAT(with(R"({"features": 1})"), HasSubstr("options.features"));
  EXPECT_THAT(with(R"({"available": ["sound"]})"), HasSubstr("available[0]"));
  EXPECT_THAT(with(R"({"speed": 2})"), HasSubstr("options.speed: is unknown"));
  EXPECT_THAT(with("{\"tier\": \"" + std::string(5000, 'a') + "\"}"), HasSubstr("4096 bytes"));
  EXPECT_THAT(form_problem("--XX--\r\n"), HasSubstr("recording: is missing"));
  EXPECT_THAT(form_problem(form_part("recording", "") + "--XX--\r\n"), HasSubstr("is empty"));
  EXPECT_THAT(form_problem(form_part("film", "x") + "--XX--\r\n"), HasSubstr("unknown part"));
}

}  // namespace
}  // namespace hardy
