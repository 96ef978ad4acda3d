#include "formats/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using test::to_bytes;

constexpr const char* kType = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";

/// A .npy file of format `version` around a header text and raw data.
std::string npy(const std::string& header, const std::string& data, char version = '\1') {
  std::string bytes = "\x93NUMPY";
  bytes += version;
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xFFU);
  bytes += static_cast<char>(header.size() >> 8U);
  if (version != '\1') bytes.append(2, '\0');
  return bytes + header + data;
}

std::string header(const std::string& descr, const std::string& shape, bool is_fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (is_fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

template <typename Number>
std::string raw(const std::vector<Number>& numbers) {
  std::string bytes(numbers.size() * sizeof(Number), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

NpyArray read(const std::string& bytes) { return parse_npy(to_bytes(bytes), "x.npy"); }

std::vector<float> feature(const std::string& bytes) {
  std::vector<float> result = {99};
  read_npy_feature(to_bytes(bytes), "x.npy", result);
  return result;
}

std::string refusal(const std::string& bytes) {
  return message_of<DataError>([&] { read(bytes); });
}

TEST(Npy, WrittenArraysComeBackInEveryFormat) {
  const std::vector<float> values = {1, -2.5F, 3e-40F,
                                     4, 5,     std::numeric_limits<float>::infinity()};
  const auto array = read(format_npy({2, 3}, values));
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(array.values, values);
  for (const char version : {'\1', '\2', '\3'}) {
    EXPECT_EQ(read(npy(kType, raw(values), version)).values, values);
  }
}

TEST(Npy, UnknownFormatsAreRefused) {
  std::string bytes = npy(kType, raw<float>({1, 2, 3, 4, 5, 6}));
  for (const auto& [major, minor] : {std::pair('\4', '\0'), std::pair('\1', '\1')}) {
    bytes[6] = major;
    bytes[7] = minor;
    EXPECT_NE(refusal(bytes).find("is unknown"), std::string::npos) << refusal(bytes);
  }
}

TEST(Npy, TheHeaderPutsDataAtARoundAddressAsNumpyWantsIt) {
  EXPECT_EQ(format_npy({}, std::vector<float>{1}).size() % 64, 4U);
  EXPECT_NE(format_npy({3}, std::vector<float>{1, 2, 3}).find("'shape': (3,), }"),
            std::string::npos);
  EXPECT_NE(format_npy({}, std::vector<float>{1}).find("'shape': (), }"), std::string::npos);
  EXPECT_THROW(format_npy({2}, std::vector<float>{1}), ShapeError);
}

TEST(Npy, EveryNumericTypeIsConverted) {
  EXPECT_EQ(read(npy(header("<f8", "(2,)"), raw<double>({0.1, -2}))).values,
            (std::vector<float>{0.1F, -2}));
  EXPECT_EQ(read(npy(header("<f2", "(2,)"), raw<std::uint16_t>({0x3E00, 0xC000}))).values,
            (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(read(npy(header("<i8", "(1,)"), raw<std::int64_t>({-5}))).values[0], -5);
  EXPECT_EQ(read(npy(header("<i4", "(1,)"), raw<std::int32_t>({-5}))).values[0], -5);
  EXPECT_EQ(read(npy(header("<u2", "(1,)"), raw<std::uint16_t>({65535}))).values[0], 65535);
  EXPECT_EQ(read(npy(header("|i1", "(1,)"), "\xFF")).values[0], -1);
  EXPECT_EQ(read(npy(header("|u1", "(2,)"), "\xFF\x01")).values, (std::vector<float>{255, 1}));
  EXPECT_EQ(read(npy(header("|b1", "(2,)"), std::string("\1\0", 2))).values,
            (std::vector<float>{1, 0}));
  EXPECT_EQ(read(npy(header("?", "(1,)"), "\1")).values[0], 1);
}

TEST(Npy, BigEndianIsReadToo) {
  EXPECT_EQ(read(npy(header(">f4", "(1,)"), std::string("\x3F\xC0\0\0", 4))).values[0], 1.5F);
  EXPECT_EQ(read(npy(header(">i2", "(1,)"), "\xFF\xFE")).values[0], -2);
  EXPECT_EQ(read(npy(header(">f8", "(1,)"), std::string("\xC0\0\0\0\0\0\0\0", 8))).values[0], -2);
}

TEST(Npy, DoublesBeyondFloatBecomeInfinite) {
  const auto values =
      read(npy(header("<f8", "(3,)"), raw<double>({1e300, -1e300, 3.4028235e38}))).values;
  EXPECT_TRUE(std::isinf(values[0]) && values[0] > 0);
  EXPECT_TRUE(std::isinf(values[1]) && values[1] < 0);
  EXPECT_EQ(values[2], std::numeric_limits<float>::max());
}

TEST(Npy, FortranOrderIsTurned) {
  const auto array = read(npy(header("<f4", "(2, 3)", true), raw<float>({1, 4, 2, 5, 3, 6})));
  EXPECT_EQ(array.values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  const auto cube = read(npy(header("<f4", "(2, 1, 2)", true), raw<float>({1, 3, 2, 4})));
  EXPECT_EQ(cube.values, (std::vector<float>{1, 2, 3, 4}));
}

TEST(Npy, AFeatureIsAVectorOrTheMeanOfASequence) {
  EXPECT_EQ(feature(format_npy({3}, std::vector<float>{1, 2, 3})), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(feature(format_npy({1, 3}, std::vector<float>{1, 2, 3})),
            (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(feature(format_npy({2, 2}, std::vector<float>{1, 2, 3, 6})),
            (std::vector<float>{2, 4}));
  EXPECT_EQ(feature(format_npy({1, 2, 1, 2}, std::vector<float>{1, 2, 3, 6})),
            (std::vector<float>{2, 4}));
  EXPECT_EQ(feature(format_npy({}, std::vector<float>{7})), (std::vector<float>{7}));
  EXPECT_EQ(feature(npy(header("<f4", "(2, 2)", true), raw<float>({1, 3, 2, 6}))),
            (std::vector<float>{2, 4}));
}

TEST(Npy, EmptyFeaturesAreEmpty) {
  EXPECT_TRUE(feature(format_npy({0}, {})).empty());
  EXPECT_TRUE(feature(format_npy({0, 1024}, {})).empty());
}

TEST(Npy, FeaturesOfThreeAxesAreRefused) {
  const auto bytes = format_npy({2, 2, 2}, std::vector<float>(8));
  EXPECT_NE(message_of<DataError>([&] { feature(bytes); }).find("3 axes (2, 2, 2)"),
            std::string::npos);
}

TEST(Npy, EveryTruncationAndEveryExtraByteIsRefused) {
  const std::string bytes = format_npy({2, 3}, std::vector<float>(6));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_NE(refusal(bytes.substr(0, size)), "") << size;
  }
  EXPECT_NE(refusal(bytes + "x").find("25 bytes of data"), std::string::npos);
  EXPECT_NE(refusal("").find("empty"), std::string::npos);
}

TEST(Npy, HugeShapesAreRefusedWithoutAllocating) {
  for (const char* shape : {"(4611686018427387904, 4611686018427387904)", "(9223372036854775807,)",
                            "(99999999999999999999999,)", "(1000000000000,)", "(-1,)", "(1.5,)"}) {
    EXPECT_NE(refusal(npy(header("<f4", shape), "")), "") << shape;
  }
}

TEST(Npy, ObjectsRecordsAndTextAreRefusedWithARemedy) {
  EXPECT_NE(refusal(npy(header("|O", "(1,)"), "x")).find("never unpickled"), std::string::npos);
  for (const char* descr : {"<U3", "|S4", "<c8", "<f16", "<i3", "<M8[ns]", "", "<"}) {
    EXPECT_NE(refusal(npy(header(descr, "(1,)"), "xxxx")).find("is not supported"),
              std::string::npos)
        << descr;
  }
  EXPECT_NE(refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "xxxx"))
                .find("records"),
            std::string::npos);
}

TEST(Npy, MalformedHeadersAreRefused) {
  for (const char* text :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "{'descr': '<f4",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1"}) {
    EXPECT_NE(refusal(npy(text, "xxxx")).find("its header"), std::string::npos) << text;
  }
  EXPECT_NE(refusal(npy(kType, "", '\4')).find("format 4.0 is unknown"), std::string::npos);
}

TEST(Npy, SavedFilesAreReadByTheirName) {
  const test::TempDir folder;
  save_npy(folder / "a.npy", {2}, std::vector<float>{1, 2});
  EXPECT_EQ(load_npy(folder / "a.npy").values, (std::vector<float>{1, 2}));
  test::put_file(folder / "b.npy", "no");
  EXPECT_NE(message_of<DataError>([&] { load_npy(folder / "b.npy"); }).find("b.npy"),
            std::string::npos);
}

TEST(Npy, ReadsTheReferenceArraysAsNumpyDoes) {
  HARDY_NEEDS_SHARED("golden/input.npy");
  const auto array = load_npy(test::shared_dir() / "golden/input.npy");
  std::size_t count = 1;
  for (const auto extent : array.shape) count *= static_cast<std::size_t>(extent);
  EXPECT_EQ(array.values.size(), count);
  // numpy.load(...).shape and .ravel()[[0, -1]]
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{9, 4, 273}));
  EXPECT_EQ(array.values[0], -0.51079756F);
  EXPECT_EQ(array.values.back(), 0.F);
}

}  // namespace
}  // namespace hardy
