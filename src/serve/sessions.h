// Sessions: dialogues that clients hold turn by turn.
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

/// One open dialogue. It keeps its model across reloads.
struct DialogueSession {
  explicit DialogueSession(Recogniser recogniser) : stream(std::move(recogniser)) {}

  std::mutex mutex;  ///< guards the members below; turns of one dialogue are sequential
  DialogueStream stream;
  std::vector<std::string> speakers;

  /// The number of a speaker: a new one for a new name, -1 for the empty name.
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

  /// The dialogue, marked as used; null if unknown or expired.
  std::shared_ptr<DialogueSession> find(const std::string& id,
                                        Clock::time_point now = Clock::now());

  /// Sets the memory of a dialogue. False: the limit of all dialogues together is exceeded.
  bool set_bytes(const std::string& id, std::int64_t bytes);

  /// Closes a dialogue. Returns whether it was open.
  bool close(const std::string& id);

  /// Removes dialogues beyond the idle timeout.
  void expire(Clock::time_point now = Clock::now());

  /// Memory of the dialogues that ended since the last call.
  std::int64_t take_freed();

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

  using Entries = std::map<std::string, Entry>;

  void expire_locked(Clock::time_point now);
  Entries::iterator forget(Entries::iterator entry);

  SessionLimits limits_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::int64_t bytes_ = 0;
  std::int64_t freed_ = 0;
};

}  // namespace hardy
