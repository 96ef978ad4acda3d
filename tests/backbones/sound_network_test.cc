// wav2vec, wav2vec 2.0, HuBERT and WavLM against the frames of the original programs.
#include "backbones/sound_network.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <set>

#include "hardy/errors.h"
#include "tests/backbones/golden.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
constexpr double kFrameTolerance = 5e-5;

std::vector<float> input(const std::string& name) {
  const auto file = test::backbone_dir() / "wav2vec" / "input" / (name + ".int16.npy");
  std::vector<float> samples = load_npy(file).values;
  for (float& sample : samples) sample /= 32768;
  return samples;
}

/// Names of the inputs for which a folder has "NAME" + `ending`.
std::set<std::string> inputs_with(const fs::path& folder, const std::string& ending) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(ending)) names.insert(name.substr(0, name.size() - ending.size()));
  }
  return names;
}

class Wav2vecGolden : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Wav2vecGolden, FramesAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/wav2vec");
  const auto folder = test::backbone_dir() / "wav2vec" / GetParam().first;
  const Wav2vec network(WeightSet::open(folder / GetParam().second));
  const auto names = inputs_with(folder, ".c-UTT.npy");
  ASSERT_FALSE(names.empty());
  for (const auto& name : names) {
    const auto frames = network.frames(input(name));
    const auto compare = [&](const auto& got, const char* ending) {
      const auto wanted = load_npy(folder / (name + ending));
      EXPECT_LE(test::largest_difference(got, wanted.values), kFrameTolerance) << name << ending;
    };
    compare(frames.context.values, ".c.npy");
    compare(frames.encoder.values, ".z.npy");
    compare(mean_row(frames.context), ".c-UTT.npy");
    compare(mean_row(frames.encoder), ".z-UTT.npy");
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Wav2vecGolden,
                         testing::Values(std::pair("large_like", "wav2vec.pt"),
                                         std::pair("large_like", "wav2vec.legacy.pt"),
                                         std::pair("options", "wav2vec.pt"),
                                         std::pair("options", "wav2vec.legacy.pt"),
                                         std::pair("gru", "wav2vec.pt"),
                                         std::pair("gru", "wav2vec.legacy.pt")));

TEST(Wav2vec, ListsOfConvolutionsAreReadAndNothingElse) {
  const auto shapes = parse_convolutions("[(512, 10, 5)] + [(512, 8, 4), (3,2,1)] * 2", "x.pt");
  ASSERT_EQ(shapes.size(), 5U);
  EXPECT_EQ(shapes[4].channels, 3);
  EXPECT_EQ(shapes[3].stride, 4);
  for (const char* wrong : {"", "[]", "[(1,2)]", "[(1,2,3)", "__import__('os')", "[(1,2,3)]*0",
                            "[(1,2,3)] * 99999", "[(1,2,-3)]", "[(1,2,3)] x"}) {
    EXPECT_THROW(parse_convolutions(wrong, "x.pt"), ArtifactError) << wrong;
  }
}

TEST(Wav2vec, ShorterThanAFrameIsSaid) {
  HARDY_NEEDS_SHARED("golden/backbones/wav2vec");
  const Wav2vec network(
      WeightSet::open(test::backbone_dir() / "wav2vec" / "large_like" / "wav2vec.pt"));
  const std::vector<float> samples(464);
  EXPECT_NE(test::message_of<DataError>([&] {
              static_cast<void>(network.frames(samples));
            }).find("too short"),
            std::string::npos);
}

class SpeechGolden : public testing::TestWithParam<const char*> {};

TEST_P(SpeechGolden, HiddenStatesAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/hf_speech");
  const auto folder = test::backbone_dir() / "hf_speech" / GetParam();
  const auto settings = NetworkSettings::read(folder / "config.json");
  const bool normalises =
      NetworkSettings::read(folder / "preprocessor_config.json").flag_or("do_normalize", true);
  for (const char* file : {"model.safetensors", "pytorch_model.bin"}) {
    const SpeechEncoder network(settings, WeightSet::open(folder / file));
    const auto names = inputs_with(folder, ".hidden_states.npy");
    ASSERT_GE(names.size(), 4U);
    for (const auto& name : names) {
      if (name == "batch") continue;  // padded inputs: utterances are run one at a time here
      auto samples = input(name);
      if (normalises) samples = normalised_samples(samples);
      const auto given = folder / (name + ".input_values.npy");
      if (fs::exists(given)) {
        EXPECT_LE(test::largest_difference(samples, load_npy(given).values), kFrameTolerance);
      }
      const auto states = network.hidden_states(samples);
      const auto wanted = load_npy(folder / (name + ".hidden_states.npy"));
      const auto size = wanted.values.size() / states.size();
      double largest = 0;
      for (std::size_t layer = 0; layer < states.size(); ++layer) {
        largest = std::max(largest, test::largest_difference(
                                        states[layer].values,
                                        std::span(wanted.values).subspan(layer * size, size)));
      }
      EXPECT_LE(largest, kFrameTolerance) << file << " " << name;
    }
  }
}

TEST_P(SpeechGolden, MerbenchMeansAreThoseOfTheOriginal) {
  HARDY_NEEDS_SHARED("golden/backbones/hf_speech");
  const auto folder = test::backbone_dir() / "hf_speech" / GetParam();
  const SpeechEncoder network(NetworkSettings::read(folder / "config.json"),
                              WeightSet::open(folder));
  const bool normalises =
      NetworkSettings::read(folder / "preprocessor_config.json").flag_or("do_normalize", true);
  const auto compare = [&](const std::string& name, const std::string& file, std::size_t piece) {
    auto samples = input(name);
    if (normalises) samples = normalised_samples(samples);
    const auto mean = mean_row(summed_frames(network, samples, {-4, -1}, piece));
    const auto wanted = load_npy(folder / (file + ".merbench_utt.npy"));
    EXPECT_LE(test::largest_difference(mean, wanted.values), kFrameTolerance) << file;
  };
  for (const auto& name : inputs_with(folder, ".merbench_utt.npy")) {
    if (name.find('.') == std::string::npos) compare(name, name, kMerbenchPiece);
  }
  const std::string pieces = "long.pieces_of_16000";
  if (fs::exists(folder / (pieces + ".merbench_utt.npy"))) compare("long", pieces, 16000);
}

INSTANTIATE_TEST_SUITE_P(Networks, SpeechGolden,
                         testing::Values("wav2vec2_base", "wav2vec2_large", "hubert_base",
                                         "hubert_large", "wavlm_base", "wavlm_large"));

/// 130 MB of made weights: for those who ask for it.
TEST(Wav2vec, FullSizeIsThatOfTheOriginal) {
  if (std::getenv("HARDY_FULL_SIZE") == nullptr) GTEST_SKIP() << "set HARDY_FULL_SIZE=1 to run it";
  HARDY_NEEDS_SHARED("golden/backbones/wav2vec/full_size");
  const auto folder = test::backbone_dir() / "wav2vec" / "full_size";
  auto weights = test::made_set(folder / "keys.json", 14);
  weights.set_arguments(nlohmann::json::parse(std::ifstream(folder / "args.json")));
  const Wav2vec network(std::move(weights));
  for (const auto& name : inputs_with(folder, ".c-UTT.npy")) {
    const auto samples = input(name);
    const auto start = std::clock();
    const auto frames = network.frames(samples);
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    const double c = test::largest_difference(mean_row(frames.context),
                                              load_npy(folder / (name + ".c-UTT.npy")).values);
    const double z = test::largest_difference(mean_row(frames.encoder),
                                              load_npy(folder / (name + ".z-UTT.npy")).values);
    std::printf("%s: %zu samples %.3f s CPU, differences %.2e %.2e\n", name.c_str(), samples.size(),
                seconds, c, z);
    EXPECT_LE(std::max(c, z), 2e-4);
  }
}

}  // namespace
}  // namespace hardy
