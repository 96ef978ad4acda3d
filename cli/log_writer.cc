#include "cli/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include <fmt/format.h>

namespace hardy {

LogWriter::LogWriter(int descriptor) : descriptor_(descriptor), thread_([this] { work(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void LogWriter::write(std::string line) {
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kMostLines) {
      ++dropped_;
      return;
    }
    lines_.push_back(std::move(line));
  }
  arrived_.notify_one();
}

void LogWriter::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [this] { return is_stopping_ || !lines_.empty(); });
    if (lines_.empty()) return;
    auto line = std::move(lines_.front());
    lines_.pop_front();
    const auto dropped = dropped_;
    dropped_ = 0;
    lock.unlock();
    if (dropped > 0) {
      line = fmt::format(R"({{"event":"{} lines of the log were lost"}})", dropped) + "\n" + line;
    }
    const bool was_written = put(line + "\n");
    lock.lock();
    if (was_written) continue;
    dropped_ += dropped + 1;
    if (is_stopping_) return;
  }
}

/// False when the reader is gone. A pipe that is ready takes a line without blocking.
bool LogWriter::put(const std::string& line) const {
  constexpr int kPatienceMs = 500;
  std::string_view left = line;
  while (!left.empty()) {
    pollfd ready{descriptor_, POLLOUT, 0};
    const int count = ::poll(&ready, 1, kPatienceMs);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    const ssize_t put = ::write(descriptor_, left.data(), left.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace hardy
