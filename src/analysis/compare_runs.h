// Run folders against each other, paired utterance by utterance.
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

/// Reads them all; names are the last parts of the paths where these differ, else whole paths.
/// Throws ArtifactError when one is no run folder, unfinished or damaged, and when its results are
/// not those of its predictions.
std::vector<FinishedRun> read_finished_runs(const std::vector<std::filesystem::path>& folders);

/// What is compared.
struct CompareRequest {
  std::vector<std::string> metrics = {};  ///< empty = the first headline metric
  /// Tracks of the first and of the second run; both empty = every track that both have.
  std::string first_track = {};
  std::string second_track = {};
  BootstrapOptions bootstrap = {};
};

/// One number of both runs.
struct RunComparison {
  std::string first_track;
  std::string second_track;
  std::string condition;  ///< a pattern's label or "average"
  Comparison comparison;
};

struct RunComparisons {
  std::vector<RunComparison> rows;   ///< run by run, track, metric, condition
  std::vector<std::string> notices;  ///< what was left out, and what differs between the runs
};

/// The first run against each of the others (against itself, by two tracks, when it is alone),
/// corrected for all comparisons together. Throws DataError when the runs cannot be paired,
/// ConfigError for a metric or track that they do not have.
RunComparisons compare_runs(const std::vector<FinishedRun>& runs, const CompareRequest& request);

}  // namespace hardy
