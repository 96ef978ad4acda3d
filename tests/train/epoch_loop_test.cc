#include "train/epoch_loop.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <thread>

#include "hardy/errors.h"
#include "pipeline/stage_cache.h"
#include "support/temp_dir.h"

namespace hardy {
namespace {

/// A two-parameter problem whose batches draw noise, so that streams matter.
struct Problem {
  ParameterSet parameters;
  at::Tensor x = parameters.add_constant("x", {3}, 4.0);
  StageServices services;
  EpochLoopOptions options;

  Problem() {
    services.seeds = Seeds(5);
    options.stage = "problem";
    options.items = 7;
    options.epochs = 6;
    options.optimiser.batch = 3;
    options.optimiser.learning_rate = 0.1;
    options.optimiser.schedule = Schedule::kCosine;
  }

  std::vector<CurvePoint> run(const std::function<double()>& validation = nullptr) {
    const auto batch = [this](const std::vector<std::int64_t>& items, BatchStreams& streams,
                              const std::function<void(const at::Tensor&)>& update) {
      const double noise = draw_unit(streams.draws) + static_cast<double>(items.front());
      update((x - noise).square().sum());
    };
    return run_epochs(options, services, parameters, batch, validation);
  }
};

TEST(EpochLoop, ResumingFromACheckpointGivesTheSameBytesAndCurve) {
  const auto validation_of = [](Problem& problem) {
    return [&problem] { return problem.x.square().sum().item<double>(); };
  };
  Problem whole;
  const auto curve = whole.run(validation_of(whole));

  std::optional<TensorFile> stored;
  int interruptions = 0;
  std::vector<CurvePoint> resumed;
  at::Tensor result;
  for (int attempt = 0; attempt < 20 && resumed.empty(); ++attempt) {
    Problem part;  // a new process has the checkpoint only
    part.services.checkpoint_interval_s = 0;
    part.services.find_checkpoint = [&] { return stored; };
    part.services.store_checkpoint = [&](const TensorFile& state) { stored = state; };
    int epochs = 0;
    part.services.throw_if_stopping = [&] {
      if (++epochs > 2) throw Interrupted();
    };
    try {
      resumed = part.run(validation_of(part));
      result = part.x.detach().clone();
    } catch (const Interrupted&) {
      ++interruptions;
    }
  }
  EXPECT_EQ(interruptions, 2);  // six epochs, two at a time
  ASSERT_EQ(resumed.size(), curve.size());
  for (std::size_t i = 0; i < curve.size(); ++i) EXPECT_EQ(resumed[i].value, curve[i].value) << i;
  EXPECT_TRUE(at::equal(result, whole.x));
}

TEST(EpochLoop, AStopKeepsTheLastEpochInACacheOnDisk) {
  Problem whole;
  whole.run();
  const test::TempDir folder;
  const std::string key(64, 'a');
  int interruptions = 0;
  for (bool is_done = false; !is_done; ++interruptions) {
    StageCache cache(folder.path());  // a new process
    Problem part;
    int epochs = 0;
    part.services.find_checkpoint = [&] { return cache.find_checkpoint(key); };
    part.services.store_checkpoint = [&](const TensorFile& state) {
      cache.store_checkpoint(key, state);
    };
    part.services.throw_if_stopping = [&] {
      if (++epochs > 1) throw Interrupted();  // long before the next checkpoint
    };
    try {
      part.run();
      is_done = true;
      EXPECT_TRUE(at::equal(part.x, whole.x));
    } catch (const Interrupted&) {
      EXPECT_EQ(cache_contents(folder.path()).checkpoints, 1);
    }
    ASSERT_LT(interruptions, 10);
  }
  EXPECT_EQ(interruptions, 6);  // one epoch each
}

TEST(EpochLoop, KeepsTheEpochWithTheLowestValidationLoss) {
  Problem problem;
  std::vector<at::Tensor> after;
  const std::vector<double> losses = {3, 1, 2, 5, 4, 6};
  problem.run([&] {
    after.push_back(problem.x.detach().clone());
    return losses[after.size() - 1];
  });
  ASSERT_EQ(after.size(), 6U);
  EXPECT_TRUE(at::equal(problem.x, after[1]));
}

TEST(EpochLoop, StopsWhenPatienceIsLost) {
  Problem problem;
  problem.options.patience = 2;
  int epochs = 0;
  problem.run([&] { return static_cast<double>(++epochs); });  // increasing
  EXPECT_EQ(epochs, 3);
}

TEST(EpochLoop, ANanLossNamesStageAndEpoch) {
  Problem problem;
  problem.x.detach().fill_(std::numeric_limits<float>::quiet_NaN());
  try {
    problem.run();
    FAIL() << "must refuse";
  } catch (const DivergenceError& error) {
    EXPECT_NE(std::string(error.what()).find("problem: the loss became nan in epoch 1"),
              std::string::npos);
  }
}

TEST(EpochLoop, DefectH12AddsUpTheGradientsOfABatch) {
  for (const bool keeps : {false, true}) {
    ParameterSet parameters;
    const at::Tensor x = parameters.add_constant("x", {1}, 0.0);
    StageServices services;
    services.seeds = Seeds(1);
    EpochLoopOptions options;
    options.stage = "slots";
    options.items = 2;
    options.epochs = 1;
    options.optimiser.batch = 1;
    options.keeps_gradients = keeps;
    std::vector<double> gradients;
    const auto batch = [&](const std::vector<std::int64_t>&, BatchStreams&,
                           const std::function<void(const at::Tensor&)>& update) {
      for (const double slope : {1.0, 10.0}) {
        update((x * slope).sum());
        gradients.push_back(x.grad().item<double>());
      }
    };
    run_epochs(options, services, parameters, batch, nullptr);
    // Two batches of two slots: cleared between batches in either case.
    EXPECT_EQ(gradients,
              keeps ? (std::vector<double>{1, 11, 1, 11}) : (std::vector<double>{1, 10, 1, 10}));
  }
}

/// One parameter from 1, whose loss is itself: Adam's steps are the learning rate.
double falls_to(const std::function<void(EpochLoopOptions&)>& change) {
  ParameterSet parameters;
  const at::Tensor x = parameters.add_constant("x", {1}, 1.0);
  StageServices services;
  services.seeds = Seeds(1);
  EpochLoopOptions options;
  options.stage = "fall";
  options.items = 1;
  options.epochs = 4;
  options.optimiser = {.batch = 1, .learning_rate = 0.1, .weight_decay = 0};
  change(options);
  const auto batch = [&](const std::vector<std::int64_t>&, BatchStreams&,
                         const std::function<void(const at::Tensor&)>& update) { update(x.sum()); };
  run_epochs(options, services, parameters, batch, nullptr);
  return x.item<double>();
}

TEST(EpochLoop, TheScheduleScalesEveryStep) {
  EXPECT_NEAR(falls_to([](EpochLoopOptions&) {}), 0.6, 1e-5);
  // Half a cosine: factors 1, .8536, .5, .1464 at the four starts of epochs.
  EXPECT_NEAR(falls_to([](EpochLoopOptions& o) { o.optimiser.schedule = Schedule::kCosine; }), 0.75,
              1e-5);
  // Two batches an epoch move the schedule on within it: eight steps of 1 to .0381, sum 4.5.
  EXPECT_NEAR(falls_to([](EpochLoopOptions& o) {
                o.items = 2;
                o.optimiser.schedule = Schedule::kCosine;
              }),
              0.55, 1e-5);
  // A rate by epoch takes the schedule's place.
  EXPECT_NEAR(falls_to([](EpochLoopOptions& o) {
                o.optimiser.schedule = Schedule::kCosine;
                o.epoch_rate = [](std::int64_t epoch) { return epoch == 2 ? 1.0 : 0.0; };
              }),
              0.9, 1e-5);
}

TEST(EpochLoop, DecayAndMemoryAreTheOptimisers) {
  // The gradient is 0 but for the decay, so the step is the rate whatever the decay's size.
  ParameterSet parameters;
  const at::Tensor x = parameters.add_constant("x", {1}, 1.0);
  StageServices services;
  services.seeds = Seeds(1);
  EpochLoopOptions options;
  options.stage = "decay";
  options.items = options.epochs = 1;
  options.optimiser = {.batch = 1, .learning_rate = 0.1, .weight_decay = 0.5};
  const auto flat = [&](const std::vector<std::int64_t>&, BatchStreams&,
                        const std::function<void(const at::Tensor&)>& update) {
    update((x * 0.0).sum());
  };
  run_epochs(options, services, parameters, flat, nullptr);
  EXPECT_NEAR(x.item<double>(), 0.9, 1e-5);
  // Slopes 1 and -1: with beta1 = 0 the second step undoes the first, with .9 it does not.
  const auto after = [&](double beta1) {
    ParameterSet own;
    const at::Tensor y = own.add_constant("y", {1}, 1.0);
    options.beta1 = beta1;
    options.epochs = 2;
    options.optimiser.weight_decay = 0;
    double slope = 1;
    const auto batch = [&](const std::vector<std::int64_t>&, BatchStreams&,
                           const std::function<void(const at::Tensor&)>& update) {
      update((y * slope).sum());
      slope = -slope;
    };
    run_epochs(options, services, own, batch, nullptr);
    return y.item<double>();
  };
  EXPECT_NEAR(after(0.0), 1.0, 1e-5);
  // Means .1 and -.01, corrected by .1 and .19: steps -.1 and +.1 / 19.
  EXPECT_NEAR(after(0.9), 0.9 + 0.1 / 19, 1e-5);
}

TEST(EpochLoop, EveryItemIsSeenOnceAnEpochInBatchesAndStreamsOfItsOwn) {
  ParameterSet parameters;
  const at::Tensor x = parameters.add_constant("x", {1}, 1.0);
  StageServices services;
  services.seeds = Seeds(5);
  EpochLoopOptions options;
  options.stage = "order";
  options.items = 7;
  options.epochs = 3;
  options.optimiser.batch = 3;
  std::vector<std::vector<std::int64_t>> epochs(1);
  std::vector<std::size_t> sizes;
  std::set<double> draws;
  std::set<std::uint64_t> dropouts;
  const auto batch = [&](const std::vector<std::int64_t>& items, BatchStreams& streams,
                         const std::function<void(const at::Tensor&)>& update) {
    if (epochs.back().size() == 7) epochs.emplace_back();
    epochs.back().insert(epochs.back().end(), items.begin(), items.end());
    sizes.push_back(items.size());
    draws.insert(draw_unit(streams.draws));
    dropouts.insert(streams.dropout);
    update(x.sum() * 0.0 + static_cast<double>(items.size()));
  };
  const auto curve = run_epochs(options, services, parameters, batch, nullptr);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 3, 1, 3, 3, 1, 3, 3, 1}));
  EXPECT_EQ(draws.size(), 9U);
  EXPECT_EQ(dropouts.size(), 9U);
  ASSERT_EQ(epochs.size(), 3U);
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  for (auto& order : epochs) {
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6}));
  }
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_NEAR(curve[0].value, 7.0 / 3, 1e-6);  // the mean of the updates
}

TEST(EpochLoop, AStopDoesNotWaitForALongEpoch) {
  Problem problem;
  problem.options.items = 100'000;  // batches of one item and 2 ms: an epoch of minutes
  problem.options.optimiser.batch = 1;
  int batches = 0;
  problem.services.throw_if_stopping = [&] {
    if (batches > 0) throw Interrupted();
  };
  const auto batch = [&](const std::vector<std::int64_t>&, BatchStreams&,
                         const std::function<void(const at::Tensor&)>& update) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ++batches;
    update(problem.x.square().sum());
  };
  EXPECT_THROW(run_epochs(problem.options, problem.services, problem.parameters, batch, nullptr),
               Interrupted);
  EXPECT_EQ(batches, 1);
}

TEST(EpochLoop, AStopWaitsForTheEndOfAShortEpoch) {
  Problem problem;
  problem.options.items = 3;
  problem.options.optimiser.batch = 1;
  int batches = 0;
  std::int64_t kept = 0;
  problem.services.throw_if_stopping = [&] {
    if (batches > 0) throw Interrupted();
  };
  problem.services.store_checkpoint = [&](const TensorFile& state) {
    kept = state.integers("state").front();
  };
  const auto batch = [&](const std::vector<std::int64_t>&, BatchStreams&,
                         const std::function<void(const at::Tensor&)>& update) {
    ++batches;
    update(problem.x.square().sum());
  };
  EXPECT_THROW(run_epochs(problem.options, problem.services, problem.parameters, batch, nullptr),
               Interrupted);
  EXPECT_EQ(batches, 3);
  EXPECT_EQ(kept, 1);
}

}  // namespace
}  // namespace hardy
