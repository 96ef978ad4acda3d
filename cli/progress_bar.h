// Display of progress: a bar with the remaining time on a terminal, otherwise a line now and then.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "pipeline/progress.h"

namespace hardy {

struct ProgressBarOptions {
  int columns = 0;        ///< width of the terminal; 0 = not a terminal: plain lines
  bool is_quiet = false;  ///< notes only
  std::function<void(const std::string&)> write = {};  ///< output function (standard error)
  std::function<double()> now_s = {};                  ///< a clock in seconds
};

/// Options for this process: standard error, its width, the steady clock.
ProgressBarOptions stderr_progress(bool is_quiet);

/// Draws at most ten times a second; plain lines come at steps of 5 %, at least 1 s and at most 30
/// s apart, so that a log stays short. Thread-safe.
class ProgressBar final : public Progress {
 public:
  explicit ProgressBar(ProgressBarOptions options);
  ~ProgressBar() override;

  void start(const std::string& phase) override;
  void update(double done, double total, const std::string& current) override;
  void note(const std::string& line) override;
  void finish() override;

 private:
  void draw_bar(double now_s);
  void write_line(double now_s);
  void clear_bar();
  [[nodiscard]] std::string remaining(double now_s) const;

  ProgressBarOptions options_;
  std::mutex mutex_;  // guards the members below
  std::string phase_;
  std::string current_;
  double done_ = 0;
  double total_ = 0;
  double started_s_ = 0;
  double last_drawn_s_ = 0;
  double last_share_ = -1;
  bool is_drawn_ = false;
};

}  // namespace hardy
