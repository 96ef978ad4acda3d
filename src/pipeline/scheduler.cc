#include "pipeline/scheduler.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

/// Rethrows a failure with the task's name as its outermost context.
[[noreturn]] void rethrow_with_name(const std::exception_ptr& failure, const std::string& task) {
  try {
    std::rethrow_exception(failure);
  } catch (Error& error) {
    error.add_context(task);
    throw;
  } catch (const std::bad_alloc&) {
    throw IoError(task + ": out of memory", "try fewer --jobs or smaller batches");
  } catch (const std::exception& error) {
    throw InternalError(task + ": " + error.what());
  }
}

}  // namespace

/// State shared by the workers of a run. The mutex guards every member except `has_failed`.
struct Scheduler::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::pair<std::int64_t, TaskId>> ready;  // (-priority, id): the first one runs next
  std::vector<std::size_t> blockers;                // unfinished dependencies of each task
  std::vector<std::vector<TaskId>> followers;
  std::vector<double> fractions;  // progress of each task, 0..1
  std::vector<bool> is_cached;
  std::size_t running = 0;
  std::size_t finished = 0;
  std::map<TaskId, std::exception_ptr> failures;
  std::exception_ptr worker_failure;  // failure of start_worker
  std::atomic<bool> has_failed{false};
};

void TaskContext::report(double done, double total) {
  check(total > 0 && done >= 0 && done <= total, "progress of a task out of range");
  scheduler_.note_progress(task_, done / total);
}

void TaskContext::mark_cached() {
  {
    const std::lock_guard lock(scheduler_.state_->mutex);
    scheduler_.state_->is_cached[task_] = true;
  }
  scheduler_.note_progress(task_, 0);
}

bool TaskContext::is_stopping() const { return scheduler_.is_stopping(); }

void TaskContext::throw_if_stopping() const {
  if (is_stopping()) throw Interrupted();
}

const std::string& TaskContext::name() const { return scheduler_.tasks_[task_].name; }

Scheduler::Scheduler(SchedulerOptions options) : options_(std::move(options)) {
  check(options_.jobs >= 1, "a scheduler needs at least one worker");
}

Scheduler::~Scheduler() = default;

TaskId Scheduler::add(Task task) {
  check(state_ == nullptr, "tasks may not be added while the scheduler runs");
  check(task.cost > 0 && task.work != nullptr, "a task needs work and a cost above 0");
  for (const TaskId dependency : task.dependencies) {
    check(dependency < tasks_.size(), "a task depends on one that was not added before");
  }
  tasks_.push_back(std::move(task));
  return tasks_.size() - 1;
}

void Scheduler::run() {
  State state;
  state.blockers.resize(tasks_.size());
  state.followers.resize(tasks_.size());
  state.fractions.resize(tasks_.size());
  state.is_cached.resize(tasks_.size());
  for (TaskId id = 0; id < tasks_.size(); ++id) {
    const std::set<TaskId> unique(tasks_[id].dependencies.begin(), tasks_[id].dependencies.end());
    state.blockers[id] = unique.size();
    for (const TaskId dependency : unique) state.followers[dependency].push_back(id);
    if (unique.empty()) state.ready.emplace(rank_of(id), id);
  }
  state_ = &state;
  const auto workers = std::min(static_cast<std::size_t>(options_.jobs), tasks_.size());
  {
    std::vector<std::jthread> threads;
    threads.reserve(workers);
    try {
      for (std::size_t i = 0; i < workers; ++i) threads.emplace_back([&] { work(state); });
    } catch (const std::system_error&) {
      // The system refuses more threads: continue with the existing ones.
      if (threads.empty()) {
        state_ = nullptr;
        throw IoError("no worker thread could be started; the system's limit is reached");
      }
    }
  }  // joins
  state_ = nullptr;
  if (!state.failures.empty()) {
    const auto& [id, failure] = *state.failures.begin();
    rethrow_with_name(failure, tasks_[id].name);
  }
  if (state.worker_failure) rethrow_with_name(state.worker_failure, "starting a worker");
  if (state.finished < tasks_.size()) throw Interrupted();
}

void Scheduler::work(State& state) {
  try {
    if (options_.start_worker) options_.start_worker();
  } catch (...) {  // passed to the caller of run(), which rethrows it
    const std::lock_guard lock(state.mutex);
    state.worker_failure = std::current_exception();
    state.has_failed = true;
    state.changed.notify_all();
    return;
  }
  while (run_next(state)) {
  }
}

/// Waits for a ready task and runs it; false when no task is left for this worker.
bool Scheduler::run_next(State& state) {
  TaskId id = 0;
  {
    std::unique_lock lock(state.mutex);
    state.changed.wait(lock,
                       [&] { return is_stopping() || !state.ready.empty() || state.running == 0; });
    if (is_stopping() || state.ready.empty()) return false;
    id = state.ready.begin()->second;
    state.ready.erase(state.ready.begin());
    ++state.running;
  }
  run_one(state, id);
  state.changed.notify_all();
  return true;
}

void Scheduler::run_one(State& state, TaskId id) {
  TaskContext context(*this, id);
  std::exception_ptr failure;
  bool is_interrupted = false;
  try {
    tasks_[id].work(context);
    note_progress(id, 1);
  } catch (const Error& error) {
    is_interrupted = error.kind() == ErrorKind::kInterrupted;
    if (!is_interrupted) failure = std::current_exception();
  } catch (...) {  // passed to the caller of run(), which rethrows it
    failure = std::current_exception();
  }
  const std::lock_guard lock(state.mutex);
  --state.running;
  if (failure) state.failures.emplace(id, failure);
  if (failure || is_interrupted) {
    state.has_failed = true;
    return;
  }
  ++state.finished;
  for (const TaskId follower : state.followers[id]) {
    if (--state.blockers[follower] == 0) {
      state.ready.emplace(rank_of(follower), follower);
    }
  }
}

std::int64_t Scheduler::rank_of(TaskId id) const { return -std::int64_t{tasks_[id].priority}; }

void Scheduler::note_progress(TaskId id, double fraction) {
  if (options_.progress == nullptr) return;
  // The sink is called under the lock, so that it receives progress in order.
  const std::lock_guard lock(state_->mutex);
  state_->fractions[id] = std::max(state_->fractions[id], fraction);
  double done = 0;
  double total = 0;
  for (TaskId task = 0; task < tasks_.size(); ++task) {
    if (state_->is_cached[task]) continue;
    done += tasks_[task].cost * state_->fractions[task];
    total += tasks_[task].cost;
  }
  options_.progress->update(std::min(done, total), total, tasks_[id].name);
}

bool Scheduler::is_stopping() const {
  return (options_.stop != nullptr && options_.stop->load()) ||
         (state_ != nullptr && state_->has_failed.load());
}

}  // namespace hardy
