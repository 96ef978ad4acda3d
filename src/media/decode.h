// Recordings in any container and codec of libav -> sound at 16 kHz and pictures by time stamp.
//
// Times are seconds since the recording's start, the earliest time stamp of any of its streams, as
// in players and transcripts. Only the named file is opened: playlists and references to other
// files or hosts are refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace hardy {

/// Samples per second of all decoded sound.
inline constexpr int kSoundRate = 16000;

/// Facts about a recording from its container.
struct RecordingFacts {
  double seconds = 0;      ///< length; 0 if unknown
  bool has_sound = false;  ///< a stream with a known codec and at least one channel
  bool has_picture = false;
  std::string no_sound;    ///< reason if there is none
  std::string no_picture;  ///< reason if there is none: no stream, a cover picture only, encrypted
  std::string container;   ///< libav's name, e.g. "mov,mp4,m4a,3gp,3g2,mj2"
  std::string sound_codec;
  std::string picture_codec;
  int width = 0;     ///< of the picture as stored, pixels
  int height = 0;    ///< of the picture as stored, pixels
  int rotation = 0;  ///< degrees clockwise to turn a stored picture for display: 0, 90, 180, 270
};

/// Reads the headers. Throws DataError when the file is missing, empty, truncated or no recording.
RecordingFacts probe_recording(const std::filesystem::path& file);

/// Versions of the decoding libraries, e.g. "libavcodec 59.37.100, libavformat 59.27.100, ..".
std::string decoder_versions();

/// A run of samples. `samples` is mono at kSoundRate, full scale 32768.
struct SoundChunk {
  double start_s = 0;  ///< time of the first sample
  std::span<const std::int16_t> samples;
};

struct SoundRequest {
  double seek_s = 0;  ///< > 0: start near there instead of decoding everything before
  std::function<void(const SoundChunk&)> consume;
  /// Polled between chunks; true ends the decoding.
  std::function<bool()> is_done = {};
  /// Called at least once per decoded frame, as a sign of life for a supervisor.
  std::function<void()> heartbeat = {};
};

/// Decodes the first sound stream to mono 16-bit samples at 16 kHz with libswresample's default
/// conversion (mean of two channels; clips), the bytes of `ffmpeg -ar 16000 -ac 1 -f s16le`. Chunks
/// are in order; a gap in the recording's time stamps is a gap in start_s. Throws DataError with
/// the reason when there is no sound, it is encrypted, or nothing of it can be decoded.
void read_sound(const std::filesystem::path& file, const SoundRequest& request);

enum class PixelForm {
  kBgr,  ///< 3 bytes a pixel: blue, green, red
  kGray  ///< 1 byte a pixel
};

/// One decoded picture, rotated for display, with square pixels.
struct Picture {
  double time_s = 0;
  int width = 0;
  int height = 0;
  PixelForm form = PixelForm::kBgr;
  std::vector<std::uint8_t> pixels;  ///< [height, width, 3 or 1] row-major
};

struct PictureRequest {
  PixelForm form = PixelForm::kBgr;
  /// Called for each time stamp in order of presentation; only wanted pictures are converted.
  std::function<bool(double time_s)> wants;
  std::function<void(const Picture&)> consume;
  std::function<bool()> is_done = {};
  /// Skips pictures that no other one is predicted from, if the codec has such: halves the decoding
  /// for a few pictures a second.
  bool skips_unreferenced = false;
  /// Time in seconds of the next wanted picture; decoding may skip there. NaN = unknown.
  std::function<double()> next_wanted_s = {};
  std::function<void()> heartbeat = {};
};

/// Decodes the first video stream that is no cover picture. Time stamps are libav's best effort, so
/// that variable frame rates are supported. Throws DataError as read_sound.
void read_pictures(const std::filesystem::path& file, const PictureRequest& request);

}  // namespace hardy
