// Dialogues that clients hold turn by turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "hardy/stream.h"

namespace hardy {

/// One open dialogue. It keeps the model it was opened with, whatever is loaded later.
struct DialogueSession {
  explicit DialogueSession(Recogniser recogniser) : stream(std::move(recogniser)) {}

  std::mutex mutex;  ///< guards what follows; turns of one dialogue come one after another
  DialogueStream stream;
  std::vector<std::string> speakers;

  /// The number of a speaker; a new one for a new name, -1 for none.
  std::int64_t speaker_number(std::string_view name);
};

struct SessionLimits {
  std::int64_t max_sessions = 1000;
  std::int64_t max_bytes = std::int64_t{256} << 20;
  std::chrono::seconds idle{600};
};

/// All open dialogues. Thread-safe.
class Sessions {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Sessions(const SessionLimits& limits) : limits_(limits) {}

  /// Opens a dialogue and returns its identifier, 32 random hex digits; empty when the limits are
  /// reached even without the expired ones.
  std::string open(const Recogniser& recogniser, Clock::time_point now = Clock::now());

  /// The dialogue, marked as used; null when it is unknown or expired.
  std::shared_ptr<DialogueSession> find(const std::string& id,
                                        Clock::time_point now = Clock::now());

  /// Says how much memory a dialogue holds now. False: the limit of all together is passed.
  bool set_bytes(const std::string& id, std::int64_t bytes);

  /// Whether it was open.
  bool close(const std::string& id);

  /// Forgets what nobody used for too long.
  void expire(Clock::time_point now = Clock::now());

  struct Usage {
    std::int64_t sessions = 0;
    std::int64_t bytes = 0;
  };

  [[nodiscard]] Usage usage() const;

 private:
  struct Entry {
    std::shared_ptr<DialogueSession> session;
    Clock::time_point used;
    std::int64_t bytes = 0;
  };

  void expire_locked(Clock::time_point now);

  SessionLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::int64_t bytes_ = 0;
};

}  // namespace hardy
