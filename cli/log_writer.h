// Lines for standard error that must never hold up whoever writes them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace hardy {

/// Writes lines in a thread of its own. Who reads them may stop reading or go away: lines are then
/// dropped, and counted. Thread-safe.
class LogWriter {
 public:
  explicit LogWriter(int descriptor);

  /// Writes what is left, as far as somebody reads it.
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
  std::thread thread_;  // last: it uses what stands above
};

}  // namespace hardy
