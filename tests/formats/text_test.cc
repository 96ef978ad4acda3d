#include "formats/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hardy {
namespace {

TEST(Text, Latin1GoesToUtf8AndBack) {
  EXPECT_EQ(latin1_to_utf8("a\xFC\x80"), "a\xC3\xBC\xC2\x80");
  EXPECT_EQ(utf8_to_latin1("a\xC3\xBC"), "a\xFC");
  EXPECT_EQ(utf8_to_latin1("\xE6\x97\xA5"), std::nullopt);
  EXPECT_EQ(utf8_to_latin1("\xFC"), std::nullopt);
}

TEST(Text, MalformedUtf8IsNoticed) {
  EXPECT_TRUE(is_utf8("gr\xC3\xBCn \xE6\x97\xA5 \xF0\x9F\x98\x80"));
  EXPECT_TRUE(is_utf8(""));
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE6\x97", "\xC3(", "\xFF"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Text, WhatIsNoCharacterIsReplaced) {
  std::string text;
  append_utf8(text, 0x1F600);
  append_utf8(text, 0xD800);
  append_utf8(text, 0x110000);
  EXPECT_EQ(text, "\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Text, HalvesBecomeFloatsExactly) {
  EXPECT_EQ(half_to_float(0x0000), 0.0F);
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_EQ(half_to_float(0x3C00), 1.0F);
  EXPECT_EQ(half_to_float(0xC000), -2.0F);
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24F);
  EXPECT_EQ(half_to_float(0x83FF), -0x3FFp-24F);
  EXPECT_EQ(half_to_float(0x0400), 0x1p-14F);
  EXPECT_EQ(half_to_float(0x7C00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(half_to_float(0xFC00), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(half_to_float(0x7C01)));
}

TEST(Text, NumbersAreReadWholeOrNotAtAll) {
  EXPECT_EQ(to_integer(" 42\t"), 42);
  EXPECT_EQ(to_integer("+7"), 7);
  EXPECT_EQ(to_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(to_real("1e-3"), 0.001);
  EXPECT_EQ(to_real("+2.5"), 2.5);
  for (const char* bad : {"", " ", "4 2", "4x", "+-1", "--1", "9223372036854775808", "1.5"}) {
    EXPECT_EQ(to_integer(bad), std::nullopt) << bad;
  }
  for (const char* bad : {"", "1,5", "1.5.", "+-1", "one"}) EXPECT_EQ(to_real(bad), std::nullopt);
}

TEST(Text, PrefixesIgnoreCase) {
  EXPECT_TRUE(starts_with_ignoring_case("DeBERTa-large", "deberta"));
  EXPECT_FALSE(starts_with_ignoring_case("bert", "berta"));
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
}

}  // namespace
}  // namespace hardy
