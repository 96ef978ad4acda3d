#include "media/recording_job.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "hardy/errors.h"
#include "media/recording_exchange.h"
#include "media/segment_list.h"
#include "media/tasks.h"
#include "media/transcript.h"
#include "media/worker.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// A part of the question is refused.
class Refusal : public DataError {
 public:
  Refusal(std::string field, const std::string& reason, bool is_too_large = false)
      : DataError(reason), field_(std::move(field)), is_too_large_(is_too_large) {}

  [[nodiscard]] RecordingAnswer answer() const {
    RecordingAnswer refused;
    refused.field = field_;
    refused.reason = what();
    refused.is_too_large = is_too_large_;
    return refused;
  }

 private:
  std::string field_;
  bool is_too_large_;
};

IoError broken(const char* what) {
  return IoError(fmt::format("{}: {}", what, std::strerror(errno)));
}

void read_exactly(int descriptor, char* data, std::size_t size) {
  while (size > 0) {
    const auto got = ::read(descriptor, data, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw broken("the question cannot be read");
    if (got == 0) throw Interrupted();
    data += got;
    size -= static_cast<std::size_t>(got);
  }
}

void write_exactly(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const auto put = ::write(descriptor, data, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EPIPE) throw Interrupted();
    if (put <= 0) throw broken("the answer cannot be written");
    data += put;
    size -= static_cast<std::size_t>(put);
  }
}

std::uint64_t read_size(int descriptor) {
  std::uint64_t size = 0;
  read_exactly(descriptor, reinterpret_cast<char*>(&size), sizeof size);
  return size;
}

/// Copies the recording into memory that a decoder opens by a path.
void copy_recording(int question, int memory) {
  std::array<char, 1 << 16> block;
  for (std::uint64_t left = read_size(question); left > 0;) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, block.size()));
    read_exactly(question, block.data(), size);
    write_exactly(memory, block.data(), size);
    left -= size;
  }
}

/// The extraction of one recording.
class RecordingJob {
 public:
  RecordingJob(RecordingQuestion question, fs::path file, ExtractOptions options)
      : question_(std::move(question)), file_(std::move(file)), options_(std::move(options)) {
    options_.wanted = question_.wanted;
    options_.max_recording_s = question_.max_recording_s;
  }

  RecordingAnswer run() {
    check_recording();
    RecordingAnswer answer;
    std::vector<Segment> segments = list(answer.notes);
    if (std::cmp_greater(segments.size(), question_.max_utterances)) {
      throw Refusal("recording",
                    fmt::format("has {} utterances, the limit is {}", segments.size(),
                                question_.max_utterances),
                    true);
    }
    for (auto& segment : segments) segment.media = file_;
    answer.segments = extract_segments(segments, options_);
    for (auto& each : answer.segments) {
      for (auto& modality : each.modalities) {
        if (modality.reason == recording_too_long_text(question_.max_recording_s)) refuse_length();
        modality.reason = without_path(modality.reason);
      }
    }
    return answer;
  }

 private:
  /// Runs one decoding process.
  WorkerResult run_alone(WorkerTask task) const {
    WorkerResult told;
    WorkerJob job;
    job.name = question_.name;
    job.items = 1;
    job.task = std::move(task);
    job.consume = [&](std::size_t, const WorkerResult& result) { told = result; };
    WorkerLimits limits;
    limits.memory_bytes = options_.memory_bytes;
    limits.stall_s = options_.stall_s;
    limits.is_stopped = options_.is_stopped;
    std::vector<WorkerJob> jobs;
    jobs.push_back(std::move(job));
    run_workers(std::move(jobs), limits);
    return told;
  }

  void check_recording() const {
    const WorkerResult facts = run_alone(probe_task(file_));
    if (!facts.reason.empty()) throw Refusal("recording", without_path(facts.reason));
  }

  /// The length counts that was decoded: containers state another one, or none.
  [[noreturn]] void refuse_length() const {
    throw Refusal("recording",
                  fmt::format("is longer than {:g} s, the limit", question_.max_recording_s), true);
  }

  /// Messages name the file that the client sent, not its place in memory.
  [[nodiscard]] std::string without_path(std::string reason) const {
    const std::string path = file_.string();
    for (auto at = reason.find(path); at != reason.npos; at = reason.find(path)) {
      reason.replace(at, path.size(), question_.name);
    }
    return reason;
  }

  std::vector<Segment> list(std::vector<std::string>& notes) const {
    if (!question_.transcript.empty()) return list_cues(notes);
    if (question_.cut == "whole") return segments_of_cuts(question_.name, {});
    const double shortest_s = question_.cut == "pauses" ? 0 : kLongestWholeS;
    const auto told = run_alone(cut_task(file_, shortest_s, question_.max_recording_s));
    if (told.seconds > question_.max_recording_s) refuse_length();
    std::vector<std::pair<double, double>> cuts;
    for (std::size_t i = 0; i + 1 < told.values.size(); i += 2) {
      cuts.emplace_back(static_cast<double>(told.values[i]),
                        static_cast<double>(told.values[i + 1]));
    }
    return segments_of_cuts(question_.name, cuts);
  }

  std::vector<Segment> list_cues(std::vector<std::string>& notes) const {
    Transcript transcript;
    try {
      transcript =
          parse_transcript(question_.transcript, question_.transcript_name, {question_.tier});
    } catch (const Error& error) {
      throw Refusal("transcript", error.what());
    }
    notes = transcript.notes;
    const auto cues = cues_of(transcript, question_.name);
    if (cues.empty()) {
      throw Refusal("transcript", fmt::format("holds no utterance of {}", question_.name));
    }
    return segments_of_cues(question_.name, cues);
  }

  RecordingQuestion question_;
  fs::path file_;
  ExtractOptions options_;
};

}  // namespace

void answer_recording(int question, int answer, const ExtractOptions& options) {
  constexpr std::uint64_t kLargestQuestion = std::uint64_t{64} << 20;
  const std::uint64_t size = read_size(question);
  if (size > kLargestQuestion) throw IoError("the question is too large");
  std::string text(static_cast<std::size_t>(size), '\0');
  read_exactly(question, text.data(), text.size());
  RecordingQuestion asked = decode_question(text);
  const std::string name = asked.name;
  const Descriptor memory(::memfd_create("recording", MFD_CLOEXEC));
  if (memory.number() < 0) throw broken("no memory for the recording");
  copy_recording(question, memory.number());
  ExtractOptions own = options;
  own.is_stopped = [answer] {
    pollfd reader{answer, 0, 0};
    return ::poll(&reader, 1, 0) > 0 && (reader.revents & (POLLERR | POLLHUP)) != 0;
  };
  RecordingAnswer result;
  try {
    const auto file = fmt::format("/proc/self/fd/{}", memory.number());
    result = RecordingJob(std::move(asked), file, std::move(own)).run();
    for (auto& each : result.segments) each.segment.media = name;
  } catch (const Refusal& refusal) {
    result = refusal.answer();
  }
  const std::string bytes = encode_answer(result);
  write_exactly(answer, bytes.data(), bytes.size());
}

}  // namespace hardy
