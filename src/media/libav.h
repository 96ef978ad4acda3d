// Owners of libav's objects, and text for its error numbers.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

namespace hardy::libav {

struct CloseInput {
  void operator()(AVFormatContext* input) const { avformat_close_input(&input); }
};

struct FreeCodec {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};

struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};

struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

struct FreeResampler {
  void operator()(SwrContext* resampler) const { swr_free(&resampler); }
};

struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

using Input = std::unique_ptr<AVFormatContext, CloseInput>;
using Codec = std::unique_ptr<AVCodecContext, FreeCodec>;
using Frame = std::unique_ptr<AVFrame, FreeFrame>;
using Packet = std::unique_ptr<AVPacket, FreePacket>;
using Resampler = std::unique_ptr<SwrContext, FreeResampler>;
using Scaler = std::unique_ptr<SwsContext, FreeScaler>;

/// "Invalid data found when processing input".
std::string error_text(int error);

/// `allocated`; throws std::bad_alloc for null.
template <typename Owner, typename Raw>
Owner owned(Raw* allocated) {
  if (allocated == nullptr) throw std::bad_alloc();
  return Owner(allocated);
}

/// Decodes one stream of an input, packet by packet. Not thread-safe.
class StreamDecoder {
 public:
  /// Finds a decoder for stream `index`; `threads` of libavcodec's own, >= 1. Throws DataError.
  StreamDecoder(AVFormatContext& input, int index, int threads);

  /// The next decoded frame, valid until the next call; null at the end of the stream. Damaged
  /// packets are skipped and counted.
  AVFrame* next();

  /// Continues at the last key frame before `time_s` (seconds since the recording's start). False
  /// when the container cannot seek; decoding then continues at the current position.
  bool seek(double time_s);

  /// Seconds since the recording's start at which `frame` is to be presented; NaN when unknown.
  [[nodiscard]] double time_of(const AVFrame& frame) const;

  [[nodiscard]] const AVStream& stream() const { return *input_.streams[index_]; }

  [[nodiscard]] AVCodecContext& codec() { return *codec_; }

  /// Packets that could not be decoded so far.
  [[nodiscard]] long damaged_packets() const { return damaged_; }

  /// Whether a packet carried encryption data.
  [[nodiscard]] bool is_encrypted() const { return is_encrypted_; }

 private:
  bool send_packet();

  AVFormatContext& input_;
  int index_;
  Codec codec_;
  Packet packet_;
  Frame frame_;
  long damaged_ = 0;
  bool is_encrypted_ = false;
  bool is_drained_ = false;
};

}  // namespace hardy::libav
