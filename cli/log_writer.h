// Lines for standard error that never block the writer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace hardy {

/// Writes lines in its own thread. If the reader stops reading or disappears, lines are dropped and
/// counted. Thread-safe.
class LogWriter {
 public:
  explicit LogWriter(int descriptor);

  /// Writes the remaining lines as far as they are read.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void write(std::string line);

 private:
  static constexpr std::size_t kMostLines = 4096;

  void work();
  bool put(const std::string& line) const;

  int descriptor_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::string> lines_;
  std::int64_t dropped_ = 0;
  bool is_stopping_ = false;
  std::thread thread_;  // last, because it uses the members above
};

}  // namespace hardy
