#include "cli/progress_bar.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "cli/environment.h"
#include "cli/output.h"

namespace hardy {
namespace {

constexpr double kRedrawEvery = 0.1;     // seconds
constexpr double kLineEvery = 30.0;      // seconds
constexpr double kLineGap = 1.0;         // seconds
constexpr double kLineSteps = 20;        // steps of the whole work
constexpr double kEstimateAfter = 0.01;  // share of the work; earlier estimates are unreliable

/// Whole percents, 100 only at the end.
int percent(double share) { return static_cast<int>(std::floor(100 * share)); }

}  // namespace

ProgressBarOptions stderr_progress(bool is_quiet) {
  return {
      .columns = terminal_columns(),
      .is_quiet = is_quiet,
      .write = [](const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); },
      .now_s =
          [] {
            const auto now = std::chrono::steady_clock::now().time_since_epoch();
            return std::chrono::duration<double>(now).count();
          }};
}

ProgressBar::ProgressBar(ProgressBarOptions options)
    : options_(std::move(options)), started_s_(options_.now_s()) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::start(const std::string& phase) {
  const std::lock_guard lock(mutex_);
  phase_ = printable(phase);
  current_.clear();
  done_ = 0;
  total_ = 0;
  started_s_ = options_.now_s();
  last_drawn_s_ = started_s_ - kLineEvery;
  last_share_ = -1;
}

void ProgressBar::update(double done, double total, const std::string& current) {
  const std::lock_guard lock(mutex_);
  done_ = done;
  total_ = total;
  current_ = printable(current);
  if (options_.is_quiet || total_ <= 0) return;
  const double now_s = options_.now_s();
  if (options_.columns > 0) {
    if (now_s - last_drawn_s_ >= kRedrawEvery || done_ >= total_) draw_bar(now_s);
    return;
  }
  const double share = done_ / total_;
  const bool is_step = std::floor(share * kLineSteps) > std::floor(last_share_ * kLineSteps);
  const double waited_s = now_s - last_drawn_s_;
  if (last_share_ >= 1) return;  // the end has been printed
  const bool is_end = done_ >= total_;
  if ((is_step && waited_s >= kLineGap) || waited_s >= kLineEvery || is_end) write_line(now_s);
}

void ProgressBar::note(const std::string& line) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  options_.write("hardy: " + printable(line) + "\n");
}

void ProgressBar::finish() {
  const std::lock_guard lock(mutex_);
  clear_bar();
}

std::string ProgressBar::remaining(double now_s) const {
  const double share = done_ / total_;
  if (share < kEstimateAfter || share >= 1) return {};
  return duration_text((now_s - started_s_) * (1 - share) / share) + " left";
}

void ProgressBar::draw_bar(double now_s) {
  const double share = std::clamp(done_ / total_, 0.0, 1.0);
  const int columns = options_.columns;
  const int width = std::clamp(columns / 4, 5, 30);
  const int filled = static_cast<int>(share * width);
  std::string line = phase_.empty() ? "" : phase_ + " ";
  line += fmt::format("[{}{}] {:3} %", std::string(static_cast<std::size_t>(filled), '#'),
                      std::string(static_cast<std::size_t>(width - filled), '-'), percent(share));
  const std::string left = remaining(now_s);
  if (!left.empty()) line += "  " + left;
  if (!current_.empty()) line += "  " + current_;
  // A line that wraps cannot be redrawn; the last column stays free.
  if (line.size() >= static_cast<std::size_t>(columns)) {
    line.resize(static_cast<std::size_t>(columns - 1));
  }
  options_.write("\r\x1b[K" + line);
  last_drawn_s_ = now_s;
  is_drawn_ = true;
}

void ProgressBar::write_line(double now_s) {
  const double share = done_ / total_;
  std::string line = phase_.empty() ? "" : phase_ + ": ";
  line += fmt::format("{} %", percent(share));
  const std::string left = remaining(now_s);
  if (!left.empty()) line += ", " + left;
  if (!current_.empty()) line += " (" + current_ + ")";
  options_.write("hardy: " + line + "\n");
  last_drawn_s_ = now_s;
  last_share_ = share;
}

void ProgressBar::clear_bar() {
  if (is_drawn_) options_.write("\r\x1b[K");
  is_drawn_ = false;
}

}  // namespace hardy
