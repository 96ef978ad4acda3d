// Long values as views of the input, protocol 0 with other line ends, arrays as floats.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/files.h"
#include "formats/pickle.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path fixture(const std::string& name) {
  return test::fixtures_dir() / "pickle" / name;
}

Pickle parse(const std::string& bytes) {
  return parse_pickle(std::as_bytes(std::span(bytes)), "input");
}

PickleRef item(const PickleValue& dict, const std::string& key) {
  for (std::size_t i = 0; i + 1 < dict.items().size(); i += 2) {
    if (dict.items()[i]->text() == key) return dict.items()[i + 1];
  }
  throw std::runtime_error("no key " + key);
}

TEST(PickleInput, CrlfLineEndsOfProtocol0ReadAsWritten) {
  const std::string text = read_text_file(fixture("plain_p0.pkl"));
  std::string crlf;
  for (const char c : text) {
    if (c == '\n') crlf += '\r';
    crlf += c;
  }
  ASSERT_GT(crlf.size(), text.size());
  const Pickle plain = parse(text);
  const Pickle copied = parse(crlf);
  for (const char* key : {"texts", "bytes"}) {
    const auto& expected = item(plain.root(), key)->items();
    const auto& found = item(copied.root(), key)->items();
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i]->text(), expected[i]->text());
  }
}

TEST(PickleInput, OneLineWithoutCarriageReturnKeepsTheOthers) {
  // Old Pythons do not escape a carriage return in text.
  const std::string mixed = "(lp0\nVa\r\np1\na.";
  EXPECT_EQ(parse(mixed).root().items()[0]->text(), "a\r");
}

TEST(PickleInput, EscapesOfProtocol0AreReadAsPythonReadsThem) {
  const auto text = [](const std::string& line) { return parse("V" + line + "\n.").root().text(); };
  EXPECT_EQ(text("\\u0041\\U0001F600\xE9"), "A\xF0\x9F\x98\x80\xC3\xA9");
  EXPECT_EQ(text("\\\\u0041"), "\\\\u0041");
  EXPECT_EQ(text("\\\\\\u0041"), "\\\\A");
  EXPECT_EQ(text("\\u0041\\\\u0042"), "A\\\\u0042");
  EXPECT_EQ(text("\\x41\\"), "\\x41\\");
  for (const char* line :
       {"\\u", "\\u004", "\\u00g1", "\\u-041", "\\U0001F60", "\\U00110000", "\\ud83d\\ude00"}) {
    EXPECT_THAT(message_of<DataError>([&] { text(line); }), HasSubstr("no character")) << line;
  }
}

TEST(PickleInput, BytesAreEncodedAsLatin1WhereTheFileSaysSo) {
  const auto encode = [](const char* name, const std::string& arguments) {
    return "c" + std::string(name) + "\n(V\xE9\n" + arguments + "tR.";
  };
  EXPECT_EQ(parse(encode("_codecs\nencode", "Vlatin1\n")).root().bytes(), "\xE9");
  // Python takes UTF-8 for the first, and finds an error in the second.
  for (const char* name : {"_codecs\nencode", "builtins\nbytes"}) {
    for (const char* arguments : {"", "Vutf-8\n", "Vlatin1\nVstrict\n"}) {
      EXPECT_THAT(message_of<DataError>([&] { parse(encode(name, arguments)); }),
                  HasSubstr("Latin-1"));
    }
  }
}

TEST(PickleInput, LongBytesAreAPartOfTheInput) {
  const std::string data(1000, 'x');
  std::string bytes =
      "\x80\x03"
      "B";
  bytes += std::string("\xe8\x03\0\0", 4) + data + ".";
  const Pickle pickle = parse(bytes);
  EXPECT_EQ(pickle.root().bytes(), data);
  EXPECT_EQ(static_cast<const void*>(pickle.root().bytes().data()),
            static_cast<const void*>(bytes.data() + 7));
  EXPECT_EQ(pickle.root().kind(), PickleKind::kBytes);
}

TEST(PickleInput, LongTextsMustBeUtf8) {
  std::string bytes = "\x80\x03X";
  bytes += std::string("\xe8\x03\0\0", 4) + std::string(1000, '\xff') + ".";
  EXPECT_THAT(message_of<DataError>([&] { parse(bytes); }), HasSubstr("not UTF-8"));
}

TEST(PickleInput, FilesOutliveTheirReading) {
  const Pickle pickle = load_pickle(fixture("numpy_p4.pkl"));
  const PickleArray& array = item(pickle.root(), "f8")->array();
  EXPECT_EQ(array_real(array, 1), -2.25);
  EXPECT_THROW(load_pickle(fixture("none.pkl")), Error);
}

TEST(PickleInput, ArraysBecomeFloatsInStoredOrder) {
  for (int protocol = 0; protocol <= 5; ++protocol) {
    SCOPED_TRACE(protocol);
    const Pickle pickle = load_pickle(fixture("numpy_p" + std::to_string(protocol) + ".pkl"));
    const auto floats = [&](const char* key, std::int64_t first, std::int64_t count) {
      std::vector<float> out(static_cast<std::size_t>(count));
      read_array_reals(item(pickle.root(), key)->array(), first, count, out.data());
      return out;
    };
    EXPECT_THAT(floats("f8", 1, 3), ElementsAre(-2.25, 3, 4));
    EXPECT_THAT(floats("f4_fortran", 0, 3), ElementsAre(1, 4, 2));
    EXPECT_THAT(floats("f2", 0, 2), ElementsAre(1.5, 65504));
    EXPECT_THAT(floats("i2_big", 0, 2), ElementsAre(1, -2));
    EXPECT_THAT(floats("u1", 0, 2), ElementsAre(0, 255));
    EXPECT_THAT(floats("bool", 0, 2), ElementsAre(1, 0));
    EXPECT_THROW(floats("f8", 4, 3), DataError);
    EXPECT_THROW(floats("f8", -1, 1), DataError);
    EXPECT_THROW(floats("texts", 0, 1), DataError);
    EXPECT_THROW(floats("objects", 0, 1), DataError);  // the text "a"
  }
}

TEST(PickleInput, OtherNamesAreRefusedWithWhatToDo) {
  EXPECT_THAT(message_of<DataError>([] { parse("cpandas.core.frame\nDataFrame\n."); }),
              HasSubstr("to_csv"));
  EXPECT_THAT(message_of<DataError>([] { parse("ctorch.storage\n_load_from_bytes\n."); }),
              HasSubstr("tensor.numpy()"));
  EXPECT_THAT(message_of<DataError>([] { parse("cos\nsystem\n."); }), HasSubstr("'os.system'"));
}

}  // namespace
}  // namespace hardy
