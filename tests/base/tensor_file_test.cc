#include "hardy/tensor_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;

TensorFile sample() {
  TensorFile contents;
  contents.add("weight", {2, 3}, std::vector<float>{1, 2, 3, -4.5F, 0, 6});
  contents.add("bias", {2}, std::vector<float>{0.25F, std::numeric_limits<float>::denorm_min()});
  contents.add("rows", {3}, std::vector<std::int64_t>{-1, 0, std::int64_t{1} << 60});
  contents.add("scalar", {}, std::vector<float>{7});
  contents.add("nothing", {0, 5}, std::vector<float>{});
  contents.arrays["mask"] = NamedArray{{3}, std::vector<std::uint8_t>{1, 0, 255}};
  contents.metadata["config"] = "alpha = 0.5\n";
  return contents;
}

/// A file of the given header with `data_size` zero bytes after it.
std::vector<std::byte> raw_file(const std::string& header, std::size_t data_size) {
  std::vector<std::byte> bytes(8 + header.size() + data_size);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string refusal(const std::vector<std::byte>& bytes) {
  return message_of<ArtifactError>([&] { parse_tensor_file(bytes, "m.safetensors"); });
}

TEST(TensorFile, SavedContentsComeBackExactly) {
  const TempDir folder;
  const auto contents = sample();
  save_tensor_file(folder / "m.safetensors", contents);
  const auto loaded = load_tensor_file(folder / "m.safetensors");
  EXPECT_EQ(loaded.metadata, contents.metadata);
  ASSERT_EQ(loaded.arrays.size(), contents.arrays.size());
  for (const auto& [name, array] : contents.arrays) {
    EXPECT_EQ(loaded.shape(name), array.shape) << name;
    EXPECT_EQ(loaded.arrays.at(name).values, array.values) << name;
  }
  EXPECT_EQ(loaded.text("config"), "alpha = 0.5\n");
  EXPECT_EQ(loaded.integers("rows")[2], std::int64_t{1} << 60);
}

TEST(TensorFile, EqualContentsAreEqualBytesAndDataStartsAtARoundAddress) {
  const TempDir folder;
  save_tensor_file(folder / "a", sample());
  save_tensor_file(folder / "b", sample());
  const auto bytes = read_file(folder / "a");
  EXPECT_EQ(bytes, read_file(folder / "b"));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0U);
}

TEST(TensorFile, AnEmptyFileOfArraysIsPossible) {
  const TempDir folder;
  save_tensor_file(folder / "m", TensorFile{});
  const auto loaded = load_tensor_file(folder / "m");
  EXPECT_TRUE(loaded.arrays.empty());
  EXPECT_TRUE(loaded.metadata.empty());
}

TEST(TensorFile, EveryTruncationIsRefused) {
  const TempDir folder;
  save_tensor_file(folder / "m", sample());
  const auto bytes = read_file(folder / "m");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::byte> part(bytes.begin(),
                                      bytes.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_NE(refusal(part), "") << size;
  }
}

TEST(TensorFile, EveryFlippedBitIsNoticed) {
  const TempDir folder;
  save_tensor_file(folder / "m", sample());
  const auto bytes = read_file(folder / "m");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned bit : {0x01U, 0x04U, 0x20U, 0x80U}) {
      auto damaged = bytes;
      damaged[i] ^= static_cast<std::byte>(bit);
      ASSERT_NE(refusal(damaged), "") << "byte " << i << " bit " << bit;
    }
  }
}

TEST(TensorFile, TrailingBytesAreRefused) {
  const TempDir folder;
  save_tensor_file(folder / "m", sample());
  auto bytes = read_file(folder / "m");
  bytes.push_back(std::byte{0});
  EXPECT_NE(refusal(bytes).find("bytes of data"), std::string::npos);
}

TEST(TensorFile, HugeDeclaredHeaderIsRefusedWithoutAllocating) {
  auto bytes = raw_file("{}", 0);
  const std::uint64_t huge = ~std::uint64_t{0} - 3;
  std::memcpy(bytes.data(), &huge, 8);
  EXPECT_NE(refusal(bytes).find("its header claims"), std::string::npos);
}

TEST(TensorFile, BadHeadersAreRefusedWithTheirReason) {
  const auto expect = [](const std::string& header, std::size_t data, const std::string& reason) {
    EXPECT_NE(refusal(raw_file(header, data)).find(reason), std::string::npos)
        << header << "\n"
        << refusal(raw_file(header, data));
  };
  expect("[]", 0, "does not start with '{'");
  expect("", 0, "does not start with '{'");
  expect("{\"a\":", 0, "not JSON");
  expect("{\"a\":3}", 0, "unexpected a number");
  expect("{\"a\":{\"dtype\":\"F32\"}}", 0, "lacks dtype, shape or data_offsets");
  expect("{\"a\":{\"dtype\":{}}}", 0, "unexpected an object");
  expect("{\"a\":{\"color\":1}}", 0, "unknown field: color");
  expect("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0, "given twice: dtype");
  const std::string u8 = "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}";
  expect("{\"a\":" + u8 + ",\"a\":" + u8 + "}", 1, "given twice: a");
  expect("{\"a\":" + u8 + "}", 1, "carries no checksum");
  expect("{\"__metadata__\":{\"hardy.checksum\":\"00\"},\"a\":" + u8 + "}", 1, "checksum does not");
  expect("{\"__metadata__\":{\"x\":\"\",\"x\":\"\"}}", 0, "given twice: x");
  expect("{\"__metadata__\":{\"x\":[1]}}", 0, "unexpected a list");
}

TEST(TensorFile, BadLayoutsAreRefusedWithTheirReason) {
  const auto entry = [](const std::string& name, const std::string& type, const std::string& shape,
                        const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
  };
  const auto expect = [](const std::string& entries, std::size_t data, const std::string& reason) {
    const auto message = refusal(raw_file("{" + entries + "}", data));
    EXPECT_NE(message.find(reason), std::string::npos) << entries << "\n" << message;
  };
  expect(entry("a", "F16", "[2]", "[0,4]"), 4, "type 'F16'; known are F32, I64 and U8");
  expect(entry("a", "F32", "[2]", "[0,4]"), 4, "its shape needs 2 values of 4");
  expect(entry("a", "F32", "[1]", "[4,0]"), 4, "lies at bytes 4..0");
  expect(entry("a", "F32", "[1]", "[0,400]"), 4, "lies at bytes 0..400");
  expect(entry("a", "F32", "[1]", "[0]"), 4, "two offsets");
  expect(entry("a", "F32", "[1]", "[0,4,4]"), 4, "more than two numbers");
  expect(entry("a", "F32", "[-1]", "[0,4]"), 4, "a negative number");
  expect(entry("a", "F32", "[1.5]", "[0,4]"), 4, "a fraction");
  expect(entry("a", "F32", "[4611686018427387904,4611686018427387904]", "[0,4]"), 4, "too large");
  expect(entry("a", "F32", "[4611686018427387904]", "[0,0]"), 0, "its shape needs");
  expect(entry("a", "U8", "[4]", "[0,4]") + "," + entry("b", "U8", "[4]", "[2,6]"), 6,
         "gap or overlap");
  expect(entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[2]", "[4,6]"), 6,
         "gap or overlap");
  expect(entry("a", "U8", "[2]", "[0,2]"), 6, "6 bytes of data, its arrays need 2");
}

TEST(TensorFile, DeepNestingIsRefused) {
  EXPECT_NE(refusal(raw_file("{\"a\":" + std::string(200000, '['), 0)).find("unexpected a list"),
            std::string::npos);
}

TEST(TensorFile, AbsentAndMistypedArraysAreNamed) {
  const auto contents = sample();
  EXPECT_NE(message_of<ArtifactError>([&] { (void)contents.floats("gone"); }).find("'gone'"),
            std::string::npos);
  EXPECT_NE(message_of<ArtifactError>([&] { (void)contents.floats("rows"); }).find("type I64"),
            std::string::npos);
  EXPECT_NE(message_of<ArtifactError>([&] { (void)contents.text("gone"); }).find("'gone'"),
            std::string::npos);
}

TEST(TensorFile, ShapesThatDoNotFitTheValuesAreRefused) {
  TensorFile contents;
  EXPECT_THROW(contents.add("a", {2, 2}, std::vector<float>{1, 2, 3}), ShapeError);
  EXPECT_THROW(contents.add("a", {-1}, std::vector<float>{}), ShapeError);
  contents.arrays["mask"] = NamedArray{{2}, std::vector<std::uint8_t>{1}};
  const TempDir folder;
  EXPECT_THROW(save_tensor_file(folder / "m", contents), ShapeError);
  EXPECT_EQ(test::entry_count(folder.path()), 0);
}

TEST(TensorFile, MissingFileIsAnArtifactError) {
  const TempDir folder;
  EXPECT_NE(message_of<ArtifactError>([&] { load_tensor_file(folder / "gone"); }).find("gone"),
            std::string::npos);
}

}  // namespace
}  // namespace hardy
