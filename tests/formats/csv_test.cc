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
  EXPECT_NE(refusal("id;label\n1;2\n").find("something else than commas"), std::string::npos);
  EXPECT_NE(refusal("a\n\xFC\n").find("not UTF-8"), std::string::npos);
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
