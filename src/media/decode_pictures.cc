// Pictures: decoder -> libswscale (bicubic) -> rotated for display, square pixels.
extern "C" {
#include <libavutil/imgutils.h>
}

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "media/decode.h"
#include "media/decode_input.h"

namespace hardy {
namespace {

/// Seeking is faster only beyond the usual distance of key frames.
constexpr double kShortestSkipS = 12;
constexpr int kWidestPicture = 16384;

std::size_t pixel_bytes(PixelForm form) { return form == PixelForm::kBgr ? 3 : 1; }

/// Rotates row-major pixels clockwise by quarter turns.
void turn(Picture& picture, int degrees) {
  if (degrees == 0) return;
  const auto size = pixel_bytes(picture.form);
  const int w = picture.width;
  const int h = picture.height;
  std::vector<std::uint8_t> turned(picture.pixels.size());
  const int new_w = degrees == 180 ? w : h;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const int to_x = degrees == 90 ? h - 1 - y : degrees == 180 ? w - 1 - x : y;
      const int to_y = degrees == 90 ? x : degrees == 180 ? h - 1 - y : w - 1 - x;
      const auto from = (static_cast<std::size_t>(y) * static_cast<std::size_t>(w) +
                         static_cast<std::size_t>(x)) *
                        size;
      const auto to = (static_cast<std::size_t>(to_y) * static_cast<std::size_t>(new_w) +
                       static_cast<std::size_t>(to_x)) *
                      size;
      std::copy_n(picture.pixels.begin() + static_cast<std::ptrdiff_t>(from), size,
                  turned.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
  picture.pixels = std::move(turned);
  picture.width = new_w;
  picture.height = degrees == 180 ? h : w;
}

class PictureConverter {
 public:
  explicit PictureConverter(PixelForm form) { picture_.form = form; }

  const Picture& convert(const AVFrame& frame, double time_s, int rotation) {
    const AVRational aspect = frame.sample_aspect_ratio;
    int width = frame.width;
    if (aspect.num > 0 && aspect.den > 0 && aspect.num != aspect.den) {
      width = static_cast<int>(
          std::clamp<std::int64_t>(av_rescale(width, aspect.num, aspect.den), 1, kWidestPicture));
    }
    const auto format = picture_.form == PixelForm::kBgr ? AV_PIX_FMT_BGR24 : AV_PIX_FMT_GRAY8;
    scaler_.reset(sws_getCachedContext(
        scaler_.release(), frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
        width, frame.height, format, SWS_BICUBIC, nullptr, nullptr, nullptr));
    if (scaler_ == nullptr) throw DataError("its pictures have a form that cannot be converted");
    const int size = av_image_get_buffer_size(format, width, frame.height, kRowAlignment);
    if (size <= 0) throw DataError("its pictures have no valid size");
    buffer_.resize(static_cast<std::size_t>(size));
    std::uint8_t* planes[4] = {};
    int strides[4] = {};
    av_image_fill_arrays(planes, strides, buffer_.data(), format, width, frame.height,
                         kRowAlignment);
    sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
    picture_.time_s = time_s;
    picture_.width = width;
    picture_.height = frame.height;
    const auto row = static_cast<std::size_t>(width) * pixel_bytes(picture_.form);
    picture_.pixels.resize(row * static_cast<std::size_t>(frame.height));
    for (int y = 0; y < frame.height; ++y) {
      std::copy_n(
          planes[0] + static_cast<std::ptrdiff_t>(y) * strides[0], row,
          picture_.pixels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(y) * row));
    }
    turn(picture_, rotation);
    return picture_;
  }

 private:
  /// libswscale's vector loops write whole blocks, so rows are padded to their size.
  static constexpr int kRowAlignment = 64;

  libav::Scaler scaler_;
  std::vector<std::uint8_t> buffer_;
  Picture picture_;
};

}  // namespace

void read_pictures(const std::filesystem::path& file, const PictureRequest& request) {
  const libav::Input input = libav::open_recording(file);
  const int index = libav::picture_stream(*input);
  if (index < 0) throw DataError(libav::facts_of(*input).no_picture);
  libav::StreamDecoder decoder(*input, index, 1);
  if (request.skips_unreferenced) decoder.codec().skip_frame = AVDISCARD_NONREF;
  const int rotation = libav::display_rotation(*input->streams[index]);
  PictureConverter converter(request.form);
  double last_s = 0;
  double sought_s = 0;
  bool has_frames = false;
  while (!(request.is_done && request.is_done())) {
    const double wanted = request.next_wanted_s ? request.next_wanted_s() : std::nan("");
    if (std::isfinite(wanted) && wanted - last_s > kShortestSkipS && wanted > sought_s) {
      sought_s = wanted;  // once per target, because its key frame may be far before it
      decoder.seek(wanted);
    }
    AVFrame* frame = decoder.next();
    if (frame == nullptr) break;
    if (request.heartbeat) request.heartbeat();
    if (decoder.is_encrypted()) throw DataError("its picture is encrypted");
    has_frames = true;
    const double stamp = decoder.time_of(*frame);
    const double time_s = std::isfinite(stamp) ? stamp : last_s;
    last_s = std::max(last_s, time_s);
    if (request.wants(time_s)) request.consume(converter.convert(*frame, time_s, rotation));
  }
  if (decoder.is_encrypted()) throw DataError("its picture is encrypted");
  if (has_frames || (request.is_done && request.is_done())) return;
  throw DataError(decoder.damaged_packets() > 0
                      ? fmt::format("its picture cannot be decoded: all {} packets are damaged",
                                    decoder.damaged_packets())
                      : "its picture has no frames");
}

}  // namespace hardy
