// Execution of a comparison: leaves out methods that cannot be applied, tunes by validation, runs
// every method with all seeds, makes the tables.
#pragma once

#include <string>
#include <vector>

#include "experiments/method_table.h"
#include "experiments/run_study.h"

namespace hardy {

/// The runs of a comparison.
struct ComparisonPlan {
  Study study;
  std::vector<Refusal> refusals;
};

/// Checks every method of the study against the corpus. Methods that refuse it are left out; when
/// none remains, throws the first reason (DataError).
ComparisonPlan plan_comparison(Study study, const Corpus& corpus);

/// The plan as text, a line per method.
std::string plan_text(const ComparisonPlan& plan, const CompareOptions& options);

/// Throws DataError when tuning is requested and a fold has no validation part, ConfigError for a
/// metric that results on this corpus will not have.
void check_tuning(const ComparisonPlan& plan, const CompareOptions& options, const Corpus& corpus);

/// Runs `plan.study` in `request.folder` (`request.study` is not read) and writes compare.* there.
/// With tuning, a sweep per method in tuning/METHOD/ comes first: first seed only, ranked by
/// validation, without test outputs. After an interruption the same request continues.
struct ComparisonResult {
  StudyResult study;
  MethodComparison comparison;
};

ComparisonResult run_comparison(StudyRequest request, const ComparisonPlan& plan,
                                const CompareOptions& options, const Corpus& corpus,
                                Progress& progress);

}  // namespace hardy
