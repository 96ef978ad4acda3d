// Costs of a run, recorded while it works.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "hardy/results.h"
#include "hardy/tensor_file.h"
#include "pipeline/run_folder.h"

namespace hardy {

/// Collects costs of tasks; counts CPU time of the process from its construction on. Adding is
/// thread-safe.
class CostBook {
 public:
  CostBook();

  /// Adds `cpu_s` to the stage of this name.
  void add_stage(const std::string& stage, double cpu_s);

  /// Adds the cost of computing the outputs of `outcome` with `model`.
  void add_prediction(const FitOutcome& outcome, const TensorFile& model, double cpu_s);

  /// Fills CPU time, memory, stages and costs: training, in whichever run it was computed
  /// (`total_training_s` of all stages), and predictions of this run.
  void finish(const std::vector<FitOutcome>& outcomes, double total_training_s,
              RunTimings& timings) const;

 private:
  double cpu_before_s_;
  std::mutex mutex_;
  std::map<std::string, double> stages_;
  RunCosts costs_;
};

}  // namespace hardy
