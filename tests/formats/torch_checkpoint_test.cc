#include "formats/torch_checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;

std::filesystem::path fixture(const std::string& name) {
  return test::fixtures_dir() / "torch" / name;
}

std::vector<float> floats(const TensorFile& file, const std::string& name) {
  const auto values = file.floats(name);
  return {values.begin(), values.end()};
}

class StoredAndDeflated : public testing::TestWithParam<const char*> {};

TEST_P(StoredAndDeflated, ReadsTypesViewsAndShapes) {
  const auto file = load_torch_checkpoint(fixture(GetParam()));
  EXPECT_EQ(file.arrays.size(), 11U);
  EXPECT_EQ(floats(file, "plain"), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(file.shape("transposed"), (std::vector<std::int64_t>{4, 3}));
  EXPECT_EQ(floats(file, "transposed"), (std::vector<float>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  EXPECT_EQ(floats(file, "row"), (std::vector<float>{4, 5, 6, 7}));
  EXPECT_EQ(floats(file, "expanded"), (std::vector<float>(6, 7)));
  EXPECT_EQ(floats(file, "half"), (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(floats(file, "bfloat"), (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(floats(file, "double"), (std::vector<float>{0.1F}));
  EXPECT_EQ(file.integers("long")[1], -(std::int64_t{1} << 62));
  EXPECT_EQ(file.integers("flags")[0], 1);
  EXPECT_TRUE(file.shape("scalar").empty());
  EXPECT_EQ(floats(file, "scalar"), (std::vector<float>{3.5F}));
  EXPECT_EQ(file.shape("empty"), (std::vector<std::int64_t>{0, 5}));
}

INSTANTIATE_TEST_SUITE_P(TorchCheckpoint, StoredAndDeflated,
                         testing::Values("mixed.pth", "deflated.pth"));

TEST(TorchCheckpoint, NestedDictsGiveDottedNames) {
  const auto file = load_torch_checkpoint(fixture("nested.pth"));
  ASSERT_EQ(file.arrays.size(), 1U);
  EXPECT_EQ(floats(file, "model.net.w")[11], 11);
}

TEST(TorchCheckpoint, EveryTruncationIsRefused) {
  const auto bytes = read_file(fixture("mixed.pth"));
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_THROW(parse_torch_checkpoint(std::span(bytes).first(size), "x"), ArtifactError) << size;
  }
}

TEST(TorchCheckpoint, DamagedWeightsAreNoticedByTheirChecksum) {
  auto bytes = read_file(fixture("mixed.pth"));
  // 11.0F, the last value of the largest storage.
  const auto pattern = test::to_bytes(std::string("\0\0\x20\x41\0\0\x30\x41", 8));
  const auto found = std::search(bytes.begin(), bytes.end(), pattern.begin(), pattern.end());
  ASSERT_NE(found, bytes.end());
  *found = std::byte{1};
  EXPECT_NE(
      message_of<ArtifactError>([&] { parse_torch_checkpoint(bytes, "x.pth"); }).find("damaged"),
      std::string::npos);
}

TEST(TorchCheckpoint, FilesOfBeforePyTorch16AreRead) {
  const auto file = load_torch_checkpoint(fixture("legacy.pth"));
  EXPECT_FALSE(file.arrays.empty());
  const auto bytes = read_file(fixture("legacy.pth"));
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_THROW(parse_torch_checkpoint(std::span(bytes).first(size), "x"), ArtifactError) << size;
  }
}

TEST(TorchCheckpoint, OtherFilesAreRefusedWithARemedy) {
  const test::TempDir folder;
  test::put_file(folder / "text.pth", "no archive at all");
  EXPECT_NE(message_of<ArtifactError>([&] {
              load_torch_checkpoint(folder / "text.pth");
            }).find("torch.save"),
            std::string::npos);
  EXPECT_THROW(load_torch_checkpoint(folder / "gone.pth"), ArtifactError);
  test::put_file(folder / "empty.pth", "");
  EXPECT_THROW(load_torch_checkpoint(folder / "empty.pth"), ArtifactError);
}

// Values: sum(v.double().sum() for v in torch.load(f).values()) and single entries, by
// PyTorch 1.13.
TEST(TorchCheckpoint, ReadsThePublishedModulesAsPyTorchDoes) {
  HARDY_NEEDS_SHARED("golden/hardymer_hardness.pth");

  const struct {
    const char* name;
    std::size_t arrays;
    std::size_t values;
    double sum;
    const char* first_name;
    double first;
  } expected[] = {
      {"finetune", 10, 26629, 0.5582371304826665, "fc1.bias", 0.0813383087515831},
      {"hardymer_hardness", 572, 689537, -99.62556116907291,
       "a_in_mi.blocks.0.Transformer_a.k.bias", -0.032139964401721954},
      {"hardymer_recognizer", 140, 461441, -1.0938992517193356, "a_in_proj.0.bias",
       0.05861843749880791},
      {"momke", 148, 85753, 41.39650545331685, "a_in_proj.0.bias", -0.02282605692744255},
  };

  for (const auto& wanted : expected) {
    const auto file =
        load_torch_checkpoint(test::shared_dir() / "golden" / (std::string(wanted.name) + ".pth"));
    EXPECT_EQ(file.arrays.size(), wanted.arrays) << wanted.name;
    std::size_t count = 0;
    double sum = 0;
    for (const auto& [name, array] : file.arrays) {
      for (const float value : std::get<std::vector<float>>(array.values)) {
        sum += static_cast<double>(value);
        ++count;
      }
    }
    EXPECT_EQ(count, wanted.values);
    EXPECT_NEAR(sum, wanted.sum, 1e-9);
    EXPECT_EQ(static_cast<double>(file.floats(wanted.first_name)[0]), wanted.first);
  }
}

}  // namespace
}  // namespace hardy
