// Networks that are TorchScript programs, made here: trust, descriptions, what they compute, and
// the whole command.
#include <torch/script.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "hardy/errors.h"
#include "hardy/extract.h"
#include "media/extractor.h"
#include "media/script_network.h"
#include "tests/media/made_recording.h"
#include "tests/support/messages.h"
#include "tests/support/random_bundle.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using test::message_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

/// Saves a program of one function.
void save_program(const std::filesystem::path& file, const std::string& body,
                  const std::string& description = "") {
  torch::jit::Module module("Net");
  module.define("def forward(self, x):\n" + body);
  torch::jit::ExtraFilesMap extra;
  if (!description.empty()) extra["hardy.json"] = description;
  module.save(file.string(), extra);
}

/// Frames of 100 samples: their mean and their mean magnitude. Shapes: [1, n] -> [1, n / 100, 2].
constexpr const char* kFrames =
    "    y = x[:, :(x.size(1) // 100) * 100].reshape([1, -1, 100])\n"
    "    return torch.stack([y.mean(-1), y.abs().mean(-1)], -1)\n";

constexpr const char* kAudio = R"({"modality": "audio", "width": 2})";

class Script : public testing::Test {
 protected:
  void SetUp() override { files_.trusts_programs = true; }

  /// An audio program.
  void audio(const char* body = kFrames, const std::string& description = kAudio) {
    files_.sound = folder_ / "net.pt";
    save_program(files_.sound, body, description);
  }

  [[nodiscard]] std::string problem() const {
    return message_of<Error>([&] { open_backbones(files_); });
  }

  test::TempDir folder_;
  BackboneFiles files_;
};

TEST_F(Script, ItMustBeTrusted) {
  audio();
  EXPECT_TRUE(is_script(files_.sound));
  files_.trusts_programs = false;
  EXPECT_THAT(problem(), AllOf(HasSubstr("--audio"), HasSubstr("is a program"),
                               HasSubstr("--trust-programs")));
  test::put_file(folder_ / "weights.pt", "no zip");
  EXPECT_FALSE(is_script(folder_ / "weights.pt"));
}

TEST_F(Script, SoundGoesThroughAsDescribed) {
  std::vector<std::int16_t> samples(250, 3277);
  for (std::size_t i = 0; i < 100; ++i) samples[i] = -6554;
  audio();
  const auto plain = open_backbones(files_)->sound;
  EXPECT_EQ(plain->width(), 2);
  EXPECT_THAT(plain->extract(samples),
              ElementsAre(FloatEq(-3277.0F / 2 / 32768), FloatEq(9831.0F / 2 / 32768)));
  EXPECT_EQ(plain->extract(samples), plain->extract(samples));

  // A description beside the file takes the place of the one inside; the maker tells them apart.
  test::put_file(folder_ / "net.pt.json", R"({"modality": "audio", "width": 2, "scale": 32768})");
  const auto whole_numbers = open_backbones(files_)->sound;
  EXPECT_THAT(whole_numbers->extract(samples), ElementsAre(FloatEq(-1638.5F), FloatEq(4915.5F)));
  EXPECT_NE(plain->maker(), whole_numbers->maker());
  EXPECT_THAT(plain->maker(), testing::MatchesRegex("script-[0-9a-f]{12}"));

  test::put_file(folder_ / "net.pt.json",
                 R"({"modality": "audio", "width": 2, "normalise": true})");
  const std::vector<std::int16_t> alternating = [] {
    std::vector<std::int16_t> values(200);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? 1100 : 900;
    return values;
  }();
  const auto normalised = open_backbones(files_)->sound->extract(alternating);
  EXPECT_NEAR(normalised[0], 0, 1e-6);
  EXPECT_NEAR(normalised[1], 1, 1e-6);
}

TEST_F(Script, TextComesAsIds) {
  test::put_file(folder_ / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\ngood\nday\n");
  files_.text = folder_ / "net.pt";
  save_program(files_.text, "    y = x * 1.0\n    return torch.stack([y, 2 * y, -y], -1)\n",
               R"({"modality": "text", "width": 3, "tokenizer": ".", "tokenizer_kind": "bert"})");
  const auto text = open_backbones(files_)->text;
  // [CLS] good day [SEP] = 2 4 5 3
  const std::vector<std::string> texts = {"Good day", " ", "good"};
  std::vector<std::vector<float>> vectors;
  std::vector<std::string> reasons;
  text->extract(texts, [&](std::size_t i, std::vector<float> values, std::string reason) {
    EXPECT_EQ(i, vectors.size());
    vectors.push_back(std::move(values));
    reasons.push_back(std::move(reason));
  });
  EXPECT_THAT(vectors, ElementsAre(ElementsAre(3.5F, 7.0F, -3.5F), ElementsAre(),
                                   ElementsAre(3.0F, 6.0F, -3.0F)));
  EXPECT_THAT(reasons, ElementsAre("", "its text holds no token", ""));
}

TEST_F(Script, FacesComeInTheirSizeAsRgbOfZeroToOne) {
  HARDY_NEEDS_SHARED("golden/media/clip.mp4");
  files_.pictures = folder_ / "faces.pt";
  save_program(files_.pictures,
               "    assert x.size(2) == 64 and x.size(3) == 64\n"
               "    low = x.min().reshape([1, 1])\n"
               "    return torch.cat([x.mean([2, 3]), low, x.max().reshape([1, 1])], 1)\n",
               R"({"modality": "video", "width": 5, "side": 64})");
  Segment segment;
  segment.media = test::shared_dir() / "golden/media/clip.mp4";
  ExtractOptions options;
  options.wanted = {false, false, true};
  options.backbones = open_backbones(files_);
  const auto extracted = extract_segments({segment}, options)[0];
  EXPECT_GE(extracted.faces, 7);  // one picture in 0.4 s of a clip of 3 s
  EXPECT_EQ(extracted.faces, extracted.pictures);
  const auto& values = extracted.modalities[2].values;
  ASSERT_EQ(values.size(), 5U) << extracted.modalities[2].reason;
  EXPECT_GT(values[0], values[2] + 0.05F);  // skin: more red than blue
  EXPECT_GE(values[3], 0);
  EXPECT_LT(values[3], 0.2F);
  EXPECT_GT(values[4], 0.8F);
  EXPECT_LE(values[4], 1);

  // Scaled as described: (x - mean) / deviation of each channel.
  save_program(files_.pictures, "    return x.mean([2, 3])\n",
               R"({"modality": "video", "width": 3, "side": 64, "mean": [0.5, 0.25, 0],
                   "deviation": [0.5, 1, 2]})");
  options.backbones = open_backbones(files_);
  const auto scaled = extract_segments({segment}, options)[0].modalities[2].values;
  ASSERT_EQ(scaled.size(), 3U);
  EXPECT_NEAR(scaled[0], (values[0] - 0.5F) / 0.5F, 1e-5);
  EXPECT_NEAR(scaled[1], values[1] - 0.25F, 1e-5);
  EXPECT_NEAR(scaled[2], values[2] / 2, 1e-5);
}

TEST_F(Script, DescriptionsThatDoNotFitAreRefused) {
  audio(kFrames, "");
  EXPECT_THAT(problem(), AllOf(HasSubstr("nothing describes its input"), HasSubstr("net.pt.json")));
  audio(kFrames, R"({"modality": "video", "width": 2})");
  EXPECT_THAT(problem(), HasSubstr("is not \"audio\", which --audio takes"));
  audio(kFrames, R"({"modality": "audio", "width": 2, "rate": 8000})");
  EXPECT_THAT(problem(), HasSubstr("\"rate\" is unknown"));
  audio(kFrames, R"({"modality": "audio"})");
  EXPECT_THAT(problem(), HasSubstr("width"));
  const auto whole = read_text_file(files_.sound);
  test::put_file(files_.sound, whole.substr(0, whole.size() / 2));
  EXPECT_NE(problem(), "");  // no zip any more: read as weights, and refused
  files_.sound.clear();
  files_.pictures = folder_ / "faces.pt";
  save_program(files_.pictures, "    return x.mean([2, 3])\n",
               R"({"modality": "video", "width": 3, "deviation": [1, 0, 1]})");
  EXPECT_THAT(problem(), HasSubstr("\"deviation\" has a value that is not positive"));
}

TEST_F(Script, ProgramsThatFailCostTheirUtterance) {
  const std::vector<std::int16_t> samples(200, 1);
  const auto failure = [&](const char* body) {
    audio(body);
    return message_of<DataError>(
        [&] { static_cast<void>(open_backbones(files_)->sound->extract(samples)); });
  };
  EXPECT_THAT(failure("    return x.reshape([1, 7])\n"), HasSubstr("the program failed: "));
  EXPECT_THAT(failure("    return x.reshape([1, -1, 4])\n"),
              HasSubstr("output is 4 wide, its description says 2"));
  EXPECT_THAT(failure("    return 3\n"), HasSubstr("is no tensor"));
  EXPECT_THAT(failure("    return x[:, :0]\n"), HasSubstr("is empty"));
}

TEST_F(Script, TheCommandWritesItsFeatures) {
  HARDY_NEEDS_FFMPEG();
  audio();
  ASSERT_TRUE(test::make_recording(test::tone(1), folder_ / "clip.wav"));
  const std::string command = std::string(HARDY_PROGRAM) + " extract '" +
                              (folder_ / "clip.wav").string() + "' --no-media-cache --audio '" +
                              files_.sound.string() + "' -o '" + (folder_ / "corpus").string() +
                              "'";
  const auto quietly = " > /dev/null 2> '" + (folder_ / "errors").string() + "'";
  EXPECT_EQ(WEXITSTATUS(std::system((command + quietly).c_str())), 2);
  EXPECT_THAT(read_text_file(folder_ / "errors"), HasSubstr("--trust-programs"));
  ASSERT_EQ(WEXITSTATUS(std::system((command + " --trust-programs" + quietly).c_str())), 0)
      << read_text_file(folder_ / "errors");
  const auto json = nlohmann::json::parse(read_text_file(folder_ / "corpus" / "extract.json"));
  EXPECT_EQ(json["modalities"]["acoustic"]["present"], 1);
  EXPECT_EQ(json["modalities"]["acoustic"]["width"], 2);
  EXPECT_EQ(json["modalities"]["acoustic"]["maker"], open_backbones(files_)->sound->maker());
}

TEST_F(Script, TheServiceAnswersWithTrustedPrograms) {
  HARDY_NEEDS_FFMPEG();
  audio();
  ASSERT_TRUE(test::make_recording(test::tone(1), folder_ / "clip.wav"));
  BundleInfo info = test::bundle_info({2, 268, 270}, 3, EncoderConfig{});
  info.modalities[0].name = "acoustic";
  info.modalities[1].name = "textual";
  info.modalities[2].name = "visual";
  info.makers = {open_backbones(files_)->sound->maker(), "hardy-text-1", kVisualMaker};
  save_tensor_file(folder_ / "model.safetensors", test::random_bundle(info));
  const auto in = [&](const char* name) { return "'" + (folder_ / name).string() + "'"; };
  const std::string command = "python3 " + std::string(HARDY_ASK_SERVICE) + " " + in("clip.wav") +
                              " " + HARDY_PROGRAM + " serve " + in("model.safetensors") +
                              " --media --audio " + in("net.pt");
  const auto to_files = " > " + in("answer") + " 2> " + in("errors");
  EXPECT_NE(std::system((command + to_files).c_str()), 0);
  EXPECT_THAT(read_text_file(folder_ / "errors"), HasSubstr("--trust-programs"));
  ASSERT_EQ(std::system((command + " --trust-programs" + to_files).c_str()), 0)
      << read_text_file(folder_ / "errors");
  const auto answer = nlohmann::json::parse(read_text_file(folder_ / "answer"));
  ASSERT_EQ(answer["predictions"].size(), 1U);
  EXPECT_TRUE(answer["predictions"][0].contains("label"));
  EXPECT_FALSE(answer["predictions"][0]["absent"].contains("acoustic"));
}

}  // namespace
}  // namespace hardy
