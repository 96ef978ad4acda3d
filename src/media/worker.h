// Decoding in processes of their own: each has a limit of memory, is ended when it makes no
// progress, and tells its results through a pipe. Internal to media/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hardy {

/// What a worker says of one of its items.
struct WorkerResult {
  std::vector<float> values;
  std::string reason;  ///< why there are no values
  double seconds = 0;
  std::int64_t pictures = 0;
  std::int64_t found = 0;
  bool is_final = true;  ///< the same again would give the same: may be kept
};

/// The worker's end of the pipe.
class WorkerVoice {
 public:
  explicit WorkerVoice(int descriptor) : descriptor_(descriptor) {}

  void tell(std::size_t item, const WorkerResult& result);

  /// Proof of life; may be called as often as wanted.
  void beat();

 private:
  void send(char kind, const std::string& body);

  int descriptor_;
  std::int64_t last_beat_ms_ = 0;
};

/// Work on the items `pending` of one recording, in this order. Runs in the worker. Tells a result
/// for each item; an exception becomes the reason of all that are left. `is_retry`: an earlier
/// process failed at an item before these.
using WorkerTask =
    std::function<void(const std::vector<std::size_t>& pending, bool is_retry, WorkerVoice& voice)>;

struct WorkerJob {
  std::string name;  ///< of the recording
  std::size_t items = 0;
  WorkerTask task;
  /// Called in the parent, once for each item.
  std::function<void(std::size_t item, const WorkerResult& result)> consume;
};

struct WorkerLimits {
  int jobs = 1;
  std::int64_t memory_bytes = 0;
  double stall_s = 60;
  std::function<bool()> is_stopped = {};
  std::function<void(const std::string& name)> on_finished = {};
};

/// Runs the jobs, `limits.jobs` at a time. A process that dies or stalls costs the item it was at;
/// another one goes on behind it, and after three such items in a row the rest of the job is given
/// up with the same reason. Throws Interrupted and IoError (no process can be started).
void run_workers(std::vector<WorkerJob> jobs, const WorkerLimits& limits);

}  // namespace hardy
