// Runs named, interdependent tasks on worker threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/progress.h"

namespace hardy {

class Scheduler;

/// Interface of a running task to the scheduler. Valid during the task's work, from its thread
/// only.
class TaskContext {
 public:
  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;

  /// `done` of `total` steps (epochs) of this task are finished. Range: 0 <= done <= total.
  void report(double done, double total);

  /// Marks the result as found in the cache: the task's estimated cost no longer counts.
  void mark_cached();

  /// Whether the task should stop soon: after an interruption, or because another task failed.
  [[nodiscard]] bool is_stopping() const;

  /// Throws Interrupted when is_stopping(). Requires: called at least once per epoch, after storing
  /// the state to resume from.
  void throw_if_stopping() const;

  [[nodiscard]] const std::string& name() const;

 private:
  friend class Scheduler;

  TaskContext(Scheduler& scheduler, std::size_t task) : scheduler_(scheduler), task_(task) {}

  Scheduler& scheduler_;
  std::size_t task_;
};

using TaskId = std::size_t;

/// A task to be added. `work` must not depend on the order in which independent tasks run.
struct Task {
  std::string name = {};  ///< name in progress and failures, e.g. "fold 2, seed 1: hardness"
  std::vector<TaskId> dependencies = {};  ///< earlier tasks that must be finished first
  int priority = 0;  ///< among ready tasks the highest runs first, then the oldest
  double cost = 1;   ///< estimate in any unit; > 0
  std::function<void(TaskContext&)> work = {};
};

struct SchedulerOptions {
  int jobs = 1;                             ///< worker threads; >= 1
  const std::atomic<bool>* stop = nullptr;  ///< set from outside (a signal) to stop soon
  std::function<void()> start_worker = {};  ///< called once in each worker before its first task
  Progress* progress = nullptr;             ///< may be null; must outlive run()
};

/// A set of tasks, added first, then run once. Not thread-safe.
class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Requires: dependencies are ids that `add` returned, which excludes cycles.
  TaskId add(Task task);

  /// Runs everything and joins the workers. After a failure no further task starts and running ones
  /// are stopped; then the failure is rethrown as the same kind of error with the task's name in
  /// front (of several failures that of the task added first). Throws Interrupted when the stop
  /// flag kept a task from finishing, or when a task throws it.
  void run();

 private:
  friend class TaskContext;
  struct State;

  void work(State& state);
  bool run_next(State& state);
  void run_one(State& state, TaskId id);
  void note_progress(TaskId id, double fraction);
  [[nodiscard]] std::int64_t rank_of(TaskId id) const;
  [[nodiscard]] bool is_stopping() const;

  SchedulerOptions options_;
  std::vector<Task> tasks_;
  State* state_ = nullptr;  // during run()
};

}  // namespace hardy
