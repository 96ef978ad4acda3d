// The playground in headless Chromium, against the real service.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "corpus/synth/demo_corpus.h"
#include "hardy/training_section.h"
#include "serve/server.h"
#include "tests/media/made_recording.h"
#include "tests/npm/npm.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

/// A model for the demonstration corpus that marks some utterances as trained on.
void save_demo_model(const std::filesystem::path& file) {
  const Corpus corpus = make_demo_corpus();
  EncoderConfig encoder;
  encoder.hidden = 16;
  encoder.depth = 1;
  encoder.decoder = Decoder::kLinear;
  auto info = test::bundle_info({}, 0, encoder);
  for (const auto& modality : corpus.modalities) {
    info.modalities.push_back({modality.name, modality.width});
  }
  info.trained = Pattern::complete(corpus.modality_count());
  info.class_names = corpus.class_names;
  info.data_name = corpus.name;
  TensorFile bundle = test::random_bundle(info);
  constexpr std::int64_t kTrained = 50;
  TrainingRecords records;
  records.features.resize(corpus.modalities.size());
  records.is_cosine.assign(corpus.modalities.size(), false);
  records.patterns = all_patterns(corpus.modality_count());
  records.direct.assign(records.patterns.size(), std::vector<float>(kTrained, 1.0F));
  records.score.assign(records.patterns.size(), std::vector<float>(kTrained, 0.5F));
  records.indirect.assign(kTrained, 0.25F);
  for (std::int64_t i = 0; i < kTrained; ++i) {
    const auto& utterance = corpus.utterances[static_cast<std::size_t>(i)];
    records.ids.push_back(utterance.id);
    records.dialogues.emplace_back("d");
    records.transcripts.push_back(utterance.transcript);
    records.labels.push_back(utterance.label);
    records.present.push_back(corpus.present_pattern(i));
    for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
      const auto row = corpus.modalities[m].row(i);
      records.features[m].insert(records.features[m].end(), row.begin(), row.end());
    }
  }
  add_training_section(bundle, info, std::move(records));
  save_tensor_file(file, bundle);
}

TEST(Playground, WorksInABrowserWithKeyboardAndOnANarrowScreen) {
  HARDY_NEEDS_NPM();
  if (!std::filesystem::exists("/usr/bin/chromium")) {
    const char* ci = std::getenv("CI");
    ASSERT_FALSE(ci != nullptr && std::string(ci) == "true") << "Debian's chromium is missing";
    GTEST_SKIP() << "Debian's chromium is not installed";
  }
  const test::TempDir dir;
  ServeOptions options;
  options.model = dir.path() / "model";
  options.corpus = "demo";
  options.port = 0;
  save_demo_model(options.model);
  Service service(options);
  Server server(options, service);
  std::thread thread([&] { server.run([](const std::string&) {}); });
  const auto url = fmt::format("http://127.0.0.1:{}/", server.port());
  EXPECT_EQ(test::run_node("playground.mjs", {url, dir.path().string()}), 0);
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "playground-narrow.png"));
  server.stop();
  thread.join();
}

#ifdef HARDY_NPM_PROGRAM

TEST(Playground, TakesRecordingsFilesAndTheCamera) {
  HARDY_NEEDS_NPM();
  HARDY_NEEDS_FFMPEG();
  if (!std::filesystem::exists("/usr/bin/chromium")) {
    GTEST_SKIP() << "Debian's chromium is not installed";
  }
  const test::TempDir dir;
  const auto clip = dir.path() / "clip.mp4";
  ASSERT_TRUE(test::make_recording(
      test::pictures(2) + test::tone(2) + "-pix_fmt yuv420p -c:a aac -shortest", clip));
  BundleInfo info = test::bundle_info({88, 268, 270}, 3, EncoderConfig{});
  info.modalities[0].name = "acoustic";
  info.modalities[1].name = "textual";
  info.modalities[2].name = "visual";
  info.makers = {"hardy-acoustic-1", "hardy-text-1", "hardy-face-2"};
  const auto model = dir.path() / "model";
  save_tensor_file(model, test::random_bundle(info));
  EXPECT_EQ(test::run_node("playground_media.mjs",
                           {HARDY_NPM_PROGRAM, model.string(), clip.string(), dir.path().string()}),
            0);
}

#endif

}  // namespace
}  // namespace hardy
