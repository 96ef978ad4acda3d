#include "formats/pickle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using namespace std::string_literals;

Pickle read(const std::string& bytes) { return parse_pickle(test::to_bytes(bytes), "x.pkl"); }

std::string refusal(const std::string& bytes) {
  return message_of<DataError>([&] { read(bytes); });
}

std::map<std::string, PickleRef> entries(const PickleValue& dict) {
  std::map<std::string, PickleRef> result;
  for (std::size_t i = 0; i < dict.items().size(); i += 2) {
    result[dict.items()[i]->text()] = dict.items()[i + 1];
  }
  return result;
}

Pickle fixture(const std::string& kind, int protocol) {
  return load_pickle(test::fixtures_dir() / "pickle" /
                     (kind + "_p" + std::to_string(protocol) + ".pkl"));
}

class EveryProtocol : public testing::TestWithParam<int> {};

TEST_P(EveryProtocol, ReadsPlainValues) {
  const Pickle pickle = fixture("plain", GetParam());
  const auto all = entries(pickle.root());
  EXPECT_EQ(all.at("none")->kind(), PickleKind::kNone);
  EXPECT_EQ(all.at("flags")->items()[0]->integer(), 1);
  EXPECT_EQ(all.at("flags")->items()[1]->kind(), PickleKind::kBool);
  std::vector<std::int64_t> integers;
  for (const PickleRef item : all.at("integers")->items()) integers.push_back(item->integer());
  EXPECT_EQ(integers, (std::vector<std::int64_t>{0, 1, -1, 255, 256, 65535, 65536, -2147483648LL,
                                                 2147483648LL, std::int64_t{1} << 62,
                                                 std::numeric_limits<std::int64_t>::min()}));
  std::vector<double> reals;
  for (const PickleRef item : all.at("reals")->items()) reals.push_back(item->real());
  EXPECT_EQ(reals, (std::vector<double>{0, 0.1, -1.5, 1e300, INFINITY}));
  std::vector<std::string> texts;
  for (const PickleRef item : all.at("texts")->items()) texts.push_back(item->text());
  EXPECT_EQ(texts, (std::vector<std::string>{"", "plain", "gr\xC3\xBCn", "\xE6\x97\xA5\xE6\x9C\xAC",
                                             "quote ' \" \\ \n tab\t", "\xF0\x9F\x98\x80"}));
}

TEST_P(EveryProtocol, ReadsCollections) {
  const Pickle pickle = fixture("plain", GetParam());
  const auto all = entries(pickle.root());
  EXPECT_EQ(all.at("bytes")->items()[0]->bytes(), "");
  EXPECT_EQ(all.at("bytes")->items()[1]->bytes(), "\x00\xFF"s + "abc");
  const auto& tuples = all.at("tuples")->items();
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(tuples[i]->kind(), PickleKind::kTuple);
    EXPECT_EQ(tuples[i]->items().size(), i);
  }
  EXPECT_EQ(all.at("set")->kind(), PickleKind::kSet);
  EXPECT_EQ(all.at("set")->items()[0]->text(), "only");
  EXPECT_EQ(all.at("frozenset")->items()[0]->text(), "frozen");
  EXPECT_EQ(all.at("ordered")->kind(), PickleKind::kDict);
  EXPECT_EQ(all.at("ordered")->items()[0]->text(), "b");
  EXPECT_EQ(all.at("shared")->items()[0], all.at("shared")->items()[1]);
}

TEST_P(EveryProtocol, ReadsNumpyArrays) {
  const Pickle pickle = fixture("numpy", GetParam());
  const auto all = entries(pickle.root());
  const auto reals = [&](const char* name) {
    const PickleArray& array = all.at(name)->array();
    std::vector<double> values;
    for (std::int64_t i = 0; i < array.size(); ++i) values.push_back(array_real(array, i));
    return values;
  };
  EXPECT_EQ(reals("f8"), (std::vector<double>{1.5, -2.25, 3, 4, 5, 6.5}));
  EXPECT_EQ(all.at("f8")->array().shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(all.at("f4_fortran")->array().is_fortran);
  EXPECT_EQ(reals("f4_fortran"), (std::vector<double>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(reals("f2"), (std::vector<double>{1.5, 65504, 0x1p-24}));
  EXPECT_EQ(array_integer(all.at("i8")->array(), 1), -(std::int64_t{1} << 62));
  EXPECT_EQ(reals("u1"), (std::vector<double>{0, 255}));
  EXPECT_EQ(reals("i2_big"), (std::vector<double>{1, -2}));
  EXPECT_EQ(reals("bool"), (std::vector<double>{1, 0}));
  EXPECT_EQ(all.at("empty")->array().size(), 0);
  const PickleArray& texts = all.at("texts")->array();
  EXPECT_EQ(array_text(texts, 0), "one");
  EXPECT_EQ(array_text(texts, 1), "gr\xC3\xBCn");
  EXPECT_EQ(array_text(texts, 2), "");
  EXPECT_EQ(array_text(all.at("objects")->array(), 0), "a");
  EXPECT_EQ(array_real(all.at("objects")->array(), 1), 2.5);
  EXPECT_THROW((void)array_real(texts, 0), DataError);
  EXPECT_THROW((void)array_text(texts, 3), DataError);
  EXPECT_THROW((void)array_integer(all.at("f8")->array(), 0), DataError);
}

TEST_P(EveryProtocol, ReadsNumpyScalars) {
  const Pickle pickle = fixture("numpy", GetParam());
  const auto all = entries(pickle.root());
  EXPECT_EQ(all.at("scalar_f8")->real(), 2.4);
  EXPECT_EQ(all.at("scalar_i4")->integer(), -7);
  EXPECT_EQ(all.at("scalar_text")->text(), "word");
  EXPECT_EQ(all.at("scalar_bool")->integer(), 1);
}

TEST_P(EveryProtocol, RefusesEveryTruncation) {
  for (const char* kind : {"plain", "numpy"}) {
    const auto bytes = read_file(test::fixtures_dir() / "pickle" /
                                 (kind + "_p"s + std::to_string(GetParam()) + ".pkl"));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_THROW(parse_pickle(std::span(bytes).first(size), "x"), DataError) << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Pickle, EveryProtocol, testing::Range(0, 6));

TEST(Pickle, RefusesCodeExecutingOpcodesWithOffsetAndName) {
  EXPECT_NE(refusal("cos\nsystem\n(S'true'\ntR.").find("byte 0: it refers to 'os.system'"),
            std::string::npos);
  EXPECT_NE(refusal("\x80\x04\x8c\x08"s + "builtins\x8c\x04"s + "eval\x93\x8c\x01" + "1\x85R.")
                .find("byte 18: it refers to 'builtins.eval'"),
            std::string::npos);
  for (const char* name : {"posix\nsystem", "subprocess\nPopen", "builtins\nexec",
                           "__builtin__\neval", "numpy\nload", "torch\nload", "builtins\ngetattr",
                           "_codecs\ndecode", "builtins.set\n", "\nbuiltins.set"}) {
    EXPECT_NE(refusal("c"s + name + "\n.").find("not plain data"), std::string::npos) << name;
  }
}

TEST(Pickle, RefusesOpcodesThatBuildObjects) {
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {{"INST", "(ios\nsystem\n."}, {"OBJ", "(No."},      {"EXT1", "\x82\x01."},
               {"EXT4", "\x84\1\0\0\0."s},  {"PERSID", "P12\n."}, {"NEWOBJ_EX", "NN}\x92."},
               {"NEXT_BUFFER", "\x97."},    {"unknown", "\xFE."}};

  for (const auto& [what, bytes] : cases) {
    EXPECT_NE(refusal(bytes).find("opcode 0x"), std::string::npos) << what;
  }
}

TEST(Pickle, RefusesCallsOfWhatIsOnlyNamed) {
  EXPECT_NE(refusal("cbuiltins\nint\n(S'1'\ntR.").find("calls 'builtins.int'"), std::string::npos);
  EXPECT_NE(refusal("I1\n)R.").find("calls the integer 1"), std::string::npos);
  EXPECT_NE(refusal("cbuiltins\nset\nI1\nR.").find("not a tuple"), std::string::npos);
  EXPECT_NE(refusal("I1\n}b.").find("sets the state of the integer"), std::string::npos);
  EXPECT_NE(refusal("]}b.").find("sets the state of a list"), std::string::npos);
  EXPECT_NE(refusal("N\x85Q.").find("outside"), std::string::npos);
  // Calls without arguments, or with the wrong ones.
  for (const char* name : {"_codecs\nencode", "numpy\ndtype", "numpy.core.multiarray\nscalar",
                           "numpy.core.numeric\n_frombuffer", "torch._utils\n_rebuild_tensor_v2",
                           "torch._utils\n_rebuild_parameter"}) {
    for (const char* arguments : {")", "]\x85", "(NNNNt"}) {
      const std::string bytes = "c"s + name + "\n" + arguments;
      EXPECT_NE(refusal(bytes + "R."), "") << testing::PrintToString(bytes);
    }
  }
}

TEST(Pickle, RefusesHugeDeclaredSizes) {
  for (const std::string& bytes : {"X\xFF\xFF\xFF\xFF."s, "\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF."s,
                                   "B\xFF\xFF\xFF\xFF."s, "\x8E\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F."s,
                                   "\x96\0\0\0\0\0\1\0\0."s, "T\xFF\xFF\xFF\x7F."s}) {
    EXPECT_NE(refusal(bytes).find("more bytes where"), std::string::npos);
  }
  EXPECT_NE(refusal("\x8B\xFF\xFF\xFF\x7F."s).find("8 are the most"), std::string::npos);
  EXPECT_NE(refusal("\x8B\xFF\xFF\xFF\xFF."s).find("-1 bytes"), std::string::npos);
  EXPECT_NE(refusal("\x80\x04\x95\xFF\0\0\0\0\0\0\0N."s).find("frame"), std::string::npos);
  EXPECT_NE(refusal("I1\nr\xFF\xFF\xFF\xFFj\xFF\xFF\xFF\xFE."s).find("memo entry"),
            std::string::npos);
  EXPECT_EQ(read("I1\nr\xFF\xFF\xFF\xFF"s + "0j\xFF\xFF\xFF\xFF."s).root().integer(), 1);
}

TEST(Pickle, RefusesDeepNesting) {
  const auto lists = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), ']') +
           std::string(static_cast<std::size_t>(depth - 1), 'a') + ".";
  };
  EXPECT_EQ(read(lists(kMaxPickleDepth)).root().items().size(), 1U);
  EXPECT_NE(refusal(lists(kMaxPickleDepth + 2)).find("nested deeper than 100"), std::string::npos);
  EXPECT_NE(refusal(lists(1000000)).find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal("N"s + std::string(1000000, '\x85') + ".").find("nested deeper"),
            std::string::npos);
}

TEST(Pickle, RefusesSelfReferences) {
  EXPECT_NE(refusal("]q\0h\0a."s).find("contains itself"), std::string::npos);
  EXPECT_NE(refusal("}q\0I1\nh\0s."s).find("contains itself"), std::string::npos);
  // a = []; b = [a]; a.append(b)
  EXPECT_NE(refusal("]q\0]q\1h\0a0h\0h\1a."s).find("self reference"), std::string::npos);
  // a = []; t = (a,); a.append(t)
  EXPECT_NE(refusal("]q\0h\0\x85q\1"s + "0h\0h\1a."s).find("self reference"), std::string::npos);
}

TEST(Pickle, RefusesMemoBombsWithoutWalkingThem) {
  // Each list contains the preceding one twice: 2^40 values in 200 bytes.
  std::string bytes = "]q\0"s;
  for (int i = 1; i <= 40; ++i) {
    bytes += "0]q"s + static_cast<char>(i) + "h" + static_cast<char>(i - 1) + "ah" +
             static_cast<char>(i - 1) + "a";
  }
  EXPECT_NE(refusal(bytes + ".").find("memo bomb"), std::string::npos);
  // One long text, listed a thousand times: linear, accepted; a hundred thousand times is refused.
  const auto repeated = [](int times) {
    std::string text = "X\0\x10\0\0"s + std::string(4096, 'x') + "q\0"s + "0("s;
    for (int i = 0; i < times; ++i) text += "h\0"s;
    return text + "l.";
  };
  EXPECT_EQ(read(repeated(50)).root().items().size(), 50U);
  EXPECT_NE(refusal(repeated(100000)).find("memo bomb"), std::string::npos);
}

TEST(Pickle, RefusesBombsOfRepeatedCalls) {
  std::string bytes = "c_codecs\nencode\nq\0"s + "0X\0\0\1\0"s + std::string(65536, 'x') +
                      "X\6\0\0\0latin1\x86q\1"s + "0"s;
  for (int i = 0; i < 100000; ++i) bytes += "h\0h\1R0"s;
  EXPECT_NE(refusal(bytes + "N.").find("memory bomb"), std::string::npos);
}

TEST(Pickle, RefusesArraysWhoseDataDoNotFit) {
  const auto array = [](const std::string& type, const std::string& shape,
                        const std::string& data) {
    return "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\1btR(I1\n(" + shape +
           "tcnumpy\ndtype\n(X" + static_cast<char>(type.size()) + "\0\0\0"s + type + "tRI00\nC" +
           static_cast<char>(data.size()) + data + "tb.";
  };
  EXPECT_EQ(read(array("f4", "I2\n", "12345678")).root().array().size(), 2);
  EXPECT_NE(refusal(array("f4", "I3\n", "12345678")).find("holds 8 where its shape needs 12"),
            std::string::npos);
  EXPECT_NE(refusal(array("f4", "I-1\n", "")).find("not a count"), std::string::npos);
  EXPECT_NE(refusal(array("f4", "L4611686018427387904L\nL16L\n", "")).find("larger than memory"),
            std::string::npos);
  EXPECT_NE(refusal(array("c16", "I0\n", "")).find("'c16' is not supported"), std::string::npos);
  EXPECT_NE(refusal(array("f4", "", "123")).find("holds 3"), std::string::npos);
  EXPECT_NE(refusal(array("U0", "I9\n", "")).find("unknown type"), std::string::npos);
}

// As numpy does, which reads arrays of version 0 and 1 and types of version 0 to 4.
TEST(Pickle, RefusesArraysOfUnknownVersionsAndByteOrders) {
  const auto array = [](const std::string& version, const std::string& type_version,
                        const std::string& order) {
    return "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\1btR(I" + version +
           "\n(I1\ntcnumpy\ndtype\n(X\2\0\0\0"s + "f4I00\nI01\ntR(I" + type_version +
           "\nX\1\0\0\0"s + order + "NNNI-1\nI-1\nI0\ntbI00\nC\4" + "1234tb.";
  };
  EXPECT_EQ(read(array("1", "3", "<")).root().array().size(), 1);
  EXPECT_EQ(read(array("0", "4", ">")).root().array().size(), 1);
  EXPECT_NE(refusal(array("2", "3", "<")).find("array of an unknown version"), std::string::npos);
  EXPECT_NE(refusal(array("-1", "3", "<")).find("array of an unknown version"), std::string::npos);
  EXPECT_NE(refusal(array("1", "5", "<")).find("type of an unknown version"), std::string::npos);
  EXPECT_NE(refusal(array("1", "3", "?")).find("without its byte order"), std::string::npos);
}

TEST(Pickle, RefusesAnIllBalancedStack) {
  for (const std::string& bytes :
       {"."s,    "a."s,    "0."s,    "t."s,    "N(."s,  "NN."s,      "Na."s, "]e."s,
        "(Nd."s, "}Ns."s,  "}(Nu."s, "\x85."s, "2."s,   "(\x85."s,   "1."s,  "b."s,
        "R."s,   "\x93."s, "]NNs."s, "h\5."s,  "q\0."s, "\x80\6N."s, "(2."s}) {
    EXPECT_NE(refusal(bytes), "") << testing::PrintToString(bytes);
  }
  EXPECT_NE(refusal("N.N.").find("2 bytes follow its end"), std::string::npos);
}

TEST(Pickle, RefusesMalformedTexts) {
  for (const std::string& bytes :
       {"X\1\0\0\0\xFF."s, "S'abc\n."s, "Sabc\n."s, "S'\\\n."s, "S'\\q'\n."s, "Fabc\n."s,
        "Iabc\n."s, "L1\n"s, "F\n."s, "I99999999999999999999\n."s, "V"s, "gx\n."s, "p-1\n."s}) {
    EXPECT_NE(refusal(bytes), "") << testing::PrintToString(bytes);
  }
}

TEST(Pickle, ReadsByteStringsOfPython2AsLatin1) {
  EXPECT_EQ(read("S'gr\\xfcn\\n'\n.").root().text(), "gr\xC3\xBCn\n");
  EXPECT_EQ(read("U\2\xFC!."s).root().text(), "\xC3\xBC!");
}

TEST(Pickle, GettersNameWhatTheyFound) {
  const Pickle pickle = read("(I1\nS'x'\nl.");
  EXPECT_NE(message_of<DataError>([&] { (void)pickle.root().integer(); }).find("a list of 2"),
            std::string::npos);
  EXPECT_NE(
      message_of<DataError>([&] { (void)pickle.root().items()[0]->text(); }).find("integer 1"),
      std::string::npos);
  EXPECT_THROW((void)read("cbuiltins\nint\n.").root().integer(), DataError);
  EXPECT_THROW((void)read("I1\n.").root().array(), DataError);
  EXPECT_EQ(read("c__builtin__\nset\n.").root().global_name(), "builtins.set");
}

TEST(Pickle, MissingFilesAreNamed) {
  const test::TempDir folder;
  EXPECT_NE(message_of<DataError>([&] { load_pickle(folder / "gone.pkl"); }).find("gone.pkl"),
            std::string::npos);
}

}  // namespace
}  // namespace hardy
