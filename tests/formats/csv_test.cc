#include "formats/csv.h"

#include <gtest/gtest.h>

#include "hardy/errors.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using Rows = std::vector<std::vector<std::string>>;

std::string refusal(std::string_view text) {
  return message_of<DataError>([&] { parse_csv(text, "t.csv"); });
}

TEST(Csv, ReadsQuotesLineEndsAndMarks) {
  const auto table =
      parse_csv("\xEF\xBB\xBFid, label \r\n1,\"a, \"\"b\"\"\nc\"\r\n\n2,\n", "t.csv");
  EXPECT_EQ(table.header, (std::vector<std::string>{"id", "label"}));
  EXPECT_EQ(table.rows, (Rows{{"1", "a, \"b\"\nc"}, {"2", ""}}));
  EXPECT_EQ(table.lines, (std::vector<std::size_t>{2, 5}));
  EXPECT_EQ(table.column("label"), 1U);
  EXPECT_EQ(table.column("Label"), std::nullopt);
}

TEST(Csv, TheLastLineNeedsNoEnd) {
  EXPECT_EQ(parse_csv("a,b\n1,2", "t").rows, (Rows{{"1", "2"}}));
  EXPECT_EQ(parse_csv("a,b\n1,", "t").rows, (Rows{{"1", ""}}));
  EXPECT_EQ(parse_csv("a,b\n1,\"2\"", "t").rows, (Rows{{"1", "2"}}));
  EXPECT_TRUE(parse_csv("a", "t").rows.empty());
}

TEST(Csv, ProblemsNameTheLine) {
  EXPECT_NE(refusal("a,b\n1,2\n3\n").find("t.csv, line 3: 1 fields, the header has 2"),
            std::string::npos);
  EXPECT_NE(refusal("a,b\n1,2,3\n").find("double quotes"), std::string::npos);
  EXPECT_NE(refusal("a,b\n1,\"2").find("line 2: a quoted field does not end"), std::string::npos);
  EXPECT_NE(refusal("a,b\n\"1\"x,2").find("text follows a quoted field"), std::string::npos);
  EXPECT_NE(refusal("a,b\nx\"1\",2").find("a double quote inside"), std::string::npos);
  EXPECT_NE(refusal("a,a\n").find("column 'a' is given twice"), std::string::npos);
  EXPECT_NE(refusal("").find("empty"), std::string::npos);
  EXPECT_NE(refusal("\n\n").find("empty"), std::string::npos);
}

TEST(Csv, OtherEncodingsAreReadOrNamed) {
  const Rows rows = {{"1", "gr\xC3\xBC"}, {"2", "\xF0\x9F\x98\x80"}};
  const std::string text = "id,label\r\n1,gr\xC3\xBC\r\n2,\xF0\x9F\x98\x80\r\n";
  EXPECT_EQ(parse_csv(text, "t").rows, rows);
  std::string little;
  std::string big;
  for (const unsigned unit :
       {0xFEFFU, 0x69U, 0x64U, 0x2CU, 0x78U, 0xAU, 0x31U, 0x2CU, 0xD83DU, 0xDE00U, 0xAU}) {
    little += {static_cast<char>(unit & 0xFFU), static_cast<char>(unit >> 8U)};
    big += {static_cast<char>(unit >> 8U), static_cast<char>(unit & 0xFFU)};
  }
  for (const auto& wide : {little, big, little.substr(2), big.substr(2)}) {
    const auto table = parse_csv(wide, "t");
    EXPECT_EQ(table.header, (std::vector<std::string>{"id", "x"}));
    EXPECT_EQ(table.rows, (Rows{{"1", "\xF0\x9F\x98\x80"}}));
  }
  const std::string said = refusal("id,label\n1,a\n2,\x93no\x94\n");
  EXPECT_NE(said.find("t.csv, line 3: the text is not UTF-8 (byte \\x93)"), std::string::npos)
      << said;
  EXPECT_NE(said.find("Windows-1252"), std::string::npos);
  EXPECT_NE(refusal(std::string("\xFF\xFE\0\0i\0\0\0", 8)).find("UTF-32"), std::string::npos);
}

TEST(Csv, TablesOfSpreadsheetsAreRead) {
  const Rows rows = {{"1", "sad"}, {"2", "glad"}};
  EXPECT_EQ(parse_csv("id;label\n1;sad\n2;glad\n", "t").rows, rows);
  EXPECT_EQ(parse_csv("id\tlabel\n1\tsad\n2\tglad\n", "t").rows, rows);
  EXPECT_EQ(parse_csv("sep=;\r\nid;label\r\n1;sad\r\n2;glad\r\n", "t").rows, rows);
  EXPECT_EQ(parse_csv("id,label\r1,sad\r2,glad\r", "t").rows, rows);  // CR only
  const auto table = parse_csv("id,label,,\n1,sad,,\n,,,\n2,glad,,\n,,,\n , ,,\n", "t");
  EXPECT_EQ(table.rows, rows);
  EXPECT_EQ(table.header.size(), 2U);
  EXPECT_EQ(table.lines, (std::vector<std::size_t>{2, 4}));
  EXPECT_NE(refusal("id,label,,\n1,sad,x,\n").find("3 fields, the header has 2"),
            std::string::npos);
  EXPECT_EQ(parse_csv("sep=;\nid;label\n1;2\n", "t").lines, (std::vector<std::size_t>{3}));
}

TEST(Csv, WrittenFieldsReadBack) {
  for (const std::string value :
       {"", "plain", "a,b", "\"", "two\nlines", "\r", " blank ", "gr\xC3\xBC"}) {
    const auto table = parse_csv("x,y\n" + csv_field(value) + ",1\n", "t");
    EXPECT_EQ(table.rows[0][0], value);
  }
  EXPECT_EQ(csv_field("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace hardy
