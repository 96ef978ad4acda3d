// Exported models in ONNX Runtime against the prediction runtime.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "export/onnx_export.h"
#include "tests/npm/npm.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kLongest = 9;

/// The utterances of several dialogues, padded to [B,T].
Json padded_feeds(const BundleInfo& info, const std::vector<UtteranceView>& views,
                  const std::vector<std::int64_t>& offsets) {
  const auto dialogues = static_cast<std::int64_t>(offsets.size()) - 1;
  Json feeds = Json::object();
  const auto each_place = [&](auto use) {
    for (std::int64_t b = 0; b < dialogues; ++b) {
      const auto first = offsets[static_cast<std::size_t>(b)];
      const auto length = offsets[static_cast<std::size_t>(b) + 1] - first;
      for (std::int64_t t = 0; t < kLongest; ++t) {
        use(t < length ? &views[static_cast<std::size_t>(first + t)] : nullptr);
      }
    }
  };
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    const auto& [name, width] = info.modalities[m];
    Json values = Json::array();
    Json mask = Json::array();
    each_place([&, columns = width, modality = m](const UtteranceView* view) {
      const float* features = view == nullptr ? nullptr : view->features[modality];
      mask.push_back(features == nullptr ? 0 : 1);
      // Absent features may have any value, here NaN.
      for (std::int64_t j = 0; j < columns; ++j) {
        values.push_back(features == nullptr ? Json(nullptr) : Json(features[j]));
      }
    });
    feeds[name] = {{"type", "float32"}, {"dims", {dialogues, kLongest, width}}, {"data", values}};
    feeds[name + "_mask"] = {{"type", "float32"}, {"dims", {dialogues, kLongest}}, {"data", mask}};
  }
  if (info.encoder.speaker == SpeakerBias::kRelation) {
    Json speakers = Json::array();
    each_place([&](const UtteranceView* view) {
      speakers.push_back(view == nullptr ? 0 : view->speaker);
    });
    feeds["speakers"] = {{"type", "int64"}, {"dims", {dialogues, kLongest}}, {"data", speakers}};
  }
  return feeds;
}

/// The largest difference to our own probabilities (or values), relative beyond one.
double compare(BundleInfo info) {
  if (info.is_classification()) info.calibrations.push_back({Pattern(0b1), 50, 2.0, 0.1});
  if (info.is_classification() && info.modalities.size() > 1) {
    info.calibrations.push_back({Pattern(0b11), 50, 0.5, 0.1});
  }
  const test::TempDir dir;
  const auto recogniser = test::random_recogniser(info, dir.path() / "model");
  write_file_atomically(dir.path() / "model.onnx", export_onnx(dir.path() / "model"));
  const std::vector<std::vector<std::int64_t>> shapes = {{0, 9, 10, 14}, {0, 9}};
  Json feeds = Json::array();
  std::vector<test::RandomUtterances> data;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    data.emplace_back(info, static_cast<std::size_t>(shapes[i].back()), 20 + i);
    feeds.push_back(padded_feeds(info, data[i].views, shapes[i]));
  }
  write_file_atomically(dir.path() / "feeds.json", feeds.dump());
  EXPECT_EQ(test::run_node("run_onnx.mjs", {(dir.path() / "model.onnx").string(),
                                            (dir.path() / "feeds.json").string(),
                                            (dir.path() / "outputs.json").string()}),
            0);
  const auto outputs = Json::parse(read_text_file(dir.path() / "outputs.json"));
  Workspace workspace;
  double worst = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto ours = recogniser.predict(data[i].views, shapes[i], workspace);
    const auto& theirs = outputs[i][info.is_classification() ? "probabilities" : "logits"]["data"];
    const auto logits = outputs[i]["logits"]["data"];
    const auto& raw = outputs[i][info.is_classification() ? "raw_probabilities" : "logits"]["data"];
    for (std::size_t b = 0; b + 1 < shapes[i].size(); ++b) {
      for (auto row = shapes[i][b]; row < shapes[i][b + 1]; ++row) {
        const auto place = static_cast<std::int64_t>(b) * kLongest + row - shapes[i][b];
        for (std::int64_t c = 0; c < ours.outputs; ++c) {
          const auto at = static_cast<std::size_t>(place * ours.outputs + c);
          const auto own = static_cast<std::size_t>(row * ours.outputs + c);
          const double expected = static_cast<double>(ours.logits[own]);
          worst = std::max(worst, std::abs(logits[at].get<double>() - expected) /
                                      std::max(1.0, std::abs(expected)));
          worst = std::max(worst, std::abs(theirs[at].get<double>() -
                                           static_cast<double>(ours.probabilities[own])) /
                                      std::max(1.0, std::abs(expected)));
          worst = std::max(worst, std::abs(raw[at].get<double>() -
                                           static_cast<double>(ours.raw_probabilities[own])) /
                                      std::max(1.0, std::abs(expected)));
        }
      }
    }
  }
  return worst;
}

TEST(Onnx, AgreesWithOurOutputsForEveryEncoderOption) {
  HARDY_NEEDS_NPM();
  double worst = 0;
  for (const auto norm : {Norm::kNone, Norm::kLayer}) {
    for (const auto position : {Position::kNone, Position::kRelative}) {
      for (const auto speaker : {SpeakerBias::kNone, SpeakerBias::kRelation}) {
        SCOPED_TRACE(fmt::format("{} {} {}", word_of(norm), word_of(position), word_of(speaker)));
        EncoderConfig encoder;
        encoder.hidden = 24;
        encoder.depth = 2;
        encoder.heads = 3;
        encoder.decoder_width = 16;
        encoder.norm = norm;
        encoder.position = position;
        encoder.speaker = speaker;
        auto info = test::bundle_info({7, 5, 6}, 4, encoder);
        info.limits_features = encoder.norm == Norm::kLayer;
        const double difference = compare(info);
        EXPECT_LT(difference, 1e-5);
        worst = std::max(worst, difference);
      }
    }
  }
  RecordProperty("largest difference", fmt::format("{}", worst));
}

TEST(Onnx, AgreesForModelsOfTunedFeatures) {
  HARDY_NEEDS_NPM();
  EncoderConfig small;
  small.hidden = 24;
  small.depth = 2;
  small.heads = 3;
  for (const auto& widths : {std::vector<std::int64_t>{7}, {7, 5}, {7, 5, 6}, {3, 1, 4, 2, 5, 6}}) {
    auto info = test::bundle_info(widths, widths.size() == 2 ? 0 : 4, small);
    info.reads_tuned = true;
    EXPECT_LT(compare(info), 1e-5) << widths.size();
  }
  auto full = test::bundle_info({512, 1024, 1024}, 4, EncoderConfig{});
  full.reads_tuned = true;
  full.limits_features = true;
  const double difference = compare(full);
  EXPECT_LT(difference, 1e-5);
  std::printf("ONNX Runtime at IEMOCAP widths, tuned features: largest difference %.2g\n",
              difference);
}

TEST(Onnx, AgreesForTwoModalitiesAndAValueAndAtFullSize) {
  HARDY_NEEDS_NPM();
  EncoderConfig small;
  small.hidden = 16;
  small.depth = 1;
  small.decoder = Decoder::kLinear;
  EXPECT_LT(compare(test::bundle_info({7, 5}, 0, small)), 1e-5);
  EncoderConfig full;
  full.hidden = 256;
  full.depth = 4;
  auto info = test::bundle_info({512, 1024, 1024}, 4, full);
  info.limits_features = true;
  const double difference = compare(info);
  EXPECT_LT(difference, 1e-5);
  std::printf("ONNX Runtime at IEMOCAP widths: largest difference %.2g\n", difference);
}

}  // namespace
}  // namespace hardy
