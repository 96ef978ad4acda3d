#include "media/tasks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "media/pauses.h"

namespace hardy {
namespace {

/// A later process starts decoding this long before its first segment.
constexpr double kSeekMarginS = 1;

/// From this picture distance on, single pictures in between do not matter.
constexpr double kSparseStepS = 0.2;

/// Reason why a segment is empty in a recording that lasts `end_s`.
std::string beyond_end(const Segment& segment, double end_s) {
  return fmt::format("it starts at {:.2f} s, the recording ends at {:.2f} s", segment.start_s,
                     end_s);
}

struct TimeLimits {
  explicit TimeLimits(const ExtractOptions& options)
      : utterance_s(options.max_seconds), recording_s(options.max_recording_s) {}

  double utterance_s;
  double recording_s;
};

WorkerResult too_long_recording(const TimeLimits& limits) {
  WorkerResult result;
  result.reason = recording_too_long_text(limits.recording_s);
  result.is_final = false;  // another limit may be set
  return result;
}

/// Collects the samples of segments from a stream of sound.
class SoundCollector {
 public:
  SoundCollector(const std::vector<Segment>& segments, const std::vector<std::size_t>& pending,
                 const SoundExtractor& extractor, const TimeLimits& limits, WorkerVoice& voice)
      : segments_(segments), extractor_(extractor), limits_(limits), voice_(voice) {
    for (const std::size_t item : pending) open_.push_back({item, {}});
  }

  [[nodiscard]] bool is_done() const { return open_.empty(); }

  void add(const SoundChunk& chunk) {
    const double end_s = chunk.start_s + static_cast<double>(chunk.samples.size()) / kSoundRate;
    end_s_ = std::max(end_s_, end_s);
    decoded_ += chunk.samples.size();
    for (auto& each : open_) {
      const Segment& segment = segments_[each.item];
      const std::size_t first = offset(segment.start_s, chunk);
      const std::size_t last = offset(segment.end_s, chunk);
      if (first >= last || is_too_long(each)) continue;
      const auto part = chunk.samples.subspan(first, last - first);
      each.samples.insert(each.samples.end(), part.begin(), part.end());
    }
    std::erase_if(open_, [&](const Open& each) {
      if (segments_[each.item].end_s > end_s && !is_too_long(each)) return false;
      tell(each);
      return true;
    });
    // Time stamps may stand still while samples go on.
    const double length_s = std::max(end_s_, static_cast<double>(decoded_) / kSoundRate);
    if (length_s <= limits_.recording_s) return;
    for (const auto& each : open_) voice_.tell(each.item, too_long_recording(limits_));
    open_.clear();
  }

  void finish() {
    for (const auto& each : open_) tell(each);
    open_.clear();
  }

 private:
  struct Open {
    std::size_t item;
    std::vector<std::int16_t> samples;
  };

  /// Number of samples of the chunk before a time.
  static std::size_t offset(double time_s, const SoundChunk& chunk) {
    const double count = std::round((time_s - chunk.start_s) * kSoundRate);
    return static_cast<std::size_t>(
        std::clamp(count, 0.0, static_cast<double>(chunk.samples.size())));
  }

  [[nodiscard]] bool is_too_long(const Open& each) const {
    return static_cast<double>(each.samples.size()) > limits_.utterance_s * kSoundRate;
  }

  void tell(const Open& each) {
    WorkerResult result;
    result.seconds = static_cast<double>(each.samples.size()) / kSoundRate;
    try {
      if (is_too_long(each)) {
        throw DataError(
            fmt::format("it is longer than {:.0f} s; cut it with a transcript or --cut pauses",
                        limits_.utterance_s));
      }
      if (each.samples.empty()) throw DataError(beyond_end(segments_[each.item], end_s_));
      result.values = extractor_.extract(each.samples);
    } catch (const DataError& error) {
      result.reason = error.what();
    }
    voice_.tell(each.item, result);
  }

  const std::vector<Segment>& segments_;
  const SoundExtractor& extractor_;
  TimeLimits limits_;
  WorkerVoice& voice_;
  std::vector<Open> open_;
  double end_s_ = 0;
  std::uint64_t decoded_ = 0;
};

/// Passes pictures to the summaries of their segments, one per time step.
class PictureCollector {
 public:
  PictureCollector(const std::vector<Segment>& segments, const std::vector<std::size_t>& pending,
                   const PictureExtractor& extractor, double step_s, const TimeLimits& limits,
                   WorkerVoice& voice)
      : segments_(segments), step_s_(step_s), limits_(limits), voice_(voice) {
    for (const std::size_t item : pending) {
      open_.push_back({item, extractor.start(), segments[item].start_s, 0});
    }
  }

  [[nodiscard]] bool is_done() const { return open_.empty(); }

  [[nodiscard]] double next_wanted_s() const {
    double next = std::nan("");
    for (const auto& each : open_) next = std::fmin(next, each.next_s);
    return next;
  }

  bool wants(double time_s) {
    end_s_ = std::max(end_s_, time_s);
    std::erase_if(open_, [&](const Open& each) {
      if (segments_[each.item].end_s > time_s) return false;
      tell(each);
      return true;
    });
    if (time_s > limits_.recording_s) {
      for (const auto& each : open_) voice_.tell(each.item, too_long_recording(limits_));
      open_.clear();
    }
    return std::any_of(open_.begin(), open_.end(),
                       [&](const Open& each) { return each.next_s <= time_s; });
  }

  void add(const Picture& picture) {
    for (auto& each : open_) {
      if (each.next_s > picture.time_s) continue;
      each.summary->add(picture);
      ++each.pictures;
      const double steps = std::floor((picture.time_s - segments_[each.item].start_s) / step_s_);
      each.next_s = segments_[each.item].start_s + (steps + 1) * step_s_;
      voice_.beat();
    }
  }

  void finish() {
    for (const auto& each : open_) tell(each);
    open_.clear();
  }

 private:
  struct Open {
    std::size_t item;
    std::unique_ptr<PictureSummary> summary;
    double next_s;  // time from which on the next picture is wanted
    std::int64_t pictures;
  };

  void tell(const Open& each) {
    WorkerResult result;
    result.pictures = each.pictures;
    result.found = each.summary->found();
    try {
      if (each.pictures == 0) {
        throw DataError(segments_[each.item].start_s > end_s_
                            ? beyond_end(segments_[each.item], end_s_)
                            : "the recording has no picture in its time");
      }
      result.values = each.summary->finish();
    } catch (const DataError& error) {
      result.reason = error.what();
    }
    voice_.tell(each.item, result);
  }

  const std::vector<Segment>& segments_;
  double step_s_;
  TimeLimits limits_;
  WorkerVoice& voice_;
  std::vector<Open> open_;
  double end_s_ = 0;
};

double earliest_start(const std::vector<Segment>& segments,
                      const std::vector<std::size_t>& pending) {
  double earliest = segments[pending.front()].start_s;
  for (const std::size_t item : pending) earliest = std::min(earliest, segments[item].start_s);
  return earliest;
}

template <typename Value>
void put(std::string& bytes, Value value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Header of a WAV file with so many bytes of 16-bit mono sound at 16 kHz.
std::string wav_header(std::uint32_t bytes) {
  std::string header = "RIFF";
  put<std::uint32_t>(header, 36 + bytes);
  header += "WAVEfmt ";
  put<std::uint32_t>(header, 16);
  put<std::uint16_t>(header, 1);
  put<std::uint16_t>(header, 1);
  put<std::uint32_t>(header, kSoundRate);
  put<std::uint32_t>(header, kSoundRate * 2);
  put<std::uint16_t>(header, 2);
  put<std::uint16_t>(header, 16);
  header += "data";
  put<std::uint32_t>(header, bytes);
  return header;
}

}  // namespace

WorkerTask sound_task(std::vector<Segment> segments,
                      std::shared_ptr<const SoundExtractor> extractor,
                      const ExtractOptions& options) {
  return [segments = std::move(segments), extractor = std::move(extractor),
          limits = TimeLimits(options)](const std::vector<std::size_t>& pending, bool is_retry,
                                        WorkerVoice& voice) {
    SoundCollector collector(segments, pending, *extractor, limits, voice);
    SoundRequest request;
    // Decoding from the start gives the same samples for any wanted segments; only after a position
    // where the decoder failed it must start later.
    if (is_retry) request.seek_s = earliest_start(segments, pending) - kSeekMarginS;
    request.consume = [&](const SoundChunk& chunk) { collector.add(chunk); };
    request.is_done = [&] { return collector.is_done(); };
    request.heartbeat = [&] { voice.beat(); };
    read_sound(segments.front().media, request);
    collector.finish();
  };
}

WorkerTask picture_task(std::vector<Segment> segments,
                        std::shared_ptr<const PictureExtractor> extractor,
                        const ExtractOptions& options) {
  return [segments = std::move(segments), extractor = std::move(extractor),
          step_s = options.picture_step_s, limits = TimeLimits(options)](
             const std::vector<std::size_t>& pending, bool, WorkerVoice& voice) {
    PictureCollector collector(segments, pending, *extractor, step_s, limits, voice);
    PictureRequest request;
    request.form = extractor->form();
    request.skips_unreferenced = step_s >= kSparseStepS;
    request.wants = [&](double time_s) { return collector.wants(time_s); };
    request.consume = [&](const Picture& picture) { collector.add(picture); };
    request.is_done = [&] { return collector.is_done(); };
    request.next_wanted_s = [&] { return collector.next_wanted_s(); };
    request.heartbeat = [&] { voice.beat(); };
    read_pictures(segments.front().media, request);
    collector.finish();
  };
}

WorkerTask text_task(std::vector<std::string> texts,
                     std::shared_ptr<const TextExtractor> extractor) {
  return [texts = std::move(texts), extractor = std::move(extractor)](
             const std::vector<std::size_t>& pending, bool, WorkerVoice& voice) {
    std::vector<std::string> wanted;
    for (const std::size_t item : pending) wanted.push_back(texts[item]);
    extractor->extract(wanted, [&](std::size_t i, std::vector<float> values, std::string reason) {
      WorkerResult result;
      result.values = std::move(values);
      result.reason = std::move(reason);
      voice.tell(pending[i], result);
    });
  };
}

WorkerTask cut_task(std::filesystem::path media, double shortest_s, double longest_s) {
  return [media = std::move(media), shortest_s, longest_s](const std::vector<std::size_t>&, bool,
                                                           WorkerVoice& voice) {
    PauseCutter cutter;
    double end_s = 0;
    SoundRequest request;
    request.consume = [&](const SoundChunk& chunk) {
      cutter.add(chunk.start_s, chunk.samples);
      end_s =
          std::max(end_s, chunk.start_s + static_cast<double>(chunk.samples.size()) / kSoundRate);
    };
    request.is_done = [&] { return end_s > longest_s; };
    request.heartbeat = [&] { voice.beat(); };
    read_sound(media, request);
    WorkerResult result;
    result.seconds = end_s;
    if (end_s > shortest_s) {
      for (const auto& [start, end] : cutter.cuts()) {
        result.values.push_back(static_cast<float>(start));
        result.values.push_back(static_cast<float>(end));
      }
    }
    voice.tell(0, result);
  };
}

WorkerTask probe_task(std::filesystem::path media) {
  return [media = std::move(media)](const std::vector<std::size_t>&, bool, WorkerVoice& voice) {
    WorkerResult result;
    result.seconds = probe_recording(media).seconds;
    voice.tell(0, result);
  };
}

WorkerTask wav_task(std::filesystem::path media, std::filesystem::path wav) {
  return [media = std::move(media), wav = std::move(wav)](const std::vector<std::size_t>&, bool,
                                                          WorkerVoice& voice) {
    constexpr std::uint64_t kMostBytes = 0xFFFFFF00U;
    std::ofstream file(wav, std::ios::binary);
    file << wav_header(0);
    std::uint64_t bytes = 0;
    SoundRequest request;
    request.consume = [&](const SoundChunk& chunk) {
      bytes += chunk.samples.size_bytes();
      if (bytes > kMostBytes) throw DataError("its sound is too long for a WAV file");
      file.write(reinterpret_cast<const char*>(chunk.samples.data()),
                 static_cast<std::streamsize>(chunk.samples.size_bytes()));
    };
    request.heartbeat = [&] { voice.beat(); };
    read_sound(media, request);
    file.seekp(0);
    file << wav_header(static_cast<std::uint32_t>(bytes));
    file.close();
    if (!file) throw DataError(fmt::format("{}: cannot be written", wav.string()));
    voice.tell(0, {});
  };
}

}  // namespace hardy
