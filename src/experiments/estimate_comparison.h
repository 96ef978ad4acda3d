// How long a comparison will take, measured method by method before it starts.
#pragma once

#include <string>
#include <vector>

#include "experiments/method_comparison.h"
#include "experiments/run_study.h"

namespace hardy {

/// CPU seconds that one method will take.
struct MethodEstimate {
  std::string method;
  double cpu_s = 0;
};

struct ComparisonEstimate {
  std::vector<MethodEstimate> methods;  ///< in the study's order
  double cpu_s = 0;                     ///< of all
  double calibration_cpu_s = 0;         ///< what finding that out cost
  int jobs = 1;
};

/// Trains every variant of the study on one fold under one seed with one epoch in each training
/// stage, then once per stage with three there, in a folder that is gone afterwards, and
/// extrapolates along these lines to all epochs, folds, seeds, conditions and points of tuning. An
/// upper estimate: early stopping is not counted, nor stages that methods share. Points of tuning
/// with larger networks than the method's own cost more than it says.
ComparisonEstimate estimate_comparison(const StudyRequest& request, const CompareOptions& options,
                                       const Corpus& corpus, Progress& progress);

}  // namespace hardy
