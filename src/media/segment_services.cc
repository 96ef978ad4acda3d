#include "media/segment_services.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "media/tasks.h"
#include "media/transcript.h"

extern char** environ;  // NOLINT: what a started program inherits

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr double kLongestRecognitionS = 4 * 3600;

WorkerLimits limits_of(const ExtractOptions& options) {
  WorkerLimits limits;
  limits.jobs = options.jobs;
  limits.memory_bytes = options.memory_bytes;
  limits.stall_s = options.stall_s;
  limits.is_stopped = options.is_stopped;
  return limits;
}

/// Kills and reaps a program.
void end_program(pid_t process) {
  ::kill(process, SIGKILL);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
}

/// Runs a program with its output on standard error; returns the problem, or nothing.
std::string run_program(std::vector<std::string> words, const std::function<bool()>& is_stopped) {
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t process = -1;
  const int error =
      ::posix_spawnp(&process, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw ConfigError(
        fmt::format("--asr: '{}' cannot be started: {}", words[0], std::strerror(error)));
  }
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(process, &status, WNOHANG);
    if (ended == process) {
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
      return WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                               : fmt::format("signal {}", WTERMSIG(status));
    }
    if (is_stopped && is_stopped()) {
      end_program(process);
      throw Interrupted();
    }
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    if (passed.count() > kLongestRecognitionS) {
      end_program(process);
      return "no end after 4 hours";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string with_paths(std::string word, const fs::path& wav, const fs::path& out) {
  const auto replace = [&](const char* mark, const fs::path& path) {
    for (auto at = word.find(mark); at != std::string::npos; at = word.find(mark)) {
      word.replace(at, std::strlen(mark), path.string());
    }
  };
  replace("{wav}", wav);
  replace("{out}", out);
  return word;
}

}  // namespace

std::vector<std::string> split_command(const std::string& command) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char letter = command[i];
    if (letter == ' ' || letter == '\t') {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (letter != '"' && letter != '\'') {
      words.back() += letter;
      continue;
    }
    const auto end = command.find(letter, i + 1);
    if (end == std::string::npos) {
      throw ConfigError(fmt::format("--asr {}: a quote does not end", command));
    }
    words.back() += command.substr(i + 1, end - i - 1);
    i = end;
  }
  return words;
}

SegmentPreparation::SegmentPreparation(const std::string& asr, const ExtractOptions& options)
    : command_(split_command(asr)), options_(options) {
  if (command_.empty()) return;
  for (const char* mark : {"{wav}", "{out}"}) {
    if (asr.find(mark) != std::string::npos) continue;
    throw ConfigError(fmt::format(
        "--asr {}: {} is missing; e.g. --asr 'whisper-cli -f {{wav}} -oj -of {{out}}'", asr, mark));
  }
  std::string pattern = (fs::temp_directory_path() / "hardy-asr-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw IoError(fmt::format("{}: {}", pattern, std::strerror(errno)));
  }
  folder_ = pattern;
}

SegmentPreparation::~SegmentPreparation() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

SegmentServices SegmentPreparation::services() {
  return {
      [this](const std::vector<fs::path>& recordings, CutMode mode) {
        return cut(recordings, mode);
      },
      [this](const fs::path& recording, std::string& note) { return transcribe(recording, note); }};
}

std::vector<std::vector<std::pair<double, double>>> SegmentPreparation::cut(
    const std::vector<fs::path>& recordings, CutMode mode) const {
  std::vector<std::vector<std::pair<double, double>>> cuts(recordings.size());
  std::vector<WorkerJob> jobs;
  for (std::size_t r = 0; r < recordings.size(); ++r) {
    WorkerJob job;
    job.name = recordings[r].string();
    job.items = 1;
    job.task = cut_task(recordings[r], mode == CutMode::kPauses ? 0 : kLongestWholeS);
    job.consume = [&cuts, r](std::size_t, const WorkerResult& result) {
      for (std::size_t i = 0; i + 1 < result.values.size(); i += 2) {
        cuts[r].emplace_back(static_cast<double>(result.values[i]),
                             static_cast<double>(result.values[i + 1]));
      }
    };
    jobs.push_back(std::move(job));
  }
  run_workers(std::move(jobs), limits_of(options_));
  return cuts;
}

fs::path SegmentPreparation::transcribe(const fs::path& recording, std::string& note) {
  const fs::path own = folder_ / std::to_string(count_++);
  std::error_code error;
  fs::create_directory(own, error);
  const fs::path wav = own / "sound.wav";
  const fs::path out = own / recording.stem();
  std::string failure;
  WorkerJob job;
  job.name = recording.string();
  job.items = 1;
  job.task = wav_task(recording, wav);
  job.consume = [&](std::size_t, const WorkerResult& result) { failure = result.reason; };
  std::vector<WorkerJob> jobs;
  jobs.push_back(std::move(job));
  run_workers(std::move(jobs), limits_of(options_));
  if (failure.empty()) {
    std::vector<std::string> words;
    for (const auto& word : command_) words.push_back(with_paths(word, wav, out));
    failure = run_program(std::move(words), options_.is_stopped);
  }
  fs::remove(wav, error);
  if (!failure.empty()) {
    note = fmt::format("{}: no transcript by --asr: {}", recording.string(), failure);
    return {};
  }
  if (fs::is_regular_file(out, error)) return out;
  const fs::path found = find_transcript(recording, own);
  if (found.empty()) {
    note = fmt::format("{}: --asr wrote neither {{out}} nor {{out}}.json, .srt, .vtt, .txt",
                       recording.string());
  }
  return found;
}

}  // namespace hardy
