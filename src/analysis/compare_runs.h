// Comparison of run folders, paired utterance by utterance.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "analysis/prediction_table.h"
#include "hardy/results.h"
#include "pipeline/manifest.h"

namespace hardy {

/// A finished run with its predictions.
struct FinishedRun {
  std::string name;  ///< short and unique among the runs read together
  std::filesystem::path folder;
  RunManifest manifest;
  Results results;
  PredictionTable predictions;
};

/// Reads the runs; names are the last parts of the paths where these differ, else whole paths.
/// Throws ArtifactError when one is no run folder, unfinished or damaged, or has results that
/// disagree with its predictions.
std::vector<FinishedRun> read_finished_runs(const std::vector<std::filesystem::path>& folders);

/// Runs, metrics and tracks to compare.
struct CompareRequest {
  std::vector<std::string> metrics = {};  ///< empty = the first headline metric
  /// Tracks of the first and of the second run; both empty = every track that both have.
  std::string first_track = {};
  std::string second_track = {};
  BootstrapOptions bootstrap = {};
};

/// One number in both runs.
struct RunComparison {
  std::string first_track;
  std::string second_track;
  std::string condition;  ///< a pattern's label or "average"
  Comparison comparison;
};

struct RunComparisons {
  std::vector<RunComparison> rows;   ///< run by run, track, metric, condition
  std::vector<std::string> notices;  ///< omissions, and differences between the runs
};

/// One number of two runs, paired.
struct PairedNumber {
  std::string first_track;
  std::string second_track;
  std::string condition;  ///< a pattern's label or "average"
  Pair pair;
};

/// Track by track, metric, condition; omissions and differences between the runs go to `notices`.
/// Throws as `compare_runs`.
std::vector<PairedNumber> paired_numbers(const FinishedRun& first, const FinishedRun& second,
                                         const CompareRequest& request,
                                         std::vector<std::string>& notices);

/// Compares the first run with each of the others (two tracks of the run if it is the only one),
/// corrected for all comparisons together. Throws DataError when the runs cannot be paired,
/// ConfigError for a metric or track that they do not have.
RunComparisons compare_runs(const std::vector<FinishedRun>& runs, const CompareRequest& request);

}  // namespace hardy
