// Asks the helper of the service (hardy-extractor) to extract recordings.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>

#include "media/recording_exchange.h"

namespace hardy {

/// Result of one question.
struct RecordingOutcome {
  enum class State {
    kAnswered,
    kGone,      ///< the client hung up, or the service stops
    kTooSlow,   ///< the time is over
    kEnded,     ///< the process ended without an answer, or with a damaged one
    kBusy,      ///< the helper takes no further question now
    kNoHelper,  ///< the helper has ended for good
  };

  State state = State::kEnded;
  RecordingAnswer answer;
};

/// The service's end. Thread-safe: each question has pipes of its own, which the helper gets
/// through the socket and hands to a process of its own. Needs no rights that the jail takes away.
class RecordingClient {
 public:
  /// Owns `control`. Shapes: makers index as in kMediaModalities.
  RecordingClient(int control, const std::array<FeatureMaker, 3>& makers)
      : control_(control), makers_(makers) {}

  ~RecordingClient();
  RecordingClient(const RecordingClient&) = delete;
  RecordingClient& operator=(const RecordingClient&) = delete;

  [[nodiscard]] const std::array<FeatureMaker, 3>& makers() const { return makers_; }

  enum class HelperState {
    kReady,
    kRestarting,  ///< it died, and its supervisor (cli/answer_recordings.cc) starts it again
    kLost,        ///< it has ended for good
  };

  [[nodiscard]] HelperState state() const;

  /// Blocks until the answer, at most `patience`. `is_gone` is polled; the extraction ends when it
  /// becomes true or the time is over. Requires: SIGPIPE is ignored, because a process may end
  /// before it has read everything.
  [[nodiscard]] RecordingOutcome ask(const RecordingQuestion& question, std::string_view recording,
                                     std::chrono::seconds patience,
                                     const std::function<bool()>& is_gone) const;

 private:
  const int control_;
  mutable std::atomic<bool> is_down_{false};
  const std::array<FeatureMaker, 3> makers_;
};

}  // namespace hardy
