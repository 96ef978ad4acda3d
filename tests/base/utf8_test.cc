// Untrusted text.
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace hardy {
namespace {

TEST(Utf8, FindsTheFirstByteThatIsNone) {
  EXPECT_EQ(utf8_error(""), std::string_view::npos);
  EXPECT_EQ(utf8_error("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), std::string_view::npos);
  EXPECT_EQ(utf8_error("ab\xE9z"), 2U);
  for (const char* text : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                           "\xF4\x90\x80\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_EQ(utf8_error(text), 0U) << text;
  }
}

TEST(Utf8, RepairsAndShowsWithoutControls) {
  EXPECT_EQ(repaired_utf8("a\xE9z"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(repaired_utf8("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(without_controls("a\nb\x1B[0m\x7F"), "a?b?[0m?");
  EXPECT_EQ(without_controls("a\xC2\x9B"
                             "0m\xC2\xA0"),
            "a?0m\xC2\xA0");  // terminals interpret U+009B
  // The separator of lines, an override of the direction and an isolate; a dash and a quote stay.
  EXPECT_EQ(without_controls("a\xE2\x80\xA8"
                             "b\xE2\x80\xAE"
                             "c\xE2\x81\xA7"
                             "d\xE2\x80\x93\xE2\x80\x9D"),
            "a?b?c?d\xE2\x80\x93\xE2\x80\x9D");
}

TEST(Utf8, ShowsTheStartOfALongText) {
  EXPECT_EQ(shown("abc", 3), "abc");
  EXPECT_EQ(shown("abcd", 3), "abc...");
  EXPECT_EQ(shown("ab\xC3\xA9", 3), "ab...");  // no half characters
  EXPECT_EQ(shown("\xE2\x82\xAC\xE2\x82\xAC", 5), "\xE2\x82\xAC...");
  EXPECT_EQ(shown(std::string(1000, '\x80'), 4), "\xEF\xBF\xBD...");
}

}  // namespace
}  // namespace hardy
