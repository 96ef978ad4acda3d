// `hardy bundle` and `hardy explain` as processes: from a short training to an explanation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "hardy/recogniser.h"
#include "tests/cli/program.h"
#include "tests/support/random_bundle.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::run_hardy;
using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(BundleCommand, ATrainedModelIsDescribedCompletedAndExplained) {
  if (std::string(test::hardy_trainer()).empty()) GTEST_SKIP() << "built without training";
  const test::TempDir dir;
  const auto in = [&](const char* name) { return (dir.path() / name).string(); };
  const auto trained = run_hardy(
      {"train", "--preset", "quick", "--track", "unified", "--no-cache", "--quiet", "--out",
       in("run"), "--set", "recogniser.pattern_epochs=1", "--set", "hardness.pattern_epochs=1"});
  ASSERT_EQ(trained.exit_code, 0) << trained.errors;
  const auto info = run_hardy({"bundle", "info", in("run")});
  ASSERT_EQ(info.exit_code, 0) << info.errors;
  const auto about = Json::parse(info.output);
  EXPECT_EQ(about.at("calibration").size(), 7U);
  EXPECT_EQ(about.at("scores").size(), 14U);
  EXPECT_TRUE(about.at("data").at("synthetic").get<bool>());

  ASSERT_EQ(run_hardy({"data", "synth", in("corpus")}).exit_code, 0);
  const auto explain = [&](const std::string& model) {
    const auto result = run_hardy({"explain", model, in("corpus"), "--json", "--similar", "3"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return Json::parse(result.output);
  };
  const auto plain = explain(in("run"));
  EXPECT_TRUE(plain.at("similar").empty());
  EXPECT_EQ(plain.at("patterns").size(), 7U);
  const auto added =
      run_hardy({"bundle", "add-training", in("run"), "--run", in("run"), "-o", in("full")});
  ASSERT_EQ(added.exit_code, 0) << added.errors;
  const auto full = explain(in("full"));
  EXPECT_EQ(full.at("prediction"), plain.at("prediction"));
  ASSERT_EQ(full.at("similar").size(), 3U);
  EXPECT_FALSE(full.at("hardness").is_null());
  const auto text = run_hardy({"explain", in("full"), in("corpus")});
  EXPECT_THAT(text.output, HasSubstr("similar training utterances"));
  EXPECT_THAT(text.output, HasSubstr("contributions to the probability of"));
  EXPECT_EQ(run_hardy({"explain", in("full"), in("corpus"), "--utterance", "nobody"}).exit_code, 3);
}

TEST(BundleCommand, AModelOfTunedFeaturesIsStoredAndUsedLikeAnyOther) {
  if (std::string(test::hardy_trainer()).empty()) GTEST_SKIP() << "built without training";
  const test::TempDir dir;
  const auto in = [&](const char* name) { return (dir.path() / name).string(); };
  ASSERT_EQ(run_hardy({"data", "synth", in("corpus"), "--sessions", "3", "--dialogues", "2",
                       "--widths", "acoustic=8,textual=9,visual=10"})
                .exit_code,
            0);
  const auto trained =
      run_hardy({"run", in("corpus"), "--preset", "quick", "--track", "unified", "--no-cache",
                 "--quiet", "--json", "--out", in("run"), "--set", "recogniser.input=tuned",
                 "--set", "recogniser.pattern_epochs=2", "--set", "hardness.pattern_epochs=1"});
  ASSERT_EQ(trained.exit_code, 0) << trained.errors;
  EXPECT_THAT(trained.errors, ::testing::Not(HasSubstr("no models were stored")));
  const auto model = in("run/models/unified-fold0-seed1.safetensors");
  const auto about = Json::parse(run_hardy({"bundle", "info", model}).output);
  EXPECT_EQ(about.at("input"), "tuned");
  EXPECT_EQ(about.at("format"), 4);

  const auto evaluated = run_hardy({"evaluate", in("run"), "--json", "--quiet"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.errors;
  const auto scores = Json::parse(evaluated.output).at("scores");
  const auto own = Json::parse(trained.output).at("results").at("scores");
  ASSERT_EQ(scores.size(), own.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    EXPECT_EQ(scores[i].at("confusion"), own[i].at("confusion")) << i;
  }

  const auto predicted = run_hardy({"predict", model, in("corpus"), "--json", "--available",
                                    "acoustic,textual", "--reconstruct"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.errors;
  const auto first = Json::parse(predicted.output.substr(0, predicted.output.find('\n')));
  EXPECT_FALSE(first.contains("reconstruction"));
  EXPECT_EQ(first.at("tuned_reconstruction").at("visual").size(), 10U);

  ASSERT_EQ(run_hardy({"bundle", "add-training", model, "-o", in("full")}).exit_code, 0);
  const auto explained =
      run_hardy({"explain", in("full"), in("corpus"), "--json", "--similar", "3"});
  ASSERT_EQ(explained.exit_code, 0) << explained.errors;
  const auto explanation = Json::parse(explained.output);
  EXPECT_EQ(explanation.at("similar").size(), 3U);
  EXPECT_FALSE(explanation.at("hardness").is_null());
  EXPECT_EQ(explanation.at("attention").size(), 3U);
  ASSERT_EQ(run_hardy({"bundle", "to-onnx", model, "-o", in("model.onnx")}).exit_code, 0);
  EXPECT_THAT(read_text_file(in("model.onnx")), HasSubstr("visual.tuning2.weight"));
}

TEST(BundleCommand, TheAuthorsCheckpointBecomesAModelThatPredicts) {
  HARDY_NEEDS_SHARED("golden/hardymer_recognizer.pth");
  const test::TempDir dir;
  const auto out = (dir.path() / "model").string();
  const auto golden = [](const char* name) {
    return (test::shared_dir() / "golden" / name).string();
  };
  const auto converted = run_hardy({"bundle", "from-pth", golden("hardymer_recognizer.pth"),
                                    "--labels", "happy, sad, neutral, angry", "-o", out});
  ASSERT_EQ(converted.exit_code, 0) << converted.errors;
  const auto recogniser = Recogniser::load(out);
  EXPECT_EQ(recogniser.info().class_names[1], "sad");
  EXPECT_EQ(recogniser.info().modalities[0].width, 73);
  EXPECT_THAT(run_hardy({"bundle", "from-pth", golden("hardymer_recognizer.pth"), "--labels", "a,b",
                         "-o", out})
                  .errors,
              HasSubstr("has 4 outputs, 2 labels are named"));
  EXPECT_THAT(run_hardy({"bundle", "from-pth", golden("hardymer_hardness.pth"), "--labels",
                         "a,b,c,d", "-o", out})
                  .errors,
              HasSubstr("hardymer_hardness.pth: the checkpoint holds the hardness model"));
  EXPECT_THAT(
      run_hardy({"bundle", "from-pth", golden("finetune.pth"), "--labels", "a,b,c,d", "-o", out})
          .errors,
      HasSubstr("finetune.pth: the file holds no array"));
}

TEST(BundleCommand, WritesOnnxAndRefusesWhatIsNoModel) {
  const test::TempDir dir;
  const auto in = [&](const char* name) { return (dir.path() / name).string(); };
  EncoderConfig encoder;
  encoder.hidden = 8;
  encoder.decoder_width = 8;
  save_tensor_file(in("model"), test::random_bundle(test::bundle_info({3, 2}, 2, encoder)));
  EXPECT_EQ(run_hardy({"bundle", "to-onnx", in("model"), "-o", in("model.onnx")}).exit_code, 0);
  EXPECT_GT(read_file(in("model.onnx")).size(), 1000U);
  write_file_atomically(in("rubbish"), "rubbish");
  for (const char* command : {"info", "to-onnx", "add-training", "from-pth"}) {
    std::vector<std::string> arguments = {"bundle", command, in("rubbish")};
    if (std::string(command) != "info") arguments.insert(arguments.end(), {"-o", in("out")});
    if (std::string(command) == "from-pth") arguments.insert(arguments.end(), {"--labels", "a,b"});
    EXPECT_EQ(run_hardy(arguments).exit_code, 4) << command;
    EXPECT_FALSE(std::filesystem::exists(in("out")));
  }
  EXPECT_THAT(run_hardy({"bundle", "add-training", in("model"), "-o", in("out")}).errors,
              HasSubstr("manifest"));
}

}  // namespace
}  // namespace hardy
