// The public prediction interface: subsets, streams, errors, threads, memory.
#include "hardy/recogniser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <thread>
#include <vector>

#include "base/files.h"
#include "hardy/errors.h"
#include "hardy/stream.h"
#include "tests/support/count_allocations.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::RandomUtterances;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

EncoderConfig small_encoder(std::int64_t depth = 2) {
  EncoderConfig encoder;
  encoder.hidden = 24;
  encoder.depth = depth;
  encoder.heads = 3;
  encoder.decoder_width = 40;
  return encoder;
}

const std::vector<std::int64_t> kWidths = {19, 8, 33};

BundleInfo description(const EncoderConfig& encoder, int classes, bool reads_tuned) {
  auto info = test::bundle_info(kWidths, classes, encoder);
  info.reads_tuned = reads_tuned;
  info.limits_features = true;
  return info;
}

/// A model in its own folder.
struct Model {
  test::TempDir dir;
  BundleInfo info;
  Recogniser recogniser;

  explicit Model(const EncoderConfig& encoder = small_encoder(), int classes = 4,
                 bool reads_tuned = false)
      : info(description(encoder, classes, reads_tuned)),
        recogniser(test::random_recogniser(info, dir.path() / "model.safetensors")) {}
};

/// A file of /proc, whose size is unknown before it is read.
std::string read_text_file_of_system(const char* file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

template <typename Thrown, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Thrown& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Recogniser, DialoguesOfOneCallDoNotSeeEachOther) {
  const Model model;
  const RandomUtterances data(model.info, 11, 5);
  Workspace workspace;
  const std::vector<std::int64_t> offsets = {0, 4, 4, 5, 11};
  const auto together = model.recogniser.predict(data.views, offsets, workspace);
  const std::vector<float> all(together.logits.begin(), together.logits.end());
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
    const auto first = static_cast<std::size_t>(offsets[d]);
    const auto count = static_cast<std::size_t>(offsets[d + 1]) - first;
    const auto alone =
        model.recogniser.predict(std::span(data.views).subspan(first, count), workspace);
    ASSERT_EQ(alone.count, static_cast<std::int64_t>(count));
    for (std::size_t i = 0; i < count * 4; ++i) {
      EXPECT_NEAR(alone.logits[i], all[first * 4 + i], 1e-5);
    }
  }
}

TEST(Recogniser, WhatIsNotAvailableCannotInfluenceAnything) {
  const Model model;
  RandomUtterances data(model.info, 5, 6, Pattern::complete(3));
  Workspace workspace;
  PredictOptions options;
  options.available = Pattern(0b101);
  const auto hidden = model.recogniser.predict(data.views, workspace, options);
  const std::vector<float> expected(hidden.logits.begin(), hidden.logits.end());
  EXPECT_EQ(hidden.used[0], Pattern(0b101));
  for (float& value : data.features[1]) value = 1e30F;
  const auto changed = model.recogniser.predict(data.views, workspace, options);
  EXPECT_EQ(std::vector<float>(changed.logits.begin(), changed.logits.end()), expected);
  for (auto& view : data.views) view.features[1] = nullptr;
  const auto absent = model.recogniser.predict(data.views, workspace);
  EXPECT_EQ(std::vector<float>(absent.logits.begin(), absent.logits.end()), expected);
}

TEST(Recogniser, CountsFeaturesThatItHadToCut) {
  const Model model;
  RandomUtterances data(model.info, 4, 6, Pattern(0b111));
  // Inside the clip range, except two features of utterance 2.
  const auto file = load_tensor_file(model.dir.path() / "model.safetensors");
  for (std::size_t m = 0; m < 3; ++m) {
    const auto mean = file.floats("scaling." + model.info.modalities[m].name + ".mean");
    for (std::size_t i = 0; i < data.features[m].size(); ++i) {
      data.features[m][i] = mean[i % mean.size()];
    }
  }
  const auto width = static_cast<std::size_t>(model.info.modalities[1].width);
  data.features[1][2 * width] = 1e30F;
  data.features[1][2 * width + 1] = -1e30F;
  Workspace workspace;
  const auto counts = [](const Predictions& predictions) {
    return std::vector<std::int64_t>(predictions.limited.begin(), predictions.limited.end());
  };
  EXPECT_EQ(counts(model.recogniser.predict(data.views, workspace)),
            (std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0}));
  PredictOptions without;
  without.available = Pattern(0b101);
  EXPECT_EQ(counts(model.recogniser.predict(data.views, workspace, without)),
            std::vector<std::int64_t>(12, 0));
  DialogueStream stream(model.recogniser);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(counts(stream.add_turn(data.views[i], workspace)),
              (std::vector<std::int64_t>{0, i == 2 ? 2 : 0, 0}));
  }
}

TEST(Recogniser, ProbabilitiesLabelsAndCalibratedConfidenceAgree) {
  const test::TempDir dir;
  auto info = test::bundle_info(kWidths, 4, small_encoder());
  info.calibrations.push_back({Pattern(0b111), 50, 2.0, 0.1});
  const auto recogniser = test::random_recogniser(info, dir.path() / "model");
  const RandomUtterances complete(info, 6, 7, Pattern(0b111));
  Workspace workspace;
  const auto predictions = recogniser.predict(complete.views, workspace);
  for (std::int64_t i = 0; i < predictions.count; ++i) {
    const auto row = predictions.row(i);
    const auto raw = predictions.raw_probabilities.subspan(static_cast<std::size_t>(4 * i), 4);
    double sum = 0;
    double raw_sum = 0;
    double warm = 0;
    const auto label = static_cast<std::size_t>(predictions.labels[static_cast<std::size_t>(i)]);
    for (std::size_t c = 0; c < 4; ++c) {
      EXPECT_LE(row[c], row[label]);
      sum += static_cast<double>(row[c]);
      raw_sum += static_cast<double>(raw[c]);
      warm += std::sqrt(static_cast<double>(raw[c]));  // softmax(z / 2) is proportional to sqrt(p)
    }
    EXPECT_NEAR(sum, 1, 1e-6);
    EXPECT_NEAR(raw_sum, 1, 1e-6);
    for (std::size_t c = 0; c < 4; ++c) {
      EXPECT_NEAR(row[c], std::sqrt(static_cast<double>(raw[c])) / warm, 1e-5);
    }
    EXPECT_EQ(predictions.confidence[static_cast<std::size_t>(i)], row[label]);
    EXPECT_EQ(predictions.calibrated[static_cast<std::size_t>(i)], 1);
  }
  const RandomUtterances partial(info, 1, 7, Pattern(0b001));
  const auto uncalibrated = recogniser.predict(partial.views, workspace);
  EXPECT_EQ(uncalibrated.calibrated[0], 0);
  const auto label = static_cast<std::size_t>(uncalibrated.labels[0]);
  EXPECT_FLOAT_EQ(uncalibrated.confidence[0], uncalibrated.row(0)[label]);
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_EQ(uncalibrated.row(0)[c], uncalibrated.raw_probabilities[c]);
  }
}

TEST(Recogniser, ReconstructsOnlyWhatSomebodyLacks) {
  const Model model;
  const RandomUtterances data(model.info, 3, 8, Pattern(0b011));
  Workspace workspace;
  PredictOptions options;
  options.reconstructs = true;
  const auto predictions = model.recogniser.predict(data.views, workspace, options);
  EXPECT_TRUE(predictions.reconstruction[0].empty());
  EXPECT_TRUE(predictions.reconstruction[1].empty());
  ASSERT_EQ(predictions.reconstruction[2].size(), 3U * 33U);
}

class Allocations : public testing::TestWithParam<bool> {};

TEST_P(Allocations, AreNoneOnceTheSizeWasSeen) {
  const Model model(small_encoder(), 4, GetParam());
  const RandomUtterances data(model.info, 20, 9);
  Workspace workspace;
  PredictOptions options;
  options.reconstructs = true;
  const auto run = [&] {
    (void)model.recogniser.predict(data.views, workspace, options);
    (void)model.recogniser.predict(std::span(data.views).first(1), workspace, options);
  };
  run();
  run();
  const auto before = test::allocation_count();
  for (int i = 0; i < 50; ++i) run();
  const auto after = test::allocation_count();
  EXPECT_EQ(after - before, 0);

  DialogueInput input(model.info);
  const std::vector<float> values(19, 1.0F);
  const auto fill = [&] {
    input.clear();
    for (int i = 0; i < 5; ++i) input.add({{"m0", values}}, i % 2 == 0 ? "somebody" : "another");
    (void)model.recogniser.predict(input.utterances(), workspace);
  };
  fill();
  const auto start = test::allocation_count();
  for (int i = 0; i < 50; ++i) fill();
  const auto end = test::allocation_count();
  EXPECT_EQ(end - start, 0);
}

INSTANTIATE_TEST_SUITE_P(PlainAndTuned, Allocations, testing::Bool());

TEST(Recogniser, ServesSeveralThreadsWithTheSameAnswers) {
  const Model model;
  const RandomUtterances data(model.info, 30, 10);
  Workspace workspace;
  const auto expected_view = model.recogniser.predict(data.views, workspace);
  const std::vector<float> expected(expected_view.logits.begin(), expected_view.logits.end());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Workspace own;
      for (int i = 0; i < 20; ++i) {
        const auto predictions = model.recogniser.predict(data.views, own);
        if (!std::equal(expected.begin(), expected.end(), predictions.logits.begin())) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

class Stream : public testing::TestWithParam<std::tuple<int, Norm, bool>> {};

TEST_P(Stream, EveryTurnEqualsTheLastUtteranceOfThePrefix) {
  EncoderConfig encoder = small_encoder(std::get<0>(GetParam()));
  encoder.norm = std::get<1>(GetParam());
  encoder.position = encoder.norm == Norm::kLayer ? Position::kRelative : Position::kNone;
  encoder.speaker = encoder.norm == Norm::kLayer ? SpeakerBias::kRelation : SpeakerBias::kNone;
  const Model model(encoder, 4, std::get<2>(GetParam()));
  const RandomUtterances data(model.info, 14, 11);
  DialogueStream stream(model.recogniser);
  Workspace workspace;
  Workspace other;
  for (std::size_t turn = 0; turn < data.views.size(); ++turn) {
    const auto streamed = stream.add_turn(data.views[turn], workspace);
    const auto prefix = model.recogniser.predict(std::span(data.views).first(turn + 1), other);
    EXPECT_EQ(streamed.used[0], prefix.used[turn]);
    for (std::size_t c = 0; c < 4; ++c) {
      EXPECT_NEAR(streamed.logits[c], prefix.logits[turn * 4 + c], 1e-5) << "turn " << turn;
    }
  }
  EXPECT_EQ(stream.size(), 14);
  EXPECT_GT(stream.bytes(), 0);
}

INSTANTIATE_TEST_SUITE_P(DepthsAndNorms, Stream,
                         testing::Combine(testing::Values(0, 1, 2, 4),
                                          testing::Values(Norm::kNone, Norm::kLayer),
                                          testing::Bool()));

TEST(Recogniser, InputErrorsNameTheFieldAndTheRemedy) {
  const Model model;
  DialogueInput input(model.info);
  const std::vector<float> right(19, 0.5F);
  const std::vector<float> narrow(18, 0.5F);
  std::vector<float> broken = right;
  broken[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message_of<ShapeError>([&] {
                input.add({{"m0", narrow}});
              }),
              HasSubstr("modality 'm0' has 18 values, the model reads 19"));
  EXPECT_THAT(message_of<ConfigError>([&] {
                input.add({{"mo", right}});
              }),
              HasSubstr("unknown modality 'mo'; this model knows m0, m1, m2"));
  EXPECT_THAT(message_of<ConfigError>([&] {
                input.add({{"m0", right}, {"m0", right}});
              }),
              HasSubstr("'m0' is given twice"));
  EXPECT_THAT(message_of<DataError>([&] { input.add({{"m0", broken}}); }), HasSubstr("NaN"));
  EXPECT_THAT(message_of<DataError>([&] { input.add({}); }), HasSubstr("no modality"));
  EXPECT_EQ(input.size(), 0);
  input.add({{"m0", right}});
  EXPECT_EQ(input.size(), 1);

  Workspace workspace;
  UtteranceView bad;
  bad.features[0] = broken.data();
  EXPECT_THAT(message_of<DataError>([&] {
                (void)model.recogniser.predict({&bad, 1}, workspace);
              }),
              HasSubstr("utterance 0: modality 'm0'"));
  const std::vector<std::int64_t> offsets = {0, 2};
  EXPECT_THROW((void)model.recogniser.predict(input.utterances(), offsets, workspace), ShapeError);
  EXPECT_EQ(model.recogniser.predict({}, workspace).count, 0);
  DialogueStream stream(model.recogniser);
  EXPECT_THROW((void)stream.add_turn(bad, workspace), DataError);
  EXPECT_EQ(stream.size(), 0);
}

TEST(Recogniser, FeaturesTooLargeForAnAnswerAreRefusedAndForgotten) {
  const test::TempDir dir;
  const auto info = test::bundle_info(kWidths, 4, small_encoder());
  save_tensor_file(dir / "model", test::overflowing_bundle(info));
  const auto recogniser = Recogniser::load(dir / "model");
  const RandomUtterances data(info, 3, 5);
  const std::vector<float> huge(19, 3e38F);
  UtteranceView bad;
  bad.features[0] = huge.data();
  Workspace workspace;
  const std::vector<UtteranceView> two = {data.views[0], bad};
  const std::vector<std::int64_t> apart = {0, 1, 2};
  EXPECT_THAT(message_of<DataError>([&] { (void)recogniser.predict(two, apart, workspace); }),
              HasSubstr("utterance 1: no answer can be computed"));
  DialogueStream stream(recogniser);
  DialogueStream undisturbed(recogniser);
  for (const auto& turn : data.views) {
    EXPECT_THAT(message_of<DataError>([&] { (void)stream.add_turn(bad, workspace); }),
                HasSubstr("too large"));
    const auto answer = stream.add_turn(turn, workspace);
    const std::vector<float> logits(answer.logits.begin(), answer.logits.end());
    EXPECT_THAT(undisturbed.add_turn(turn, workspace).logits, ::testing::ElementsAreArray(logits));
  }
  EXPECT_EQ(stream.size(), 3);
}

TEST(Recogniser, ACopiedModelIsTheSameAndNeedsNoFile) {
  const Model model;
  const auto file = model.dir.path() / "model.safetensors";
  const auto copied = Recogniser::load(file, Residence::kCopied);
  EXPECT_EQ(copied.fingerprint(), model.recogniser.fingerprint());
  const auto moved = model.dir.path() / "elsewhere";
  std::filesystem::copy_file(file, moved);
  const auto victim = Recogniser::load(moved, Residence::kCopied);
  std::filesystem::resize_file(moved, 0);
  const RandomUtterances data(model.info, 3, 2);
  Workspace one;
  Workspace two;
  const auto expected = model.recogniser.predict(data.views, one);
  const auto answered = victim.predict(data.views, two);
  EXPECT_TRUE(std::equal(expected.logits.begin(), expected.logits.end(), answered.logits.begin()));
}

/// Resident memory of this process in bytes.
std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t pages = 0;
  statm >> pages >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

TEST(Recogniser, KeepsItsWeightsOnce) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep memory of their own";
#endif
  const test::TempDir dir;
  EncoderConfig encoder;
  encoder.hidden = 256;
  encoder.depth = 4;
  const auto file = dir.path() / "model";
  save_tensor_file(file, test::random_bundle(test::bundle_info({512, 1024, 1024}, 4, encoder)));
  const auto size = static_cast<double>(std::filesystem::file_size(file));
  for (const auto residence : {Residence::kMapped, Residence::kCopied}) {
    ::malloc_trim(0);
    const auto before = resident_bytes();
    const auto recogniser = Recogniser::load(file, residence);
    const auto grown = static_cast<double>(resident_bytes() - before);
    EXPECT_GT(grown, 0.5 * size);
    EXPECT_LT(grown, 1.2 * size);
  }
}

TEST(Recogniser, LinksNoLibtorch) {
  const auto maps = read_text_file_of_system("/proc/self/maps");
  EXPECT_THAT(maps, HasSubstr("libfmt"));  // the right file was read
  EXPECT_THAT(maps, Not(HasSubstr("libtorch")));
  EXPECT_THAT(maps, Not(HasSubstr("libdnnl")));
}

TEST(Example, ExplainsWhatItPredicted) {
  const Model model;
  const auto out = model.dir.path() / "out.txt";
  const auto command = std::string(HARDY_EXAMPLE_EXPLAIN) + " '" +
                       (model.dir.path() / "model.safetensors").string() + "' > '" + out.string() +
                       "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(read_text_file(out),
              MatchesRegex("m0 [-+][.0-9]+\nm1 [-+][.0-9]+\nm2 [-+][.0-9]+\n"));
}

TEST(Example, PrintsWhatItPromises) {
  const Model model;
  const auto out = model.dir.path() / "out.txt";
  const auto command = std::string(HARDY_EXAMPLE_PREDICT) + " '" +
                       (model.dir.path() / "model.safetensors").string() + "' > '" + out.string() +
                       "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(read_text_file(out),
              ::testing::MatchesRegex("turn 1: class[0-3], confidence 0[.0-9]+\n"
                                      "turn 2: class[0-3], confidence 0[.0-9]+\n"));
}

TEST(Bundle, SurvivesTheWayThroughAFile) {
  auto info = test::bundle_info(kWidths, 4, small_encoder());
  info.track = "specialist";
  info.trained = Pattern(0b010);
  info.fold = 3;
  info.seed = 7;
  info.calibrations.push_back({Pattern(0b010), 50, 1.5, 0.1});
  info.scores.push_back({"test", Pattern(0b010), 99, {{"wa", 0.5}}});
  info.test_dialogues = {4, 5};
  TensorFile file;
  set_bundle_info(file, info);
  const auto read = read_bundle_info(view_of(file), "name");
  EXPECT_EQ(read.trained, info.trained);
  EXPECT_EQ(read.class_names, info.class_names);
  EXPECT_EQ(read.modality_names(), info.modality_names());
  EXPECT_EQ(read.encoder.heads, 3);
  EXPECT_EQ(read.test_dialogues, info.test_dialogues);
  ASSERT_NE(read.calibration(Pattern(0b010)), nullptr);
  EXPECT_DOUBLE_EQ(read.calibration(Pattern(0b010))->temperature, 1.5);
  EXPECT_EQ(read.calibration(Pattern(0b111)), nullptr);
  EXPECT_DOUBLE_EQ(read.scores.at(0).metrics.at("wa"), 0.5);
}

/// The error for a bundle with a changed description.
std::string complaint(const std::string& from, const std::string& to) {
  const test::TempDir dir;
  auto file = test::random_bundle(test::bundle_info(kWidths, 4, small_encoder()));
  auto& text = file.metadata.at("hardy.model");
  const auto place = text.find(from);
  if (place == std::string::npos) return "not in the description: " + text;
  text.replace(place, from.size(), to);
  save_tensor_file(dir.path() / "model", file);
  return message_of<ArtifactError>([&] { (void)Recogniser::load(dir.path() / "model"); });
}

TEST(Bundle, RefusesByNameWhatItCannotRun) {
  EXPECT_THAT(complaint("\"format\":2", "\"format\":6"), HasSubstr("format 6 is newer than the 5"));
  EXPECT_THAT(complaint("hardy-mer", "momke"), HasSubstr("method 'momke'"));
  EXPECT_THAT(complaint("\"norm\":\"none\"", "\"norm\":\"batch\""), HasSubstr("norm = 'batch'"));
  EXPECT_THAT(complaint("\"heads\":3", "\"heads\":5"), HasSubstr("no multiple of its 5 heads"));
  EXPECT_THAT(complaint("\"width\":19", "\"width\":20"), HasSubstr("expected [20]"));
  EXPECT_THAT(complaint("\"name\":\"m1\"", "\"name\":\"m0\""), HasSubstr("not unique"));
  EXPECT_THAT(complaint("\"fold\":0", "\"fold\":\"x\""), HasSubstr("description is damaged"));
  EXPECT_THAT(complaint("\"hidden\":24", "\"hidden\":-24"), HasSubstr("outside of"));
}

TEST(Bundle, HasTheOldestFormatThatSaysWhatItIs) {
  for (const bool limits_features : {false, true}) {
    for (const bool reads_tuned : {false, true}) {
      TensorFile file;
      auto info = description(small_encoder(), 4, reads_tuned);
      info.limits_features = limits_features;
      set_bundle_info(file, info);
      const auto read = read_bundle_info(view_of(file), "name");
      EXPECT_EQ(read.reads_tuned, reads_tuned);
      EXPECT_EQ(read.limits_features, limits_features);
      EXPECT_EQ(read.format, limits_features ? 4 : reads_tuned ? 3 : 2);
    }
  }
}

TEST(Bundle, NamesTheLimitsThatItLacks) {
  const test::TempDir dir;
  auto info = description(small_encoder(), 4, false);
  info.limits_features = true;
  auto file = test::random_bundle(info);
  file.arrays.erase("scaling.m1.highest");
  save_tensor_file(dir.path() / "model", file);
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)Recogniser::load(dir.path() / "model"); }),
              HasSubstr("scaling.m1.highest"));
}

/// The error for a model of tuned features with a changed file.
std::string tuned_complaint(const std::function<void(TensorFile&)>& change) {
  const test::TempDir dir;
  auto file = test::random_bundle(description(small_encoder(), 4, true));
  change(file);
  save_tensor_file(dir.path() / "model", file);
  return message_of<ArtifactError>([&] { (void)Recogniser::load(dir.path() / "model"); });
}

TEST(Bundle, RefusesTuningNetsThatAreMissingOrOfAnotherShapeByName) {
  for (const std::string name : {"tuning.m0.adapter1.weight", "tuning.m1.adapter1.bias",
                                 "tuning.m2.adapter2.weight", "tuning.m2.adapter2.bias"}) {
    EXPECT_THAT(tuned_complaint([&](TensorFile& file) { file.arrays.erase(name); }),
                HasSubstr("no array '" + name + "'"));
    EXPECT_THAT(tuned_complaint([&](TensorFile& file) {
                  file.arrays.erase(name);
                  file.add(name, {1}, std::vector<float>{0.5F});
                }),
                HasSubstr("array '" + name + "' has shape [1], expected ["));
  }
  EXPECT_THAT(tuned_complaint([](TensorFile& file) {
                auto& text = file.metadata.at("hardy.model");
                const std::string tuned = "\"input\":\"tuned\"";
                text.replace(text.find(tuned), tuned.size(), "\"input\":\"pitch\"");
              }),
              HasSubstr("input = 'pitch'"));
  EXPECT_EQ(tuned_complaint([](TensorFile&) {}), "nothing was thrown");
}

TEST(Bundle, RefusesDamagedForeignAndMissingFiles) {
  const test::TempDir dir;
  const auto path = dir.path() / "model";
  save_tensor_file(path, test::random_bundle(test::bundle_info(kWidths, 4, small_encoder())));
  auto bytes = read_text_file(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file_atomically(path, bytes);
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)Recogniser::load(path); }),
              HasSubstr("checksum"));
  write_file_atomically(path, std::string_view(bytes).substr(0, bytes.size() - 7));
  EXPECT_THROW((void)Recogniser::load(path), ArtifactError);
  write_file_atomically(path, std::string_view());
  EXPECT_THROW((void)Recogniser::load(path), ArtifactError);
  save_tensor_file(path, TensorFile{});
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)Recogniser::load(path); }),
              HasSubstr("no hardy model"));
  EXPECT_THAT(message_of<ArtifactError>([&] { (void)Recogniser::load(dir.path() / "none"); }),
              HasSubstr("no such file"));
  EXPECT_THROW((void)Recogniser::load(dir.path()), ArtifactError);
}

TEST(Bundle, ReadsTheFormatBeforeThisOne) {
  const test::TempDir dir;
  auto file = test::random_bundle(test::bundle_info(kWidths, 4, small_encoder()));
  file.metadata["hardy.model"] =
      R"({"format":1,"track":"unified","trained":7,"fold":0,"seed":1,"modalities":["m0","m1",)"
      R"("m2"],"classes":["a","b","c","d"],"data":{"name":"x","checksum":"y","synthetic":true},)"
      R"("test_dialogues":[1]})";
  file.metadata["hardy.config"] =
      "[recogniser.encoder]\nhidden = 24\ndepth = 2\nheads = 3\ndecoder_width = 40\n";
  save_tensor_file(dir.path() / "old", file);
  const auto recogniser = Recogniser::load(dir.path() / "old");
  EXPECT_EQ(recogniser.info().format, 1);
  EXPECT_EQ(recogniser.info().modalities[2].width, 33);
  const RandomUtterances data(recogniser.info(), 2, 3);
  Workspace workspace;
  EXPECT_EQ(recogniser.predict(data.views, workspace).outputs, 4);
}

}  // namespace
}  // namespace hardy
