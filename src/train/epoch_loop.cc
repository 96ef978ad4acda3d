#include "train/epoch_loop.h"

#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "nn/adam.h"

namespace hardy {
namespace {

/// State of the loop after an epoch.
struct LoopState {
  std::int64_t epoch = 0;  ///< finished epochs
  double best_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0;
  std::vector<at::Tensor> best;
  std::vector<at::Tensor> average;  ///< empty when parameters are not averaged
  std::int64_t averaged = 0;        ///< number of updates in the average
  std::vector<CurvePoint> curve;
};

/// Updates the moving average after a step.
void average_parameters(const ParameterSet& parameters, double decay, LoopState& state) {
  const at::NoGradGuard no_gradient;
  const auto t = static_cast<double>(state.averaged++);
  const double kept = std::min(decay, (1 + t) / (10 + t));
  for (std::size_t i = 0; i < state.average.size(); ++i) {
    state.average[i].mul_(kept).add_(parameters.all()[i].second.detach(), 1 - kept);
  }
}

/// Replaces the parameters by their average for the duration of a scope.
class AveragedScope {
 public:
  AveragedScope(ParameterSet& parameters, const LoopState& state) : parameters_(parameters) {
    if (state.average.empty()) return;
    own_ = parameters.snapshot();
    parameters.restore(state.average);
  }

  ~AveragedScope() {
    if (!own_.empty()) parameters_.restore(own_);
  }

  AveragedScope(const AveragedScope&) = delete;
  AveragedScope& operator=(const AveragedScope&) = delete;

 private:
  ParameterSet& parameters_;
  std::vector<at::Tensor> own_;
};

void save_values(const ParameterSet& parameters, const std::vector<at::Tensor>& values,
                 const std::string& prefix, TensorFile& file) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto host = values[i].to(at::kCPU).contiguous();
    file.add(prefix + parameters.all()[i].first, host.sizes().vec(),
             std::vector<float>(host.data_ptr<float>(), host.data_ptr<float>() + host.numel()));
  }
}

/// Bit pattern of a float64, which a float32 file preserves.
std::int64_t bits_of(double value) {
  std::int64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

double value_of(std::int64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

const char* const kCurveNames[] = {"train_loss", "validation_loss"};

TensorFile pack(const LoopState& state, const ParameterSet& parameters, const Adam& adam) {
  TensorFile file;
  parameters.save(file, "now.");
  adam.save(file, "adam.");
  save_values(parameters, state.best, "best.", file);
  save_values(parameters, state.average, "average.", file);
  if (!state.average.empty()) file.add("averaged", {1}, std::vector{state.averaged});
  std::vector<std::int64_t> numbers = {state.epoch, bits_of(state.best_loss), state.best_epoch};
  for (const auto& point : state.curve) {
    numbers.push_back(point.epoch);
    numbers.push_back(point.name == kCurveNames[1] ? 1 : 0);
    numbers.push_back(bits_of(point.value));
  }
  const auto count = static_cast<std::int64_t>(numbers.size());
  file.add("state", {count}, std::move(numbers));
  return file;
}

void unpack(const TensorFile& file, const std::string& stage, LoopState& state,
            ParameterSet& parameters, Adam& adam) {
  const auto numbers = file.integers("state");
  state.epoch = numbers[0];
  state.best_loss = value_of(numbers[1]);
  state.best_epoch = numbers[2];
  for (std::size_t i = 3; i + 2 < numbers.size(); i += 3) {
    state.curve.push_back(
        {stage, numbers[i], kCurveNames[numbers[i + 1] == 1 ? 1 : 0], value_of(numbers[i + 2])});
  }
  if (state.best_epoch > 0) {
    parameters.load(file, "best.");
    state.best = parameters.snapshot();
  }
  if (!state.average.empty()) {
    parameters.load(file, "average.");
    state.average = parameters.snapshot();
    state.averaged = file.integers("averaged").front();
  }
  parameters.load(file, "now.");
  adam.load(file, "adam.");
}

/// Learning-rate factor at one step of a schedule.
double rate_factor(Schedule schedule, double progress) {
  return schedule == Schedule::kCosine ? 0.5 * (1.0 + std::cos(std::numbers::pi * progress)) : 1.0;
}

/// Throws Interrupted when a stop is requested, after storing a checkpoint.
void stop_if_asked(const StageServices& services, const LoopState& state,
                   const ParameterSet& parameters, const Adam& adam) {
  if (!services.throw_if_stopping) return;
  try {
    services.throw_if_stopping();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    if (services.store_checkpoint && state.epoch > 0) {
      services.store_checkpoint(pack(state, parameters, adam));
    }
    throw;
  }
}

/// Lets a stop that was asked for within an epoch wait for the epoch's end, where the state can be
/// kept, unless that is far.
class EpochInterruption {
 public:
  explicit EpochInterruption(const StageServices& services) : services_(services) {}

  /// After each of `batches` batches. Throws Interrupted; the last checkpoint then stays.
  void check(std::int64_t done, std::int64_t batches) const {
    if (!services_.throw_if_stopping || done == batches) return;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started_;
    const double rest =
        elapsed.count() / static_cast<double>(done) * static_cast<double>(batches - done);
    if (rest > kLongestWait_s) services_.throw_if_stopping();
  }

 private:
  static constexpr double kLongestWait_s = 2;

  const StageServices& services_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

/// One pass over the shuffled items; returns the mean loss.
double run_epoch(const EpochLoopOptions& options, const StageServices& services,
                 ParameterSet& parameters, Adam& adam, const BatchFunction& run_batch,
                 LoopState& state) {
  const std::int64_t epoch = state.epoch;
  Generator shuffle = services.seeds.stream(options.stage + ".shuffle", {epoch});
  const auto order = draw_permutation(shuffle, options.items);
  const std::int64_t batches =
      (options.items + options.optimiser.batch - 1) / options.optimiser.batch;
  double total = 0;
  std::int64_t updates = 0;
  const EpochInterruption interruption(services);
  for (std::int64_t b = 0; b < batches; ++b) {
    const double progress =
        (static_cast<double>(epoch) + static_cast<double>(b) / static_cast<double>(batches)) /
        static_cast<double>(options.epochs);
    bool is_first = true;
    const auto update = [&](const at::Tensor& loss) {
      const double value = loss.item<double>();
      if (!std::isfinite(value)) {
        throw DivergenceError(fmt::format(
            "{}: the loss became {} in epoch {}, batch {}; lower the learning rate (now {}) or set "
            "a gradient clip",
            options.stage, value, epoch + 1, b + 1, options.optimiser.learning_rate));
      }
      if (is_first || !options.keeps_gradients) parameters.clear_gradients();
      is_first = false;
      loss.backward();
      adam.step(options.epoch_rate ? options.epoch_rate(epoch)
                                   : rate_factor(options.optimiser.schedule, progress));
      if (!state.average.empty()) average_parameters(parameters, options.average, state);
      total += value;
      ++updates;
    };
    const std::int64_t first = b * options.optimiser.batch;
    const std::int64_t last = std::min(options.items, first + options.optimiser.batch);
    BatchStreams streams{services.seeds.stream(options.stage + ".draws", {epoch, b}),
                         services.seeds.key(options.stage + ".dropout", {epoch, b})};
    run_batch({order.begin() + first, order.begin() + last}, streams, update);
    interruption.check(b + 1, batches);
  }
  return updates > 0 ? total / static_cast<double>(updates) : 0.0;
}

}  // namespace

std::vector<CurvePoint> run_epochs(const EpochLoopOptions& options, const StageServices& services,
                                   ParameterSet& parameters, const BatchFunction& run_batch,
                                   const std::function<double()>& validation_loss) {
  Adam adam(parameters, {.learning_rate = options.optimiser.learning_rate,
                         .weight_decay = options.optimiser.weight_decay,
                         .beta1 = options.beta1,
                         .clip = options.optimiser.clip});
  LoopState state;
  if (options.average > 0) state.average = parameters.snapshot();
  if (services.find_checkpoint) {
    if (const auto checkpoint = services.find_checkpoint()) {
      unpack(*checkpoint, options.stage, state, parameters, adam);
    }
  }
  using Clock = std::chrono::steady_clock;
  auto last_checkpoint = Clock::now();
  while (state.epoch < options.epochs) {
    const bool has_lost_patience = options.patience > 0 && state.best_epoch > 0 &&
                                   state.epoch - state.best_epoch >= options.patience;
    if (has_lost_patience) break;
    stop_if_asked(services, state, parameters, adam);
    const double loss = run_epoch(options, services, parameters, adam, run_batch, state);
    ++state.epoch;
    state.curve.push_back({options.stage, state.epoch, kCurveNames[0], loss});
    if (validation_loss) {
      const AveragedScope averaged(parameters, state);
      const double validation = validation_loss();
      state.curve.push_back({options.stage, state.epoch, kCurveNames[1], validation});
      if (validation < state.best_loss) {
        state.best_loss = validation;
        state.best_epoch = state.epoch;
        state.best = parameters.snapshot();
      }
    }
    if (services.report) {
      services.report(static_cast<double>(state.epoch), static_cast<double>(options.epochs));
    }
    const std::chrono::duration<double> since = Clock::now() - last_checkpoint;
    if (services.store_checkpoint && since.count() >= services.checkpoint_interval_s &&
        state.epoch < options.epochs) {
      services.store_checkpoint(pack(state, parameters, adam));
      last_checkpoint = Clock::now();
    }
  }
  parameters.clear_gradients();
  if (state.best_epoch > 0) {
    parameters.restore(state.best);
  } else if (!state.average.empty()) {
    parameters.restore(state.average);
  }
  return state.curve;
}

}  // namespace hardy
