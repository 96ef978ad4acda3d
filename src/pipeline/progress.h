// Progress of long work, for display or metrics.
#pragma once

#include <string>

namespace hardy {

/// Receives progress. Implementations are called from several threads at a time and must be
/// thread-safe and quick, and must not throw.
class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  virtual ~Progress() = default;

  /// A phase of work begins, e.g. "training".
  virtual void start(const std::string& phase) = 0;

  /// `done` of `total` units of estimated cost are finished; `current` names the last change.
  /// `total` may decrease when work turns out to be cached. Range: 0 <= done <= total; both are 0
  /// while everything so far was cached.
  virtual void update(double done, double total, const std::string& current) = 0;

  /// One line for the user that is no error, e.g. "3 damaged cache entries were recomputed".
  virtual void note(const std::string& line) = 0;

  /// The phase has ended, possibly by a failure.
  virtual void finish() = 0;
};

/// Discards everything.
class NoProgress final : public Progress {
 public:
  void start(const std::string& /*phase*/) override {}

  void update(double /*done*/, double /*total*/, const std::string& /*current*/) override {}

  void note(const std::string& /*line*/) override {}

  void finish() override {}
};

}  // namespace hardy
