// Convolutions over pictures, channels last. Internal to backbones/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backbones/tile_convolution.h"
#include "backbones/weight_set.h"

namespace hardy {

/// Pictures of equal size. Shapes: values [count, height, width, channels] row-major.
struct FeaturePictures {
  std::int64_t count = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<float> values;

  FeaturePictures() = default;

  FeaturePictures(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c)
      : count(n),
        height(h),
        width(w),
        channels(c),
        values(static_cast<std::size_t>(n * h * w * c)) {}

  [[nodiscard]] std::int64_t places() const { return height * width; }

  [[nodiscard]] float* picture(std::int64_t i) { return values.data() + i * places() * channels; }

  [[nodiscard]] const float* picture(std::int64_t i) const {
    return values.data() + i * places() * channels;
  }
};

/// A square convolution with zero padding, with the following normalisation folded into its
/// weights.
class NormedConvolution {
 public:
  NormedConvolution() = default;

  /// Reads CONVOLUTION.weight [out, in, kernel, kernel] and NORM.{weight, bias, running_mean,
  /// running_var}. Throws ArtifactError.
  NormedConvolution(const WeightSet& weights, const std::string& convolution,
                    const std::string& norm, std::int64_t stride);

  [[nodiscard]] FeaturePictures apply(const FeaturePictures& x) const;

  [[nodiscard]] std::int64_t out() const { return out_; }

 private:
  void unfold(const float* picture, std::int64_t height, std::int64_t width, float* rows) const;

  TileConvolution tiles_;      ///< for 3 x 3 with stride 1
  std::vector<float> panels_;  ///< for others
  std::vector<float> bias_;
  std::int64_t out_ = 0;
  std::int64_t in_ = 0;
  std::int64_t kernel_ = 1;
  std::int64_t stride_ = 1;
};

void relu_pictures(FeaturePictures& x);

/// Maximum over 3 x 3 positions with stride 2; nothing beyond the picture.
FeaturePictures pool_largest(const FeaturePictures& x);

/// Channels [first, first + count).
FeaturePictures some_channels(const FeaturePictures& x, std::int64_t first, std::int64_t count);

/// Rows and columns from a corner on.
FeaturePictures crop(const FeaturePictures& x, std::int64_t top, std::int64_t left,
                     std::int64_t height, std::int64_t width);

void add_pictures(FeaturePictures& x, const FeaturePictures& y);

/// The mean over all positions. Shapes: -> [count, channels].
std::vector<float> mean_over_places(const FeaturePictures& x);

/// An RGB picture as PIL resizes it to `side` x `side`: bilinear over all pixels that it shrinks,
/// in whole numbers. Shapes: pixels [height, width, 3] -> [side, side, 3].
std::vector<std::uint8_t> resize_like_pil(const std::uint8_t* pixels, std::int64_t height,
                                          std::int64_t width, std::int64_t side);

}  // namespace hardy
