// Face detection with OpenCV's cascade on a smaller picture. Internal to media/.
#pragma once

#include <string>

#include <opencv2/core.hpp>
#include <opencv2/objdetect.hpp>

namespace hardy {

class FaceFinder {
 public:
  /// `cascade`: empty = opencv-data's. Throws ArtifactError.
  explicit FaceFinder(const std::string& cascade);

  /// The largest face, the first of equally large ones; an empty box when there is none.
  [[nodiscard]] cv::Rect find(const cv::Mat& gray) const;

 private:
  mutable cv::CascadeClassifier detector_;  // detection changes its buffers only
};

}  // namespace hardy
