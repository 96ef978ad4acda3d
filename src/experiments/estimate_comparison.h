// Duration of a comparison, measured method by method before it starts.
#pragma once

#include <string>
#include <vector>

#include "experiments/method_comparison.h"
#include "experiments/run_study.h"

namespace hardy {

/// CPU seconds of one method.
struct MethodEstimate {
  std::string method;
  double cpu_s = 0;
};

struct ComparisonEstimate {
  std::vector<MethodEstimate> methods;  ///< in the order of the study
  double cpu_s = 0;                     ///< of all
  double calibration_cpu_s = 0;         ///< cost of the estimate itself
  int jobs = 1;
};

/// Trains every variant of the study on one fold under one seed with one epoch in each training
/// stage, then once per stage with three, in a temporary folder, and extrapolates these lines to
/// all epochs, folds, seeds, conditions and points of tuning. An upper bound: early stopping is not
/// counted, nor stages shared by methods. Points of tuning with larger networks than the method's
/// own cost more than estimated.
ComparisonEstimate estimate_comparison(const StudyRequest& request, const CompareOptions& options,
                                       const Corpus& corpus, Progress& progress);

}  // namespace hardy
