#include "media/manet_extractor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "backbones/manet.h"
#include "backbones/picture_layers.h"
#include "hardy/errors.h"
#include "media/face_finder.h"

namespace hardy {
namespace {

/// Faces that go through the network together: its late layers have few places each.
constexpr std::size_t kFacesTogether = 8;
constexpr std::size_t kHashLength = 12;

class ManetSummary final : public PictureSummary {
 public:
  ManetSummary(const FaceFinder& finder, const Manet& network, bool counts_missing)
      : finder_(finder), network_(network), counts_missing_(counts_missing) {}

  void add(const Picture& picture) override {
    const cv::Mat bgr(picture.height, picture.width, CV_8UC3,
                      const_cast<std::uint8_t*>(picture.pixels.data()));
    cv::Mat gray;
    cv::cvtColor(bgr, gray, cv::COLOR_BGR2GRAY);
    const cv::Rect face = finder_.find(gray);
    if (face.area() > 0) {
      ++found_;
      cv::Mat rgb;
      cv::cvtColor(bgr(face), rgb, cv::COLOR_BGR2RGB);
      waiting_.push_back(resize_like_pil(rgb.data, rgb.rows, rgb.cols, kManetSide));
    } else if (counts_missing_) {
      waiting_.emplace_back(static_cast<std::size_t>(kManetSide * kManetSide * 3), 0);
    }
    if (waiting_.size() >= kFacesTogether) add_waiting(sums_, waiting_, network_);
  }

  [[nodiscard]] std::int64_t found() const override { return found_; }

  [[nodiscard]] std::vector<float> finish() const override {
    auto sums = sums_;
    auto waiting = waiting_;
    add_waiting(sums, waiting, network_);
    if (sums.count == 0) throw DataError("no face was found in its pictures");
    std::vector<float> mean;
    for (const double sum : sums.values) {
      mean.push_back(static_cast<float>(sum / static_cast<double>(sums.count)));
    }
    return mean;
  }

 private:
  struct Sums {
    std::vector<double> values;
    std::int64_t count = 0;
  };

  static void add_waiting(Sums& sums, std::vector<std::vector<std::uint8_t>>& waiting,
                          const Manet& network) {
    if (waiting.empty()) return;
    const auto embedded = network.embed(waiting);
    const auto width = static_cast<std::size_t>(network.width());
    sums.values.resize(width);
    for (std::size_t i = 0; i < embedded.size(); ++i) {
      sums.values[i % width] += static_cast<double>(embedded[i]);
    }
    sums.count += static_cast<std::int64_t>(waiting.size());
    waiting.clear();
  }

  const FaceFinder& finder_;
  const Manet& network_;
  bool counts_missing_;
  std::vector<std::vector<std::uint8_t>> waiting_;
  Sums sums_;
  std::int64_t found_ = 0;
};

class ManetExtractor final : public PictureExtractor {
 public:
  ManetExtractor(const BackboneFiles& files, WeightSet weights)
      : counts_missing_(files.like == "gcnet"),
        maker_(fmt::format("manet-{}-{}{}", weights.checksum().substr(0, kHashLength),
                           files.is_manet_since_2023 ? "since-2023" : "before-2023",
                           counts_missing_ ? "-black" : "")),
        finder_(files.cascade.string()),
        network_(std::move(weights),
                 files.is_manet_since_2023 ? ManetOrder::kSince2023 : ManetOrder::kBefore2023) {}

  [[nodiscard]] std::string maker() const override { return maker_; }

  [[nodiscard]] std::int64_t width() const override { return network_.width(); }

  [[nodiscard]] PixelForm form() const override { return PixelForm::kBgr; }

  [[nodiscard]] std::unique_ptr<PictureSummary> start() const override {
    return std::make_unique<ManetSummary>(finder_, network_, counts_missing_);
  }

 private:
  bool counts_missing_;
  std::string maker_;
  FaceFinder finder_;
  Manet network_;
};

}  // namespace

std::shared_ptr<const PictureExtractor> make_manet_extractor(const BackboneFiles& files) {
  return std::make_shared<ManetExtractor>(files, WeightSet::open(files.pictures));
}

}  // namespace hardy
