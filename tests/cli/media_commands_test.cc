// `hardy extract`, `hardy predict --media` and `hardy explain --media` as a user calls them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/cli/program.h"
#include "tests/media/made_recording.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_files.h"

namespace hardy {
namespace {

using testing::HasSubstr;

class Media : public testing::Test {
 protected:
  void SetUp() override {
    HARDY_NEEDS_FFMPEG();
    ASSERT_TRUE(test::make_recording(
        test::pictures(2) + test::tone(2) + "-c:v mpeg4 -c:a aac -shortest", folder_ / "clip.mp4"));
    test::put_file(folder_ / "clip.srt",
                   "1\n00:00:00,000 --> 00:00:01,000\nAnn: good <b>day</b>\n\n"
                   "2\n00:00:01,000 --> 00:00:02,000\nAnn: bye\n");
    options_.variables["XDG_CACHE_HOME"] = (folder_ / "cache").string();
  }

  /// A model with random weights that reads the extractors' features.
  std::string model(const std::string& maker) {
    BundleInfo info = test::bundle_info({88, 268, 270}, 3, EncoderConfig{});
    info.modalities[0].name = "acoustic";
    info.modalities[1].name = "textual";
    info.modalities[2].name = "visual";
    info.makers = {maker, "hardy-text-1", "hardy-face-2"};
    save_tensor_file(folder_ / "model.safetensors", test::random_bundle(info));
    return (folder_ / "model.safetensors").string();
  }

  std::string clip() { return (folder_ / "clip.mp4").string(); }

  test::TempDir folder_;
  test::ProgramOptions options_;
};

TEST_F(Media, ExtractWritesACorpusThatDataInfoReads) {
  const std::string out = (folder_ / "corpus").string();
  const auto done = test::run_hardy({"extract", clip(), "-o", out, "--quiet"}, options_);
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_THAT(done.output, HasSubstr("2 utterances"));
  EXPECT_THAT(done.output, HasSubstr("2 absent: no face was found in its pictures"));
  EXPECT_THAT(read_text_file(folder_ / "corpus/utterances.csv"), HasSubstr("good day"));
  const auto strict =
      test::run_hardy({"extract", clip(), "-o", out, "--quiet", "--strict"}, options_);
  EXPECT_EQ(strict.exit_code, 3);
  EXPECT_THAT(strict.errors, HasSubstr("2 modalities of 2 utterances are absent"));
  const auto same = test::run_hardy({"extract", "--check", out, "--against", out}, options_);
  EXPECT_EQ(same.exit_code, 0) << same.errors;
  EXPECT_THAT(same.output, HasSubstr("1.000000"));
}

TEST_F(Media, AFileAtTheLimitOfItsSizeIsAnError) {
  const std::string out = (folder_ / "corpus").string();
  options_.largest_file = 1024;  // the features of two utterances take more
  const auto done = test::run_hardy({"extract", clip(), "-o", out, "--quiet"}, options_);
  EXPECT_EQ(done.exit_code, 6) << done.errors;
  EXPECT_THAT(done.errors, HasSubstr("ulimit -f"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Media, ADryRunOnlyLists) {
  const auto done = test::run_hardy({"extract", clip(), "--dry-run"}, options_);
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_THAT(done.output, HasSubstr("clip_001"));
  EXPECT_THAT(done.output, HasSubstr("2 utterances"));
}

TEST_F(Media, PredictAnswersUtteranceByUtterance) {
  const auto done = test::run_hardy(
      {"predict", model("hardy-acoustic-1"), "--media", clip(), "--json"}, options_);
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  const auto line = nlohmann::json::parse(done.output.substr(0, done.output.find('\n')));
  EXPECT_EQ(line["start"], 0);
  EXPECT_EQ(line["end"], 1);
  EXPECT_EQ(line["speaker"], "Ann");
  EXPECT_EQ(line["text"], "good day");
  EXPECT_EQ(line["used"], nlohmann::json({"acoustic", "textual"}));
  EXPECT_EQ(line["absent"]["visual"], "no face was found in its pictures");
  EXPECT_TRUE(line.contains("label"));
}

TEST_F(Media, OnlyAvailableModalitiesAreExtracted) {
  const auto done = test::run_hardy(
      {"predict", model("hardy-acoustic-1"), "--media", clip(), "--available", "textual", "--json"},
      options_);
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  const auto line = nlohmann::json::parse(done.output.substr(0, done.output.find('\n')));
  EXPECT_EQ(line["used"], nlohmann::json({"textual"}));
  EXPECT_EQ(line["absent"]["acoustic"], "not asked for");
  EXPECT_EQ(line["absent"]["visual"], "not asked for");
}

TEST_F(Media, SubtitlesCarryTheEmotion) {
  const auto done = test::run_hardy(
      {"predict", model("hardy-acoustic-1"), "--media", clip(), "--webvtt"}, options_);
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_THAT(done.output,
              testing::StartsWith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v Ann>["));
  EXPECT_THAT(done.output, HasSubstr("%] bye"));
}

TEST_F(Media, AnUtteranceIsExplainedWithItsDialogue) {
  const auto bundle = model("hardy-acoustic-1");
  const auto done = test::run_hardy(
      {"explain", bundle, "--media", clip(), "--utterance", "clip_002", "--json"}, options_);
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  const auto explained = nlohmann::json::parse(done.output);
  EXPECT_EQ(explained.at("id"), "clip_002");
  EXPECT_EQ(explained.at("start"), 1);
  EXPECT_EQ(explained.at("text"), "bye");
  EXPECT_EQ(explained.at("absent").at("visual"), "no face was found in its pictures");
  EXPECT_EQ(explained.at("contributions").size(), 2U);
  const auto predicted =
      test::run_hardy({"predict", bundle, "--media", clip(), "--json"}, options_);
  ASSERT_EQ(predicted.exit_code, 0) << predicted.errors;
  const auto second = predicted.output.substr(predicted.output.find('\n') + 1);
  EXPECT_EQ(explained.at("prediction").at("probabilities"),
            nlohmann::json::parse(second).at("probabilities"));
  const auto text = test::run_hardy({"explain", bundle, "--media", clip()}, options_);
  EXPECT_THAT(text.output, testing::StartsWith("utterance       clip_001\n"));
  const auto unknown =
      test::run_hardy({"explain", bundle, "--media", clip(), "--utterance", "u9"}, options_);
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.errors, HasSubstr("they hold clip_001, clip_002"));
  const auto both = test::run_hardy({"explain", bundle, "corpus", "--media", clip()}, options_);
  EXPECT_EQ(both.exit_code, 2);
}

TEST_F(Media, FeaturesOfAnotherMakerAreRefusedByName) {
  const auto done = test::run_hardy({"predict", model("opensmile"), "--media", clip()}, options_);
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_THAT(done.errors, HasSubstr("made by 'hardy-acoustic-1'"));
  EXPECT_THAT(done.errors, HasSubstr("those of 'opensmile'"));
}

TEST_F(Media, BrokenRecordingsCostOnlyThemselvesAndAreCountedByReason) {
  const auto folder = folder_ / "many";
  std::filesystem::create_directories(folder);
  const std::string good = read_text_file(clip());
  test::put_file(folder / "good.mp4", good);
  for (int i = 0; i < 4; ++i) {
    test::put_file(folder / ("broken" + std::to_string(i) + ".wav"), "no recording at all");
    test::put_file(folder / ("empty" + std::to_string(i) + ".wav"), "");
    test::put_file(folder / ("cut" + std::to_string(i) + ".mp4"), good.substr(0, 400));
  }
  const std::string out = (folder_ / "corpus").string();
  const auto done = test::run_hardy({"extract", folder.string(), "-o", out, "--quiet"}, options_);
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_THAT(done.output, HasSubstr("13 utterances"));
  EXPECT_THAT(done.output, HasSubstr("4 absent: the file is empty"));
  EXPECT_THAT(done.output, HasSubstr("8 absent: cannot be read as a recording"));
  EXPECT_THAT(done.output, HasSubstr("12 have no modality and are left out"));
  EXPECT_THAT(read_text_file(folder_ / "corpus/extract.json"), HasSubstr("broken3.wav"));
}

TEST_F(Media, LayersAreCheckedBeforeAnythingIsRead) {
  const std::string out = (folder_ / "corpus").string();
  const auto error_of = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"extract", clip(), "-o", out};
    words.insert(words.end(), more.begin(), more.end());
    const auto done = test::run_hardy(words, options_);
    EXPECT_EQ(done.exit_code, 2);
    return done.errors;
  };
  EXPECT_THAT(error_of({"--layers=-4..-1"}), HasSubstr("goes with --audio or --text"));
  EXPECT_THAT(error_of({"--layers=-1..-4", "--text", "d"}), HasSubstr("first is behind the last"));
  for (const char* wrong : {"--layers=4", "--layers=-4..", "--layers=all", "--layers=-1..0"}) {
    EXPECT_THAT(error_of({wrong, "--text", "d"}), HasSubstr("write -4..-1")) << wrong;
  }
}

TEST_F(Media, MistakesAreExplained) {
  const auto nothing = test::run_hardy({"extract", "--dry-run"}, options_);
  EXPECT_EQ(nothing.exit_code, 2);
  const auto no_out = test::run_hardy({"extract", clip()}, options_);
  EXPECT_EQ(no_out.exit_code, 2);
  EXPECT_THAT(no_out.errors, HasSubstr("--out DIR"));
  const auto no_labels = test::run_hardy({"run", "--media", folder_.path().string()}, options_);
  EXPECT_EQ(no_labels.exit_code, 2);
  EXPECT_THAT(no_labels.errors, HasSubstr("--labels"));
  const auto vtt = test::run_hardy({"predict", model("hardy-acoustic-1"), "--webvtt"}, options_);
  EXPECT_EQ(vtt.exit_code, 2);
  for (const char* command : {"predict", "explain"}) {
    const auto labels = test::run_hardy(
        {command, model("hardy-acoustic-1"), "--media", clip(), "--labels", "labels.pkl"},
        options_);
    EXPECT_EQ(labels.exit_code, 2);
    EXPECT_THAT(labels.errors, HasSubstr("--media goes without INPUT"));
  }
  const auto unknown = test::run_hardy(
      {"predict", model("hardy-acoustic-1"), "--media", "absent.mp4", "--available", "thermal"},
      options_);
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.errors, HasSubstr("thermal"));
}

}  // namespace
}  // namespace hardy
