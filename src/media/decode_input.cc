#include "media/decode_input.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <mutex>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace libav {
namespace {

/// Larger pictures are refused before memory is allocated for them.
constexpr std::int64_t kMostPixels = std::int64_t{64} << 20;
/// Bytes that may be read to find the streams of a file.
constexpr const char* kProbeBytes = "16777216";

using OpenFunction = int (*)(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**);

/// libav's own open function, for the recording itself. The same for all contexts.
OpenFunction& open_of_libav() {
  static OpenFunction function = nullptr;
  return function;
}

/// Demuxers of playlists and scripts open other files; only the first one, the recording itself,
/// may be opened. `opaque` records that it was.
int open_once(AVFormatContext* input, AVIOContext** io, const char* url, int flags,
              AVDictionary** options) {
  if (input->opaque != nullptr) return AVERROR(EPERM);
  input->opaque = input;
  return open_of_libav()(input, io, url, flags, options);
}

/// All demuxers except those of playlists, scripts and file name patterns, which open other files.
const std::string& allowed_formats() {
  static const std::string list = [] {
    constexpr std::string_view kRefused[] = {
        "concat", "hls", "dash",  "imf",        "webm_dash_manifest",
        "rtsp",   "sdp", "lavfi", "vapoursynth"};
    std::string names;
    void* state = nullptr;
    while (const AVInputFormat* format = av_demuxer_iterate(&state)) {
      const std::string_view name = format->name;
      const bool is_refused =
          (format->flags & AVFMT_NOFILE) != 0 ||
          std::find(std::begin(kRefused), std::end(kRefused), name) != std::end(kRefused) ||
          name.starts_with("hls");
      if (!is_refused) names.append(names.empty() ? "" : ",").append(name);
    }
    return names;
  }();
  return list;
}

void require_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    throw DataError(fmt::format("{}: no such file", file.string()));
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw DataError(fmt::format("{}: not a regular file", file.string()));
  }
  if (std::filesystem::file_size(file, error) == 0 && !error) {
    throw DataError(fmt::format("{}: the file is empty", file.string()));
  }
}

bool is_cover(const AVStream& stream) {
  return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

/// Whether the container says that the stream's packets are encrypted.
bool has_encryption(const AVStream& stream) {
  return av_stream_get_side_data(&stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr) != nullptr;
}

int find_stream(const AVFormatContext& input, AVMediaType type) {
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    const AVStream& stream = *input.streams[i];
    if (stream.codecpar->codec_type != type || is_cover(stream)) continue;
    if (avcodec_find_decoder(stream.codecpar->codec_id) != nullptr) return static_cast<int>(i);
  }
  return -1;
}

/// Reason why find_stream found none.
std::string why_no_stream(const AVFormatContext& input, AVMediaType type, const char* what) {
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    const AVStream& stream = *input.streams[i];
    if (stream.codecpar->codec_type != type) continue;
    if (is_cover(stream)) return "its only picture is a cover picture";
    if (has_encryption(stream)) return fmt::format("its {} is encrypted", what);
    const auto tag = stream.codecpar->codec_tag;
    return fmt::format("no decoder for its {} (codec {}, tag {:#x})", what,
                       avcodec_get_name(stream.codecpar->codec_id), tag);
  }
  return fmt::format("it has no {}", what);
}

std::string codec_name(const AVStream& stream) {
  return avcodec_get_name(stream.codecpar->codec_id);
}

}  // namespace

std::string error_text(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

Input open_recording(const std::filesystem::path& file) {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });  // errors carry the reasons
  require_file(file);
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  av_dict_set(&options, "format_whitelist", allowed_formats().c_str(), 0);
  av_dict_set(&options, "probesize", kProbeBytes, 0);
  AVFormatContext* raw = avformat_alloc_context();
  if (raw == nullptr) throw std::bad_alloc();
  open_of_libav() = raw->io_open;
  raw->io_open = open_once;
  // The prefix prevents names such as "concat:x" from selecting another protocol.
  const int error = avformat_open_input(&raw, ("file:" + file.string()).c_str(), nullptr, &options);
  av_dict_free(&options);
  if (error < 0) {
    throw DataError(
        fmt::format("{}: cannot be read as a recording: {}", file.string(), error_text(error)));
  }
  Input input(raw);
  const int found = avformat_find_stream_info(raw, nullptr);
  if (found < 0) {
    throw DataError(
        fmt::format("{}: its streams cannot be read: {}", file.string(), error_text(found)));
  }
  return input;
}

int sound_stream(const AVFormatContext& input) { return find_stream(input, AVMEDIA_TYPE_AUDIO); }

int picture_stream(const AVFormatContext& input) { return find_stream(input, AVMEDIA_TYPE_VIDEO); }

int display_rotation(const AVStream& stream) {
  const std::uint8_t* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
  if (matrix == nullptr) return 0;
  const double angle = -av_display_rotation_get(reinterpret_cast<const std::int32_t*>(matrix));
  if (!std::isfinite(angle)) return 0;
  const long quarter = std::lround(angle / 90.0);
  return static_cast<int>(((quarter % 4) + 4) % 4 * 90);
}

RecordingFacts facts_of(const AVFormatContext& input) {
  RecordingFacts facts;
  facts.container = input.iformat->name;
  if (input.duration != AV_NOPTS_VALUE && input.duration > 0) {
    facts.seconds = static_cast<double>(input.duration) / AV_TIME_BASE;
  }
  const int sound = sound_stream(input);
  const int picture = picture_stream(input);
  facts.has_sound = sound >= 0;
  facts.has_picture = picture >= 0;
  if (facts.has_sound) {
    facts.sound_codec = codec_name(*input.streams[sound]);
  } else {
    facts.no_sound = why_no_stream(input, AVMEDIA_TYPE_AUDIO, "sound");
  }
  if (facts.has_picture) {
    const AVStream& stream = *input.streams[picture];
    facts.picture_codec = codec_name(stream);
    facts.width = stream.codecpar->width;
    facts.height = stream.codecpar->height;
    facts.rotation = display_rotation(stream);
  } else {
    facts.no_picture = why_no_stream(input, AVMEDIA_TYPE_VIDEO, "picture");
  }
  return facts;
}

StreamDecoder::StreamDecoder(AVFormatContext& input, int index, int threads)
    : input_(input),
      index_(index),
      packet_(owned<Packet>(av_packet_alloc())),
      frame_(owned<Frame>(av_frame_alloc())) {
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    input.streams[i]->discard = static_cast<int>(i) == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  const AVStream& source = stream();
  const AVCodec* decoder = avcodec_find_decoder(source.codecpar->codec_id);
  check(decoder != nullptr, "a stream was chosen that has no decoder");
  codec_ = owned<Codec>(avcodec_alloc_context3(decoder));
  int error = avcodec_parameters_to_context(codec_.get(), source.codecpar);
  codec_->pkt_timebase = source.time_base;
  codec_->thread_count = threads;
  codec_->max_pixels = kMostPixels;
  if (error >= 0) error = avcodec_open2(codec_.get(), decoder, nullptr);
  if (error < 0) {
    throw DataError(
        fmt::format("its {} decoder cannot start: {}", decoder->name, error_text(error)));
  }
  is_encrypted_ = has_encryption(source);
}

bool StreamDecoder::send_packet() {
  while (av_read_frame(&input_, packet_.get()) >= 0) {
    if (packet_->stream_index != index_) {
      av_packet_unref(packet_.get());
      continue;
    }
    is_encrypted_ =
        is_encrypted_ ||
        av_packet_get_side_data(packet_.get(), AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr;
    const int error = avcodec_send_packet(codec_.get(), packet_.get());
    av_packet_unref(packet_.get());
    if (error >= 0) return true;
    if (error == AVERROR(ENOMEM)) throw std::bad_alloc();
    ++damaged_;
  }
  return false;
}

AVFrame* StreamDecoder::next() {
  while (true) {
    const int error = avcodec_receive_frame(codec_.get(), frame_.get());
    if (error >= 0) return frame_.get();
    if (error == AVERROR_EOF) return nullptr;
    if (error == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (error != AVERROR(EAGAIN)) {
      ++damaged_;
      if (is_drained_) return nullptr;
    }
    if (send_packet()) continue;
    if (is_drained_) return nullptr;
    is_drained_ = true;
    avcodec_send_packet(codec_.get(), nullptr);  // drains the frames in the decoder
  }
}

bool StreamDecoder::seek(double time_s) {
  const AVRational base = stream().time_base;
  const double start = input_.start_time == AV_NOPTS_VALUE
                           ? 0
                           : static_cast<double>(input_.start_time) / AV_TIME_BASE;
  const auto target = std::llround((time_s + start) / av_q2d(base));
  if (av_seek_frame(&input_, index_, target, AVSEEK_FLAG_BACKWARD) < 0) return false;
  avcodec_flush_buffers(codec_.get());
  is_drained_ = false;
  return true;
}

double StreamDecoder::time_of(const AVFrame& frame) const {
  if (frame.best_effort_timestamp == AV_NOPTS_VALUE) return std::nan("");
  const double start = input_.start_time == AV_NOPTS_VALUE
                           ? 0
                           : static_cast<double>(input_.start_time) / AV_TIME_BASE;
  return static_cast<double>(frame.best_effort_timestamp) * av_q2d(stream().time_base) - start;
}

}  // namespace libav

RecordingFacts probe_recording(const std::filesystem::path& file) {
  return libav::facts_of(*libav::open_recording(file));
}

std::string decoder_versions() {
  const auto text = [](const char* name, unsigned version) {
    return fmt::format("{} {}.{}.{}", name, AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version),
                       AV_VERSION_MICRO(version));
  };
  return fmt::format("{}, {}, {}, {}", text("libavformat", avformat_version()),
                     text("libavcodec", avcodec_version()),
                     text("libswresample", swresample_version()),
                     text("libswscale", swscale_version()));
}

}  // namespace hardy
