#include "backbones/picture_layers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hardy/errors.h"
#include "kernels/forward_loops.h"
#include "kernels/panels.h"

namespace hardy {
namespace {

constexpr double kBatchEpsilon = 1e-5;
/// Unfolded pictures are multiplied in pieces of about this many floats, which fit the cache.
constexpr std::int64_t kUnfoldedFloats = 1 << 20;
constexpr int kFractionBits = 22;

/// Input pixels of an output pixel, with integer weights.
struct Taps {
  std::int64_t first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Taps> make_taps(std::int64_t in, std::int64_t out) {
  std::vector<Taps> all;
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double reach = std::max(scale, 1.0);
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - reach + 0.5));
    const auto last = std::min(in, static_cast<std::int64_t>(centre + reach + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t tap = first; tap < last; ++tap) {
      const double distance = std::abs((static_cast<double>(tap) - centre + 0.5) / reach);
      weights.push_back(std::max(0.0, 1 - distance));
      sum += weights.back();
    }
    Taps taps;
    taps.first = first;
    for (const double weight : weights) {
      const double scaled = weight / sum * (1 << kFractionBits);
      taps.weights.push_back(static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
    all.push_back(std::move(taps));
  }
  return all;
}

/// Resizes lines: `line_count` of them, whose pixels lie `pixel_stride` apart, three channels each.
void resize_lines(const std::uint8_t* from, std::uint8_t* to, const std::vector<Taps>& taps,
                  std::int64_t line_count, std::int64_t from_line, std::int64_t to_line,
                  std::int64_t from_pixel, std::int64_t to_pixel) {
  for (std::int64_t line = 0; line < line_count; ++line) {
    for (std::size_t i = 0; i < taps.size(); ++i) {
      for (std::int64_t channel = 0; channel < 3; ++channel) {
        std::int64_t sum = std::int64_t{1} << (kFractionBits - 1);
        const std::uint8_t* pixel = from + line * from_line + taps[i].first * from_pixel + channel;
        for (const std::int32_t weight : taps[i].weights) {
          sum += static_cast<std::int64_t>(weight) * *pixel;
          pixel += from_pixel;
        }
        to[line * to_line + static_cast<std::int64_t>(i) * to_pixel + channel] =
            static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> kFractionBits, 0, 255));
      }
    }
  }
}

}  // namespace

NormedConvolution::NormedConvolution(const WeightSet& weights, const std::string& convolution,
                                     const std::string& norm, std::int64_t stride)
    : stride_(stride) {
  const auto& shape = weights.shape(convolution + ".weight");
  const auto values = weights.floats(convolution + ".weight", {-1, -1, -1, -1});
  out_ = shape[0];
  in_ = shape[1];
  kernel_ = shape[2];
  if (shape[3] != kernel_ || kernel_ % 2 != 1) {
    throw ArtifactError(weights.name() + ": '" + convolution + "' is no square convolution");
  }
  const auto gain = weights.floats(norm + ".weight", {out_});
  const auto shift = weights.floats(norm + ".bias", {out_});
  const auto mean = weights.floats(norm + ".running_mean", {out_});
  const auto variance = weights.floats(norm + ".running_var", {out_});
  const std::int64_t taps = kernel_ * kernel_;
  std::vector<float> rows(values.size());
  for (std::int64_t o = 0; o < out_; ++o) {
    const auto at = static_cast<std::size_t>(o);
    const double factor = static_cast<double>(gain[at]) /
                          std::sqrt(static_cast<double>(variance[at]) + kBatchEpsilon);
    bias_.push_back(static_cast<float>(static_cast<double>(shift[at]) -
                                       static_cast<double>(mean[at]) * factor));
    for (std::int64_t c = 0; c < in_; ++c) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const auto value = values[static_cast<std::size_t>((o * in_ + c) * taps + tap)];
        rows[static_cast<std::size_t>((o * taps + tap) * in_ + c)] =
            static_cast<float>(static_cast<double>(value) * factor);
      }
    }
  }
  weights.forget(convolution + ".weight");
  if (kernel_ == 3 && stride_ == 1) {
    tiles_ = TileConvolution(rows, in_, out_);
    return;
  }
  panels_.resize(static_cast<std::size_t>(predict::packed_size(taps * in_, out_)));
  predict::pack({rows.data(), taps * in_}, taps * in_, out_, 1, panels_.data());
}

void NormedConvolution::unfold(const float* picture, std::int64_t height, std::int64_t width,
                               float* rows) const {
  const std::int64_t around = kernel_ / 2;
  const std::int64_t out_height = (height - 1) / stride_ + 1;
  const std::int64_t out_width = (width - 1) / stride_ + 1;
  for (std::int64_t y = 0; y < out_height; ++y) {
    for (std::int64_t x = 0; x < out_width; ++x) {
      for (std::int64_t ky = 0; ky < kernel_; ++ky) {
        const std::int64_t from_y = y * stride_ + ky - around;
        for (std::int64_t kx = 0; kx < kernel_; ++kx, rows += in_) {
          const std::int64_t from_x = x * stride_ + kx - around;
          const bool lies_inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
          if (lies_inside) {
            std::copy_n(picture + (from_y * width + from_x) * in_, in_, rows);
          } else {
            std::fill_n(rows, in_, 0.0F);
          }
        }
      }
    }
  }
}

FeaturePictures NormedConvolution::apply(const FeaturePictures& x) const {
  check(x.channels == in_, "a convolution is given pictures with other channels");
  FeaturePictures y(x.count, (x.height - 1) / stride_ + 1, (x.width - 1) / stride_ + 1, out_);
  if (!tiles_.is_empty()) {
    tiles_.apply({x.values.data(), x.count, x.height, x.width}, bias_, y.values.data());
    return y;
  }
  const std::int64_t inner = kernel_ * kernel_ * in_;
  const std::int64_t one = y.places() * inner;
  const std::int64_t together = std::clamp<std::int64_t>(kUnfoldedFloats / one, 1, x.count);
  const bool is_plain = kernel_ == 1 && stride_ == 1;
  std::vector<float> rows(is_plain ? 0 : static_cast<std::size_t>(together * one));
  for (std::int64_t first = 0; first < x.count; first += together) {
    const std::int64_t count = std::min(together, x.count - first);
    for (std::int64_t i = 0; i < count && !is_plain; ++i) {
      unfold(x.picture(first + i), x.height, x.width, rows.data() + i * one);
    }
    predict::multiply({is_plain ? x.picture(first) : rows.data(), inner}, count * y.places(),
                      {panels_.data(), inner, out_, predict::panel_width()}, bias_.data(),
                      {y.picture(first), out_}, false);
  }
  return y;
}

void relu_pictures(FeaturePictures& x) {
  predict::relu(x.values.data(), static_cast<std::int64_t>(x.values.size()));
}

FeaturePictures pool_largest(const FeaturePictures& x) {
  FeaturePictures y(x.count, (x.height - 1) / 2 + 1, (x.width - 1) / 2 + 1, x.channels);
  std::fill(y.values.begin(), y.values.end(), -std::numeric_limits<float>::infinity());
  for (std::int64_t n = 0; n < x.count; ++n) {
    for (std::int64_t i = 0; i < y.places(); ++i) {
      float* to = y.picture(n) + i * x.channels;
      for (std::int64_t tap = 0; tap < 9; ++tap) {
        const std::int64_t row = i / y.width * 2 + tap / 3 - 1;
        const std::int64_t column = i % y.width * 2 + tap % 3 - 1;
        if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
        const float* from = x.picture(n) + (row * x.width + column) * x.channels;
        for (std::int64_t c = 0; c < x.channels; ++c) to[c] = std::max(to[c], from[c]);
      }
    }
  }
  return y;
}

FeaturePictures some_channels(const FeaturePictures& x, std::int64_t first, std::int64_t count) {
  FeaturePictures y(x.count, x.height, x.width, count);
  for (std::int64_t i = 0; i < x.count * x.places(); ++i) {
    std::copy_n(x.values.data() + i * x.channels + first, count, y.values.data() + i * count);
  }
  return y;
}

FeaturePictures crop(const FeaturePictures& x, std::int64_t top, std::int64_t left,
                     std::int64_t height, std::int64_t width) {
  FeaturePictures y(x.count, height, width, x.channels);
  for (std::int64_t n = 0; n < x.count; ++n) {
    for (std::int64_t row = 0; row < height; ++row) {
      std::copy_n(x.picture(n) + ((top + row) * x.width + left) * x.channels, width * x.channels,
                  y.picture(n) + row * width * x.channels);
    }
  }
  return y;
}

void add_pictures(FeaturePictures& x, const FeaturePictures& y) {
  check(x.values.size() == y.values.size(), "pictures of different sizes are added");
  predict::add(y.values.data(), static_cast<std::int64_t>(x.values.size()), x.values.data());
}

std::vector<float> mean_over_places(const FeaturePictures& x) {
  std::vector<float> means;
  std::vector<double> sums(static_cast<std::size_t>(x.channels));
  for (std::int64_t n = 0; n < x.count; ++n) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::int64_t i = 0; i < x.places(); ++i) {
      const float* from = x.picture(n) + i * x.channels;
      for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += static_cast<double>(from[c]);
    }
    for (const double sum : sums) {
      means.push_back(static_cast<float>(sum / static_cast<double>(x.places())));
    }
  }
  return means;
}

std::vector<std::uint8_t> resize_like_pil(const std::uint8_t* pixels, std::int64_t height,
                                          std::int64_t width, std::int64_t side) {
  // Across, then down, each rounded to whole numbers; a size that fits is left as it is.
  std::vector<std::uint8_t> wide(static_cast<std::size_t>(height * side * 3));
  if (width == side) {
    std::copy_n(pixels, wide.size(), wide.begin());
  } else {
    resize_lines(pixels, wide.data(), make_taps(width, side), height, width * 3, side * 3, 3, 3);
  }
  if (height == side) return wide;
  std::vector<std::uint8_t> resized(static_cast<std::size_t>(side * side * 3));
  resize_lines(wide.data(), resized.data(), make_taps(height, side), side, 3, 3, side * 3,
               side * 3);
  return resized;
}

}  // namespace hardy
