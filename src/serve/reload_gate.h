// Serialises reloads: one at a time, one waiting, the newest replaces the waiting one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hardy {

/// A gate for reloads. Thread-safe.
class ReloadGate {
 public:
  enum class Turn {
    kGo,        ///< load, then call leave()
    kReplaced,  ///< a later caller waits instead
    kStopping
  };

  /// Waits while another caller loads; at most one caller waits.
  Turn enter();

  void leave();

  /// The waiting caller and all later ones get kStopping.
  void stop();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t newest_ = 0;  ///< ticket of the latest waiting caller
  bool is_busy_ = false;
  bool is_stopping_ = false;
};

}  // namespace hardy
