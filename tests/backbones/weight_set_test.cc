// Containers of weights: types, parts, damage.
#include "backbones/weight_set.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

std::string container(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  const std::uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes + header + data;
}

std::string write_file(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
  return file.string();
}

TEST(WeightSet, EveryRealTypeIsWidenedExactly) {
  const test::TempDir folder;
  const std::string header = R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                             R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},)"
                             R"("d":{"dtype":"F64","shape":[1],"data_offsets":[6,14]},)"
                             R"("n":{"dtype":"I64","shape":[1],"data_offsets":[14,22]}})";
  std::string data("\x00\x3E\x00\xC0\xC0\x3F", 6);  // 1.5, -2, 1.5
  const double tenth = 0.1;
  data.append(reinterpret_cast<const char*>(&tenth), 8);
  data.append(8, '\0');
  const auto weights =
      WeightSet::open(write_file(folder / "x.safetensors", container(header, data)));
  EXPECT_EQ(weights.floats("h", {2})[0], 1.5F);
  EXPECT_EQ(weights.floats("h", {-1})[1], -2.0F);
  EXPECT_EQ(weights.floats("b", {1})[0], 1.5F);
  EXPECT_EQ(weights.floats("d", {1})[0], 0.1F);
  EXPECT_THROW(static_cast<void>(weights.floats("n", {1})), ArtifactError);
  EXPECT_NE(test::message_of<ArtifactError>([&] {
              static_cast<void>(weights.floats("h", {3}));
            }).find("'h'"),
            std::string::npos);
  EXPECT_NE(test::message_of<ArtifactError>([&] {
              static_cast<void>(weights.floats("q", {3}));
            }).find("'q'"),
            std::string::npos);
}

TEST(WeightSet, PartsOfAnIndexAreOneSet) {
  const test::TempDir folder;
  const std::string data("\0\0\x80\x3F", 4);
  write_file(folder / "p1.safetensors",
             container(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", data));
  write_file(folder / "p2.safetensors",
             container(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", data));
  write_file(folder / "model.safetensors.index.json",
             R"({"weight_map":{"a":"p1.safetensors","b":"p2.safetensors"}})");
  const auto weights = WeightSet::open(folder.path());
  EXPECT_EQ(weights.floats("a", {1})[0], 1.0F);
  EXPECT_EQ(weights.floats("b", {1})[0], 1.0F);
  write_file(folder / "model.safetensors.index.json",
             R"({"weight_map":{"a":"../p1.safetensors"}})");
  EXPECT_THROW(WeightSet::open(folder.path()), ArtifactError);
}

TEST(WeightSet, OldTorchFilesAndUnknownClassesAreRead) {
  const auto file = test::fixtures_dir() / "torch" / "mixed.pth";
  const auto weights = WeightSet::open(file);
  EXPECT_EQ(weights.floats("transposed", {4, 3})[1], 4.0F);
  EXPECT_EQ(weights.floats("half", {2})[0], 1.5F);
  EXPECT_EQ(weights.checksum().size(), 64U);
}

TEST(WeightSet, EveryTruncationIsRefused) {
  const test::TempDir folder;
  const std::string whole = container(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                                      std::string("\0\0\x80\x3F", 4));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(folder / "x.safetensors", whole.substr(0, size));
    EXPECT_THROW(WeightSet::open(folder / "x.safetensors"), ArtifactError) << size;
  }
}

}  // namespace
}  // namespace hardy
