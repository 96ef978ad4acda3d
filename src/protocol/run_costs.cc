#include "protocol/run_costs.h"

#include <sys/resource.h>

#include <algorithm>

namespace hardy {
namespace {

/// CPU seconds of the process.
double process_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

CostBook::CostBook() : cpu_before_s_(process_cpu_s()) {}

void CostBook::add_stage(const std::string& stage, double cpu_s) {
  const std::lock_guard lock(mutex_);
  stages_[stage] += cpu_s;
}

void CostBook::add_prediction(const FitOutcome& outcome, const TensorFile& model, double cpu_s) {
  std::int64_t utterances = 0;
  for (const auto* part : {&outcome.test, &outcome.validation}) {
    for (const auto& evaluation : *part) {
      utterances += static_cast<std::int64_t>(evaluation.utterances.size());
    }
  }
  std::int64_t parameters = 0;
  for (const auto& [name, array] : model.arrays) {
    if (!name.starts_with("model.") && !name.starts_with("tuning.")) continue;
    std::int64_t values = 1;
    for (const auto size : array.shape) values *= size;
    parameters += values;
  }
  const std::lock_guard lock(mutex_);
  costs_.predict_cpu_s += cpu_s;
  costs_.predicted_utterances += utterances;
  costs_.parameters = std::max(costs_.parameters, parameters);
}

void CostBook::finish(const std::vector<FitOutcome>& outcomes, double total_training_s,
                      RunTimings& timings) const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  timings.cpu_s = process_cpu_s() - cpu_before_s_;
  timings.peak_memory_bytes = std::int64_t{usage.ru_maxrss} * 1024;
  timings.stage_cpu_s.assign(stages_.begin(), stages_.end());
  timings.costs = costs_;
  timings.costs.shared_cpu_s = total_training_s;
  for (const auto& outcome : outcomes) {
    (outcome.track == "unified" ? timings.costs.unified_cpu_s : timings.costs.specialist_cpu_s) +=
        outcome.train_cpu_s;
    timings.costs.shared_cpu_s -= outcome.train_cpu_s;
  }
}

}  // namespace hardy
