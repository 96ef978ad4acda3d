#include "media/face_finder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr const char* kDefaultCascade =
    "/usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml";
/// Detection uses pictures of at most this height; a face smaller than a seventh is not found.
constexpr int kDetectionHeight = 240;
constexpr int kSmallestFace = 34;
constexpr double kScaleStep = 1.3;
constexpr int kNeighbours = 2;

}  // namespace

FaceFinder::FaceFinder(const std::string& cascade) {
  cv::setNumThreads(1);  // recordings are processed in parallel already
  const std::string file = cascade.empty() ? kDefaultCascade : cascade;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw ArtifactError(fmt::format(
        "{}: no such face detector; install opencv-data, or name a cascade with --cascade", file));
  }
  if (!detector_.load(file)) {
    throw ArtifactError(fmt::format("{}: cannot be read as a cascade", file));
  }
}

cv::Rect FaceFinder::find(const cv::Mat& gray) const {
  const double shrink =
      std::min(1.0, static_cast<double>(kDetectionHeight) / static_cast<double>(gray.rows));
  cv::Mat small;
  cv::resize(gray, small, cv::Size(), shrink, shrink, cv::INTER_AREA);
  std::vector<cv::Rect> boxes;
  detector_.detectMultiScale(small, boxes, kScaleStep, kNeighbours, 0,
                             cv::Size(kSmallestFace, kSmallestFace));
  if (boxes.empty()) return {};
  // The nearest person is usually the speaker.
  const auto best =
      std::max_element(boxes.begin(), boxes.end(),
                       [](const cv::Rect& x, const cv::Rect& y) { return x.area() < y.area(); });
  const auto scaled = [&](int value) { return static_cast<int>(std::lround(value / shrink)); };
  return cv::Rect(scaled(best->x), scaled(best->y), scaled(best->width), scaled(best->height)) &
         cv::Rect(0, 0, gray.cols, gray.rows);
}

}  // namespace hardy
