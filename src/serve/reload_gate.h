// Who may load the model again: one at a time, one waiting, the newest wins.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hardy {

/// Thread-safe.
class ReloadGate {
 public:
  enum class Turn {
    kGo,        ///< load, then call leave()
    kReplaced,  ///< somebody came later and waits instead
    kStopping
  };

  /// Waits while another one loads; never more than one caller waits.
  Turn enter();

  void leave();

  /// Whoever waits, or comes later, is told kStopping.
  void stop();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t newest_ = 0;  ///< ticket of the last one that had to wait
  bool is_busy_ = false;
  bool is_stopping_ = false;
};

}  // namespace hardy
