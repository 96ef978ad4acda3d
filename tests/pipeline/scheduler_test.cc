#include "pipeline/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "hardy/errors.h"
#include "tests/support/messages.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Records all calls.
class RecordingProgress final : public Progress {
 public:
  void start(const std::string&) override {}

  void update(double done, double total, const std::string& current) override {
    const std::lock_guard lock(mutex_);
    updates.push_back({done, total, current});
  }

  void note(const std::string&) override {}

  void finish() override {}

  struct Update {
    double done;
    double total;
    std::string current;
  };

  std::vector<Update> updates;

 private:
  std::mutex mutex_;
};

/// Names of tasks in the order in which they ran.
class Journal {
 public:
  void write(const TaskContext& context) {
    const std::lock_guard lock(mutex_);
    names_.push_back(context.name());
  }

  [[nodiscard]] std::vector<std::string> names() const { return names_; }

 private:
  std::mutex mutex_;
  std::vector<std::string> names_;
};

TEST(Scheduler, RunsNothingWithoutTasks) {
  Scheduler scheduler({.jobs = 3});
  EXPECT_NO_THROW(scheduler.run());
}

TEST(Scheduler, OneWorkerRunsByPriorityThenAgeAndKeepsDependencies) {
  Journal journal;
  Scheduler scheduler({.jobs = 1});
  const auto note = [&](TaskContext& context) { journal.write(context); };
  const TaskId a = scheduler.add({.name = "a", .work = note});
  scheduler.add({.name = "b", .priority = 5, .work = note});
  const TaskId c = scheduler.add({.name = "c", .dependencies = {a}, .priority = 9, .work = note});
  scheduler.add({.name = "d", .dependencies = {c, a, a}, .work = note});
  scheduler.add({.name = "e", .work = note});
  scheduler.run();
  EXPECT_THAT(journal.names(), ElementsAre("b", "a", "c", "d", "e"));
}

TEST(Scheduler, ManyWorkersFinishDependenciesBeforeFollowers) {
  constexpr int kChains = 20;
  constexpr int kLength = 10;
  for (const int jobs : {1, 2, 7}) {
    Scheduler scheduler({.jobs = jobs});
    std::vector<int> reached(kChains, 0);  // each chain is written by one task at a time
    std::atomic<int> out_of_order{0};
    for (int chain = 0; chain < kChains; ++chain) {
      std::vector<TaskId> before;
      for (int link = 0; link < kLength; ++link) {
        const auto work = [&reached, &out_of_order, chain, link](TaskContext&) {
          int& mine = reached[static_cast<std::size_t>(chain)];
          if (mine != link) ++out_of_order;
          mine = link + 1;
        };
        before = {scheduler.add({.name = "link", .dependencies = before, .work = work})};
      }
    }
    scheduler.run();
    EXPECT_EQ(out_of_order, 0) << jobs;
    EXPECT_EQ(reached, std::vector<int>(kChains, kLength)) << jobs;
  }
}

TEST(Scheduler, IndependentTasksRunAtTheSameTime) {
  Scheduler scheduler({.jobs = 2});
  std::latch both(2);  // would deadlock with one worker
  for (const char* name : {"x", "y"}) {
    scheduler.add({.name = name, .work = [&](TaskContext&) { both.arrive_and_wait(); }});
  }
  scheduler.run();
  EXPECT_TRUE(both.try_wait());
}

TEST(Scheduler, StartsEachWorkerOnceInItsOwnThread) {
  std::mutex mutex;
  std::vector<std::thread::id> started;
  Scheduler scheduler({.jobs = 2, .start_worker = [&] {
                         const std::lock_guard lock(mutex);
                         started.push_back(std::this_thread::get_id());
                       }});
  std::atomic<int> strangers{0};
  std::latch both(2);
  for (int i = 0; i < 6; ++i) {
    scheduler.add({.name = "t", .work = [&, i](TaskContext&) {
                     if (i < 2) both.arrive_and_wait();
                     const std::lock_guard lock(mutex);
                     const auto me = std::this_thread::get_id();
                     if (std::find(started.begin(), started.end(), me) == started.end()) {
                       ++strangers;
                     }
                   }});
  }
  scheduler.run();
  EXPECT_EQ(started.size(), 2U);
  EXPECT_EQ(strangers, 0);
}

TEST(Scheduler, FailureStopsNewTasksAndKeepsItsKindAndTask) {
  Journal journal;
  Scheduler scheduler({.jobs = 1});
  scheduler.add({.name = "fold 1", .work = [&](TaskContext& context) { journal.write(context); }});
  const TaskId bad = scheduler.add(
      {.name = "fold 2", .work = [](TaskContext&) { throw DivergenceError("the loss is NaN"); }});
  scheduler.add({.name = "after", .dependencies = {bad}, .work = [&](TaskContext& context) {
                   journal.write(context);
                 }});
  scheduler.add({.name = "fold 3", .work = [&](TaskContext& context) { journal.write(context); }});
  EXPECT_EQ(message_of<DivergenceError>([&] { scheduler.run(); }), "fold 2: the loss is NaN");
  EXPECT_THAT(journal.names(), ElementsAre("fold 1"));
}

TEST(Scheduler, EveryKindOfErrorStaysItsKind) {
  const auto run_throwing = [](const std::function<void()>& thrower) {
    Scheduler scheduler({.jobs = 1});
    scheduler.add({.name = "t", .work = [&](TaskContext&) { thrower(); }});
    scheduler.run();
  };
  EXPECT_THROW(run_throwing([] { throw ConfigError("x"); }), ConfigError);
  EXPECT_THROW(run_throwing([] { throw DataError("x"); }), DataError);
  EXPECT_THROW(run_throwing([] { throw ShapeError("x"); }), ShapeError);
  EXPECT_THROW(run_throwing([] { throw ArtifactError("x"); }), ArtifactError);
  EXPECT_THROW(run_throwing([] { throw IoError("x"); }), IoError);
  EXPECT_THROW(run_throwing([] { throw InternalError("x"); }), InternalError);
  EXPECT_THAT(
      message_of<InternalError>([&] { run_throwing([] { throw std::runtime_error("odd"); }); }),
      HasSubstr("t: odd"));
  EXPECT_THAT(message_of<IoError>([&] { run_throwing([] { throw std::bad_alloc(); }); }),
              HasSubstr("out of memory"));
  EXPECT_THROW(run_throwing([] { throw Interrupted(); }), Interrupted);
}

TEST(Scheduler, FailureAsksRunningTasksToStopAndWinsOverTheirInterruption) {
  Scheduler scheduler({.jobs = 2});
  std::latch both(2);
  scheduler.add({.name = "long", .work = [&](TaskContext& context) {
                   both.arrive_and_wait();
                   while (true) {
                     context.throw_if_stopping();
                     std::this_thread::yield();
                   }
                 }});
  scheduler.add({.name = "bad", .work = [&](TaskContext&) {
                   both.arrive_and_wait();
                   throw DataError("empty dialogue");
                 }});
  EXPECT_EQ(message_of<DataError>([&] { scheduler.run(); }), "bad: empty dialogue");
}

TEST(Scheduler, OfSeveralFailuresTheOldestTaskIsReported) {
  for (int round = 0; round < 20; ++round) {
    Scheduler scheduler({.jobs = 2});
    std::latch both(2);
    for (const char* name : {"first", "second"}) {
      scheduler.add({.name = name, .work = [&](TaskContext&) {
                       both.arrive_and_wait();
                       throw DataError("broken");
                     }});
    }
    EXPECT_EQ(message_of<DataError>([&] { scheduler.run(); }), "first: broken");
  }
}

TEST(Scheduler, StopFlagLetsRunningTasksFinishAndStartsNoOther) {
  std::atomic<bool> stop{false};
  Journal journal;
  Scheduler scheduler({.jobs = 1, .stop = &stop});
  scheduler.add({.name = "running", .work = [&](TaskContext& context) {
                   stop = true;
                   EXPECT_TRUE(context.is_stopping());
                   journal.write(context);
                 }});
  scheduler.add({.name = "later", .work = [&](TaskContext& context) { journal.write(context); }});
  EXPECT_THROW(scheduler.run(), Interrupted);
  EXPECT_THAT(journal.names(), ElementsAre("running"));
}

TEST(Scheduler, StopAfterTheLastTaskIsNoInterruption) {
  std::atomic<bool> stop{false};
  Scheduler scheduler({.jobs = 1, .stop = &stop});
  scheduler.add({.name = "only", .work = [&](TaskContext&) { stop = true; }});
  EXPECT_NO_THROW(scheduler.run());
}

TEST(Scheduler, AWorkerThatCannotStartEndsTheRun) {
  Scheduler scheduler({.jobs = 2, .start_worker = [] { throw IoError("no such device"); }});
  scheduler.add({.name = "t", .work = [](TaskContext&) { FAIL() << "must not run"; }});
  scheduler.add({.name = "u", .work = [](TaskContext&) { FAIL() << "must not run"; }});
  EXPECT_EQ(message_of<IoError>([&] { scheduler.run(); }), "starting a worker: no such device");
}

TEST(Scheduler, ProgressCountsCostAndForgetsCachedTasks) {
  RecordingProgress progress;
  Scheduler scheduler({.jobs = 1, .progress = &progress});
  scheduler.add({.name = "big", .cost = 6, .work = [](TaskContext& context) {
                   context.report(1, 2);
                   context.report(2, 2);
                 }});
  scheduler.add(
      {.name = "ready", .cost = 10, .work = [](TaskContext& context) { context.mark_cached(); }});
  scheduler.add({.name = "small", .cost = 2, .work = [](TaskContext&) {}});
  scheduler.run();
  std::vector<std::pair<double, double>> seen;
  for (const auto& update : progress.updates) seen.emplace_back(update.done, update.total);
  EXPECT_THAT(seen, ElementsAre(std::pair(3.0, 18.0), std::pair(6.0, 18.0), std::pair(6.0, 18.0),
                                std::pair(6.0, 8.0), std::pair(6.0, 8.0), std::pair(8.0, 8.0)));
  EXPECT_EQ(progress.updates.back().current, "small");
}

TEST(Scheduler, MisuseIsOurBug) {
  EXPECT_THROW(Scheduler({.jobs = 0}), InternalError);
  Scheduler scheduler({.jobs = 1});
  EXPECT_THROW(scheduler.add({.name = "no work"}), InternalError);
  EXPECT_THROW(scheduler.add({.name = "t", .dependencies = {0}, .work = [](TaskContext&) {}}),
               InternalError);
  scheduler.add({.name = "t", .work = [](TaskContext& context) { context.report(3, 2); }});
  EXPECT_THROW(scheduler.run(), InternalError);
}

}  // namespace
}  // namespace hardy
