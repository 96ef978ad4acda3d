#include "backbones/tile_convolution.h"

#include <algorithm>

#include "kernels/panels.h"

namespace hardy {
namespace {

constexpr std::int64_t kPlanes = 16;
constexpr std::int64_t kLanes = 8;
/// Rows of a tile of products.
constexpr std::int64_t kRowsTogether = 6;
/// Size of the transformed inputs and outputs in work, floats.
constexpr std::int64_t kScratchFloats = 1 << 20;

/// Position of a tile: its first output.
struct Tile {
  std::int64_t picture;
  std::int64_t top;
  std::int64_t left;

  Tile(const PictureRows& x, std::int64_t index) {
    const std::int64_t across = (x.width + 1) / 2;
    const std::int64_t down = (x.height + 1) / 2;
    picture = index / (across * down);
    top = index / across % down * 2;
    left = index % across * 2;
  }
};

/// B^T d B of `size` channels. Shapes: from: pointers to 16 pixels; to: 16 planes.
template <std::size_t size>
void take_tile(const float* const* from, std::int64_t channel, float* to, std::int64_t plane) {
  constexpr auto lanes = static_cast<std::int64_t>(size);
  float d[4][4][size];
  float half[4][4][size];
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) std::copy_n(from[i * 4 + j] + channel, lanes, d[i][j]);
  }
  for (int j = 0; j < 4; ++j) {
    for (std::int64_t l = 0; l < lanes; ++l) {
      half[0][j][l] = d[0][j][l] - d[2][j][l];
      half[1][j][l] = d[1][j][l] + d[2][j][l];
      half[2][j][l] = d[2][j][l] - d[1][j][l];
      half[3][j][l] = d[1][j][l] - d[3][j][l];
    }
  }
  for (int i = 0; i < 4; ++i) {
    float* row = to + i * 4 * plane + channel;
    for (std::int64_t l = 0; l < lanes; ++l) {
      row[l] = half[i][0][l] - half[i][2][l];
      row[plane + l] = half[i][1][l] + half[i][2][l];
      row[2 * plane + l] = half[i][2][l] - half[i][1][l];
      row[3 * plane + l] = half[i][1][l] - half[i][3][l];
    }
  }
}

/// A^T m A + bias for `size` channels. Shapes: from: 16 planes; to: pointers to four outputs, null
/// = outside.
template <std::size_t size>
void give_tile(const float* from, std::int64_t plane, std::int64_t channel, const float* bias,
               float* const* to) {
  constexpr auto lanes = static_cast<std::int64_t>(size);
  float half[2][4][size];
  for (int j = 0; j < 4; ++j) {
    const float* m = from + j * plane + channel;
    for (std::int64_t l = 0; l < lanes; ++l) {
      half[0][j][l] = m[l] + m[4 * plane + l] + m[8 * plane + l];
      half[1][j][l] = m[4 * plane + l] - m[8 * plane + l] - m[12 * plane + l];
    }
  }
  for (int i = 0; i < 2; ++i) {
    float left[size];
    float right[size];
    for (std::int64_t l = 0; l < lanes; ++l) {
      const float shift = bias[channel + l];
      left[l] = half[i][0][l] + half[i][1][l] + half[i][2][l] + shift;
      right[l] = half[i][1][l] - half[i][2][l] - half[i][3][l] + shift;
    }
    if (to[i * 2] != nullptr) std::copy_n(left, lanes, to[i * 2] + channel);
    if (to[i * 2 + 1] != nullptr) std::copy_n(right, lanes, to[i * 2 + 1] + channel);
  }
}

/// G g G^T of one kernel. Shapes: g [3, 3] with `stride` floats between its values.
void transform_kernel(const float* g, std::int64_t stride, double* to) {
  double half[4][3];
  for (int j = 0; j < 3; ++j) {
    const auto at = [&](int i) { return static_cast<double>(g[(i * 3 + j) * stride]); };
    half[0][j] = at(0);
    half[1][j] = (at(0) + at(1) + at(2)) / 2;
    half[2][j] = (at(0) - at(1) + at(2)) / 2;
    half[3][j] = at(2);
  }
  for (int i = 0; i < 4; ++i) {
    to[i * 4] = half[i][0];
    to[i * 4 + 1] = (half[i][0] + half[i][1] + half[i][2]) / 2;
    to[i * 4 + 2] = (half[i][0] - half[i][1] + half[i][2]) / 2;
    to[i * 4 + 3] = half[i][2];
  }
}

}  // namespace

TileConvolution::TileConvolution(std::span<const float> weight, std::int64_t in, std::int64_t out)
    : in_(in), out_(out) {
  std::vector<float> planes(static_cast<std::size_t>(kPlanes * in * out));
  double values[kPlanes];
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t c = 0; c < in; ++c) {
      transform_kernel(weight.data() + o * 9 * in + c, in, values);
      for (std::int64_t k = 0; k < kPlanes; ++k) {
        planes[static_cast<std::size_t>((k * out + o) * in + c)] = static_cast<float>(values[k]);
      }
    }
  }
  const std::int64_t size = predict::packed_size(in, out);
  panels_.resize(static_cast<std::size_t>(kPlanes * size));
  for (std::int64_t k = 0; k < kPlanes; ++k) {
    predict::pack({planes.data() + k * out * in, in}, in, out, 1, panels_.data() + k * size);
  }
}

void TileConvolution::take_tiles(const PictureRows& x, std::int64_t first, std::int64_t count,
                                 float* planes) const {
  const std::vector<float> outside(static_cast<std::size_t>(in_));
  const std::int64_t plane = count * in_;
  const float* from[kPlanes];
  for (std::int64_t t = 0; t < count; ++t) {
    const Tile tile(x, first + t);
    for (std::int64_t k = 0; k < kPlanes; ++k) {
      const std::int64_t row = tile.top + k / 4 - 1;
      const std::int64_t column = tile.left + k % 4 - 1;
      const bool lies_inside = row >= 0 && row < x.height && column >= 0 && column < x.width;
      from[k] = lies_inside ? x.data + ((tile.picture * x.height + row) * x.width + column) * in_
                            : outside.data();
    }
    std::int64_t c = 0;
    float* to = planes + t * in_;
    for (; c + kLanes <= in_; c += kLanes) take_tile<kLanes>(from, c, to, plane);
    for (; c < in_; ++c) take_tile<1>(from, c, to, plane);
  }
}

void TileConvolution::give_tiles(const PictureRows& x, std::int64_t first, std::int64_t count,
                                 const float* products, std::span<const float> bias,
                                 float* y) const {
  const std::int64_t plane = count * out_;
  float* to[4];
  for (std::int64_t t = 0; t < count; ++t) {
    const Tile tile(x, first + t);
    for (std::int64_t i = 0; i < 4; ++i) {
      const std::int64_t row = tile.top + i / 2;
      const std::int64_t column = tile.left + i % 2;
      const bool lies_inside = row < x.height && column < x.width;
      to[i] =
          lies_inside ? y + ((tile.picture * x.height + row) * x.width + column) * out_ : nullptr;
    }
    std::int64_t c = 0;
    const float* from = products + t * out_;
    for (; c + kLanes <= out_; c += kLanes) give_tile<kLanes>(from, plane, c, bias.data(), to);
    for (; c < out_; ++c) give_tile<1>(from, plane, c, bias.data(), to);
  }
}

void TileConvolution::apply(const PictureRows& x, std::span<const float> bias, float* y) const {
  const std::int64_t tiles = x.count * ((x.height + 1) / 2) * ((x.width + 1) / 2);
  const std::int64_t fitting = kScratchFloats / (kPlanes * (in_ + out_)) / kRowsTogether;
  const std::int64_t together = std::min(tiles, std::max<std::int64_t>(1, fitting) * kRowsTogether);
  std::vector<float> planes(static_cast<std::size_t>(kPlanes * together * in_));
  std::vector<float> products(static_cast<std::size_t>(kPlanes * together * out_));
  const std::int64_t size = predict::packed_size(in_, out_);
  for (std::int64_t first = 0; first < tiles; first += together) {
    const std::int64_t count = std::min(together, tiles - first);
    take_tiles(x, first, count, planes.data());
    for (std::int64_t k = 0; k < kPlanes; ++k) {
      predict::multiply({planes.data() + k * count * in_, in_}, count,
                        {panels_.data() + k * size, in_, out_, predict::panel_width()}, nullptr,
                        {products.data() + k * count * out_, out_}, false);
    }
    give_tiles(x, first, count, products.data(), bias, y);
  }
}

}  // namespace hardy
