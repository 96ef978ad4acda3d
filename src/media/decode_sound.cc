// Sound: decoder -> libswresample -> mono 16-bit samples at 16 kHz, stamped with their time.
extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
}

#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "media/decode.h"
#include "media/decode_input.h"

namespace hardy {
namespace {

/// Time stamps of many containers are rounded to milliseconds; a larger step is a real gap.
constexpr double kLargestJitterS = 0.05;

/// Converts frames of any format and keeps the time of the output.
class SoundConverter {
 public:
  explicit SoundConverter(const SoundRequest& request) : request_(request) {}

  /// `time_s`: time of the frame's first sample, NaN if unknown.
  void add(const AVFrame& frame, double time_s) {
    if (frame.nb_samples <= 0 || frame.sample_rate <= 0) return;
    if (!has_form(frame)) {
      flush();
      set_form(frame);
    }
    const double expected =
        next_s_ + static_cast<double>(swr_get_delay(swr_.get(), kSoundRate)) / kSoundRate;
    const bool is_first = !has_time_;
    if (std::isfinite(time_s) && (is_first || std::abs(time_s - expected) > kLargestJitterS)) {
      next_s_ += is_first ? time_s - next_s_ : time_s - expected;
    }
    has_time_ = true;
    convert(const_cast<const std::uint8_t**>(frame.extended_data), frame.nb_samples);
  }

  /// Outputs the samples left in the resampler.
  void flush() {
    if (swr_ != nullptr) convert(nullptr, 0);
  }

  [[nodiscard]] bool has_samples() const { return has_samples_; }

 private:
  [[nodiscard]] bool has_form(const AVFrame& frame) const {
    return swr_ != nullptr && format_ == frame.format && rate_ == frame.sample_rate &&
           channels_ == frame.ch_layout.nb_channels;
  }

  void set_form(const AVFrame& frame) {
    AVChannelLayout from = {};
    if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
      av_channel_layout_default(&from, frame.ch_layout.nb_channels);
    } else {
      av_channel_layout_copy(&from, &frame.ch_layout);
    }
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    SwrContext* raw = nullptr;
    int error = swr_alloc_set_opts2(&raw, &mono, AV_SAMPLE_FMT_S16, kSoundRate, &from,
                                    static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0,
                                    nullptr);
    av_channel_layout_uninit(&from);
    swr_.reset(raw);
    if (error >= 0) error = swr_init(raw);
    if (error < 0) {
      throw DataError(fmt::format("its sound ({} channels at {} Hz) cannot be converted: {}",
                                  frame.ch_layout.nb_channels, frame.sample_rate,
                                  libav::error_text(error)));
    }
    format_ = frame.format;
    rate_ = frame.sample_rate;
    channels_ = frame.ch_layout.nb_channels;
  }

  void convert(const std::uint8_t** input, int count) {
    const int room = swr_get_out_samples(swr_.get(), count);
    if (room <= 0) return;
    buffer_.resize(static_cast<std::size_t>(room));
    auto* out = reinterpret_cast<std::uint8_t*>(buffer_.data());
    const int made = swr_convert(swr_.get(), &out, room, input, count);
    if (made < 0) {
      throw DataError("its sound cannot be resampled: " + libav::error_text(made));
    }
    if (made == 0) return;
    has_samples_ = true;
    request_.consume({next_s_, std::span(buffer_).first(static_cast<std::size_t>(made))});
    next_s_ += static_cast<double>(made) / kSoundRate;
  }

  const SoundRequest& request_;
  libav::Resampler swr_;
  int format_ = -1;
  int rate_ = 0;
  int channels_ = 0;
  bool has_time_ = false;
  bool has_samples_ = false;
  double next_s_ = 0;  // time of the next output sample
  std::vector<std::int16_t> buffer_;
};

}  // namespace

void read_sound(const std::filesystem::path& file, const SoundRequest& request) {
  const libav::Input input = libav::open_recording(file);
  const int index = libav::sound_stream(*input);
  if (index < 0) throw DataError(libav::facts_of(*input).no_sound);
  libav::StreamDecoder decoder(*input, index, 1);
  if (request.seek_s > 0) decoder.seek(request.seek_s);
  SoundConverter converter(request);
  bool is_done = false;
  while (!is_done) {
    AVFrame* frame = decoder.next();
    if (frame == nullptr) break;
    if (request.heartbeat) request.heartbeat();
    if (decoder.is_encrypted()) throw DataError("its sound is encrypted");
    converter.add(*frame, decoder.time_of(*frame));
    is_done = request.is_done && request.is_done();
  }
  if (decoder.is_encrypted()) throw DataError("its sound is encrypted");
  if (!is_done) converter.flush();
  if (converter.has_samples()) return;
  throw DataError(decoder.damaged_packets() > 0
                      ? fmt::format("its sound cannot be decoded: all {} packets are damaged",
                                    decoder.damaged_packets())
                      : "its sound has no samples");
}

}  // namespace hardy
