// Runs a comparison: leaves out what cannot serve the corpus, tunes by validation, runs every
// method with all seeds, makes the tables.
#pragma once

#include <string>
#include <vector>

#include "experiments/method_table.h"
#include "experiments/run_study.h"

namespace hardy {

/// What a comparison will run.
struct ComparisonPlan {
  Study study;
  std::vector<Refusal> refusals;
};

/// Asks every method of the study before anything starts. Variants that refuse are left out;
/// when none is left, the first reason is thrown (DataError).
ComparisonPlan plan_comparison(Study study, const Corpus& corpus);

/// The plan in words, a line per method.
std::string plan_text(const ComparisonPlan& plan, const CompareOptions& options);

/// Throws DataError where tuning is asked for and a fold has no validation part to choose by,
/// ConfigError for a metric that results on this corpus will not have.
void check_tuning(const ComparisonPlan& plan, const CompareOptions& options, const Corpus& corpus);

/// Runs `plan.study` in `request.folder` (`request.study` is not read) and writes compare.* there.
/// With points to try, a sweep per method in tuning/<method>/ comes first: first seed only, ranked
/// by validation, no test output made. Interrupted, the same request continues.
struct ComparisonResult {
  StudyResult study;
  MethodComparison comparison;
};

ComparisonResult run_comparison(StudyRequest request, const ComparisonPlan& plan,
                                const CompareOptions& options, const Corpus& corpus,
                                Progress& progress);

}  // namespace hardy
