// 3 x 3 convolutions with fewer products. Internal to backbones/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hardy {

/// Pictures of equal size. Shapes: data [count, height, width, channels] row-major.
struct PictureRows {
  const float* data = nullptr;
  std::int64_t count = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// A 3 x 3 convolution with zero padding and stride 1 that computes four outputs from 16 products
/// instead of 36 (Lavin and Gray, 2016: F(2 x 2, 3 x 3)). Its results differ from the usual order
/// of sums by rounding only, and a picture gives the same bytes alone and among others.
class TileConvolution {
 public:
  TileConvolution() = default;

  /// Shapes: weight [out, 3, 3, in].
  TileConvolution(std::span<const float> weight, std::int64_t in, std::int64_t out);

  [[nodiscard]] bool is_empty() const { return panels_.empty(); }

  /// Shapes: x [.., in], bias [out] -> y [count, height, width, out].
  void apply(const PictureRows& x, std::span<const float> bias, float* y) const;

 private:
  void take_tiles(const PictureRows& x, std::int64_t first, std::int64_t count,
                  float* planes) const;
  void give_tiles(const PictureRows& x, std::int64_t first, std::int64_t count,
                  const float* products, std::span<const float> bias, float* y) const;

  std::vector<float> panels_;  ///< 16 matrices, packed
  std::int64_t in_ = 0;
  std::int64_t out_ = 0;
};

}  // namespace hardy
