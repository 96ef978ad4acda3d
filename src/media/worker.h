// Decoding in separate processes: each has a memory limit, is killed when it makes no progress, and
// sends its results through a pipe. Internal to media/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hardy {

/// A worker's result for one item.
struct WorkerResult {
  std::vector<float> values;
  std::string reason;  ///< reason if there are no values
  double seconds = 0;
  std::int64_t pictures = 0;
  std::int64_t found = 0;
  bool is_final = true;  ///< a repetition would give the same: may be stored
};

/// The worker's end of the pipe.
class WorkerVoice {
 public:
  explicit WorkerVoice(int descriptor) : descriptor_(descriptor) {}

  void tell(std::size_t item, const WorkerResult& result);

  /// Sends a sign of life; may be called often.
  void beat();

 private:
  void send(char kind, const std::string& body);

  int descriptor_;
  std::int64_t last_beat_ms_ = 0;
};

/// Processes the items `pending` of one recording, in this order, in the worker. Sends a result for
/// each item; an exception becomes the reason of all remaining ones. `is_retry`: an earlier process
/// failed at an item before these.
using WorkerTask =
    std::function<void(const std::vector<std::size_t>& pending, bool is_retry, WorkerVoice& voice)>;

struct WorkerJob {
  std::string name;  ///< name of the recording
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

/// Runs the jobs, `limits.jobs` at a time. A process that dies or stalls costs its current item;
/// another one continues behind it, and after three such items in a row the rest of the job fails
/// with the same reason. Throws Interrupted, and IoError when no process can be started.
void run_workers(std::vector<WorkerJob> jobs, const WorkerLimits& limits);

}  // namespace hardy
