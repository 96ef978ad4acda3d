#include "media/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <list>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kLargestMessage = std::size_t{64} << 20;
constexpr std::int64_t kBeatMs = 200;
constexpr int kMostFailuresInARow = 3;
constexpr int kPollMs = 200;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void write_all(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const auto written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) ::_Exit(1);  // the parent is gone
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

/// Address space of this process, bytes: what the parent has mapped counts in its children, too.
rlim_t mapped_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long pages = 0;
  const int count = std::fscanf(file, "%lu", &pages);
  std::fclose(file);
  return count == 1 ? static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

/// Fixed-size part of a result message; texts and values follow.
struct ResultHead {
  std::uint64_t item = 0;
  std::uint64_t value_count = 0;
  double seconds = 0;
  std::int64_t pictures = 0;
  std::int64_t found = 0;
  std::int64_t is_final = 0;
};

/// Parses a result message. The sender may be compromised by a hostile file, so nothing in it is
/// trusted. False for an invalid message.
bool parse_result(const std::string& body, std::size_t& item, WorkerResult& result) {
  ResultHead head;
  if (body.size() < sizeof head) return false;
  std::memcpy(&head, body.data(), sizeof head);
  const std::size_t rest = body.size() - sizeof head;
  if (head.value_count > rest / sizeof(float)) return false;
  item = static_cast<std::size_t>(head.item);
  result.values.resize(static_cast<std::size_t>(head.value_count));
  const std::size_t bytes = result.values.size() * sizeof(float);
  if (bytes > 0) std::memcpy(result.values.data(), body.data() + sizeof head, bytes);
  result.reason = body.substr(sizeof head + bytes);
  result.seconds = head.seconds;
  result.pictures = head.pictures;
  result.found = head.found;
  result.is_final = head.is_final != 0;
  return true;
}

/// A running job: its process, received bytes, pending items.
class Worker {
 public:
  Worker(WorkerJob job, const WorkerLimits& limits) : job_(std::move(job)), limits_(limits) {
    for (std::size_t i = 0; i < job_.items; ++i) pending_.push_back(i);
    start(false);
  }

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  ~Worker() { end_process(); }

  [[nodiscard]] bool is_finished() const { return process_ < 0; }

  [[nodiscard]] int descriptor() const { return pipe_; }

  [[nodiscard]] const std::string& name() const { return job_.name; }

  /// Reads messages of the process; detects its end.
  void listen() {
    char buffer[65536];
    const auto got = ::read(pipe_, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got > 0) {
      heard_ms_ = now_ms();
      received_.append(buffer, static_cast<std::size_t>(got));
      if (!take_messages()) fail_item("its decoder process sent nonsense");
      return;
    }
    const std::string reason = end_process();
    if (pending_.empty()) return;
    fail_item(reason);
  }

  void check_stall() {
    const double silent_s = static_cast<double>(now_ms() - heard_ms_) / 1000;
    if (silent_s < limits_.stall_s) return;
    fail_item(
        fmt::format("its decoder made no progress for {:.0f} s and was ended", limits_.stall_s));
  }

 private:
  void start(bool is_retry) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw IoError(fmt::format("no pipe for a decoding process: {}", std::strerror(errno)));
    }
    const pid_t process = ::fork();
    if (process < 0) {
      const int error = errno;
      ::close(ends[0]);
      ::close(ends[1]);
      throw IoError(fmt::format("no decoding process can be started: {}; try fewer --jobs",
                                std::strerror(error)));
    }
    if (process == 0) {
      ::close(ends[0]);
      work(ends[1], is_retry);
    }
    ::close(ends[1]);
    process_ = process;
    pipe_ = ends[0];
    received_.clear();
    heard_ms_ = now_ms();
  }

  /// Main function of the process.
  [[noreturn]] void work(int descriptor, bool is_retry) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGPIPE, SIG_DFL);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__)
    if (limits_.memory_bytes > 0) {
      const auto bytes = static_cast<rlim_t>(limits_.memory_bytes) + mapped_bytes();
      const rlimit memory{bytes, bytes};
      ::setrlimit(RLIMIT_AS, &memory);
    }
#endif
    WorkerVoice voice(descriptor);
    std::string reason;
    bool is_final = true;
    try {
      job_.task(pending_, is_retry, voice);
      ::_Exit(0);
    } catch (const std::bad_alloc&) {
      reason = "decoding it needs more memory than --memory allows";
      is_final = false;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    for (const std::size_t item : pending_) {
      WorkerResult result;
      result.reason = reason;
      result.is_final = is_final;
      voice.tell(item, result);  // items that are done are not pending in the parent
    }
    ::_Exit(0);
  }

  /// Takes whole messages out of the received bytes. False for an invalid message.
  bool take_messages() {
    std::size_t at = 0;
    while (received_.size() - at >= 5) {
      std::uint32_t size = 0;
      std::memcpy(&size, received_.data() + at, sizeof size);
      if (size > kLargestMessage) return false;
      if (received_.size() - at < 5 + static_cast<std::size_t>(size)) break;
      const char kind = received_[at + 4];
      const std::string body = received_.substr(at + 5, size);
      at += 5 + static_cast<std::size_t>(size);
      if (kind == 'b') continue;
      std::size_t item = 0;
      WorkerResult result;
      if (kind != 'r' || !parse_result(body, item, result) || item >= job_.items) return false;
      finish_item(item, result);
    }
    received_.erase(0, at);
    return true;
  }

  void finish_item(std::size_t item, const WorkerResult& result) {
    const auto found = std::find(pending_.begin(), pending_.end(), item);
    if (found == pending_.end()) return;
    pending_.erase(found);
    if (result.reason.empty()) failures_ = 0;
    job_.consume(item, result);
  }

  /// Gives the process's current item a reason; another process continues behind it.
  void fail_item(const std::string& reason) {
    end_process();
    ++failures_;
    WorkerResult failed;
    failed.reason = reason;
    failed.is_final = false;
    do {
      if (pending_.empty()) return;
      const std::size_t item = pending_.front();
      finish_item(item, failed);
    } while (failures_ >= kMostFailuresInARow);
    if (!pending_.empty()) start(true);
  }

  /// Kills and reaps the process. Returns how it ended.
  std::string end_process() {
    if (process_ < 0) return {};
    ::close(pipe_);
    ::kill(process_, SIGKILL);
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    pipe_ = -1;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
      return fmt::format("its decoder crashed ({})", ::strsignal(WTERMSIG(status)));
    }
    return "its decoder process ended early";
  }

  WorkerJob job_;
  const WorkerLimits& limits_;
  std::vector<std::size_t> pending_;
  pid_t process_ = -1;
  int pipe_ = -1;
  std::string received_;
  std::int64_t heard_ms_ = 0;
  int failures_ = 0;  // consecutive failures
};

}  // namespace

void WorkerVoice::send(char kind, const std::string& body) {
  std::string message(5, '\0');
  const auto size = static_cast<std::uint32_t>(body.size());
  std::memcpy(message.data(), &size, sizeof size);
  message[4] = kind;
  message += body;
  write_all(descriptor_, message.data(), message.size());
}

void WorkerVoice::tell(std::size_t item, const WorkerResult& result) {
  ResultHead head;
  head.item = item;
  head.value_count = result.values.size();
  head.seconds = result.seconds;
  head.pictures = result.pictures;
  head.found = result.found;
  head.is_final = result.is_final ? 1 : 0;
  std::string body(sizeof head + result.values.size() * sizeof(float), '\0');
  std::memcpy(body.data(), &head, sizeof head);
  if (!result.values.empty()) {
    std::memcpy(body.data() + sizeof head, result.values.data(),
                result.values.size() * sizeof(float));
  }
  send('r', body + result.reason);
}

void WorkerVoice::beat() {
  const std::int64_t now = now_ms();
  if (now - last_beat_ms_ < kBeatMs) return;
  last_beat_ms_ = now;
  send('b', {});
}

void run_workers(std::vector<WorkerJob> jobs, const WorkerLimits& limits) {
  std::list<Worker> workers;
  std::size_t next = 0;
  while (next < jobs.size() || !workers.empty()) {
    if (limits.is_stopped && limits.is_stopped()) throw Interrupted();
    while (next < jobs.size() && workers.size() < static_cast<std::size_t>(limits.jobs)) {
      workers.emplace_back(std::move(jobs[next++]), limits);
    }
    std::vector<pollfd> polled;
    for (const auto& worker : workers) polled.push_back({worker.descriptor(), POLLIN, 0});
    ::poll(polled.data(), polled.size(), kPollMs);
    std::size_t i = 0;
    for (auto worker = workers.begin(); worker != workers.end(); ++i) {
      if (polled[i].revents != 0) {
        worker->listen();
      } else {
        worker->check_stall();
      }
      if (!worker->is_finished()) {
        ++worker;
        continue;
      }
      if (limits.on_finished) limits.on_finished(worker->name());
      worker = workers.erase(worker);
    }
  }
}

}  // namespace hardy
