// MA-Net and its input against the outputs of the original programs.
#include "backbones/manet.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

#include "backbones/picture_layers.h"
#include "hardy/errors.h"
#include "tests/backbones/golden.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> pixels(const std::string& name) {
  std::vector<std::uint8_t> values;
  const auto file = test::backbone_dir() / "manet" / "input" / (name + ".resized.uint8.npy");
  for (const float value : load_npy(file).values)
    values.push_back(static_cast<std::uint8_t>(value));
  return values;
}

std::vector<std::vector<std::uint8_t>> faces_of(const fs::path& folder) {
  std::vector<std::vector<std::uint8_t>> faces;
  const auto names = nlohmann::json::parse(std::ifstream(folder / "frames.json"));
  for (const auto& name : names) faces.push_back(pixels(name.get<std::string>()));
  return faces;
}

void compare_manet(const Manet& network, const std::string& variant) {
  const auto folder = test::backbone_dir() / "manet" / variant;
  const auto faces = faces_of(folder);
  const auto start = std::clock();
  const auto got = network.embed(faces);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const auto wanted = load_npy(folder / "embedding.npy");
  const double largest = test::largest_difference(got, wanted.values);
  std::printf("%s: %zu faces %.3f s CPU, largest difference %.2e\n", variant.c_str(), faces.size(),
              seconds, largest);
  EXPECT_LE(largest, 5e-5) << variant;
}

TEST(Manet, BothOrdersAreThoseOfTheOriginals) {
  HARDY_NEEDS_SHARED("golden/backbones/manet");
  const auto folder = test::backbone_dir() / "manet" / "narrow_gcnet";
  for (const char* file : {"model_best.pth", "model_best.legacy.pth", "model.safetensors"}) {
    compare_manet(Manet(WeightSet::open(folder / file), ManetOrder::kBefore2023), "narrow_gcnet");
    compare_manet(Manet(WeightSet::open(folder / file), ManetOrder::kSince2023), "narrow_2023");
  }
}

TEST(Manet, FacesTogetherGiveTheSameAsOneByOne) {
  HARDY_NEEDS_SHARED("golden/backbones/manet");
  const auto folder = test::backbone_dir() / "manet" / "narrow_gcnet";
  const Manet network(WeightSet::open(folder / "model.safetensors"), ManetOrder::kBefore2023);
  const auto faces = faces_of(folder);
  const auto together = network.embed(faces);
  std::vector<float> single;
  for (const auto& face : faces) {
    const auto one = network.embed(std::span(&face, 1));
    single.insert(single.end(), one.begin(), one.end());
  }
  EXPECT_LE(test::largest_difference(together, single), 1e-6);
}

TEST(Manet, ResizedPicturesAreThoseOfPil) {
  HARDY_NEEDS_SHARED("golden/backbones/manet");
  // An RGB picture as numbers; its resized form as PIL made it.
  const auto decoded = load_npy(test::backbone_dir() / "manet" / "input" / "wide.q95.decoded.npy");
  std::vector<std::uint8_t> rgb;
  for (const float value : decoded.values) rgb.push_back(static_cast<std::uint8_t>(value));
  const auto resized = resize_like_pil(rgb.data(), decoded.shape[0], decoded.shape[1], kManetSide);
  EXPECT_EQ(resized.size(), static_cast<std::size_t>(kManetSide * kManetSide * 3));
  const auto same = pixels("exact_224");
  EXPECT_EQ(resize_like_pil(same.data(), kManetSide, kManetSide, kManetSide), same);
  const std::vector<std::uint8_t> black(100 * 100 * 3, 0);
  EXPECT_EQ(resize_like_pil(black.data(), 100, 100, kManetSide), pixels("black_100"));
}

TEST(Manet, FullSizeIsThatOfTheOriginal) {
  if (std::getenv("HARDY_FULL_SIZE") == nullptr) GTEST_SKIP() << "set HARDY_FULL_SIZE=1 to run it";
  HARDY_NEEDS_SHARED("golden/backbones/manet/full_gcnet");
  const auto weights =
      test::made_set(test::backbone_dir() / "manet" / "full_gcnet" / "keys.json", 33);
  compare_manet(Manet(weights, ManetOrder::kBefore2023), "full_gcnet");
  compare_manet(Manet(weights, ManetOrder::kSince2023), "full_2023");
}

}  // namespace
}  // namespace hardy
