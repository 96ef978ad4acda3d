// Execution of a study: one run folder per variant over one shared stage cache, so that common
// stages are computed once.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/study_results.h"
#include "hardy/corpus.h"
#include "pipeline/progress.h"

namespace hardy {

/// Study and output paths.
struct StudyRequest {
  Study study;
  std::filesystem::path folder;  ///< folder of the study; created if missing
  std::filesystem::path cache;   ///< stage cache; empty = `folder`/stages
  bool overwrite = false;        ///< replace runs of other settings in the variants' folders
  std::string phase = {};        ///< prefix of every line of progress, e.g. "Tuning MoMKE, "
  bool from_cache = false;       ///< collect the results of shards from the cache; compute nothing
  bool only_validation =
      false;  ///< sweeps that select settings: no test outputs of points are made
  const std::atomic<bool>* stop = nullptr;
  std::vector<std::string> command_line;  ///< command line for study.json
};

/// The stage cache of the request.
std::filesystem::path stage_cache_of(const StudyRequest& request);

/// Number of workers of runs with these settings.
int study_jobs(const Config& config);

/// Throws ConfigError when the folder holds something other than a study; changes nothing.
void check_study_folder(const std::filesystem::path& folder);

/// Makes the folder of a study and its study.toml, or accepts a folder that holds one. Throws
/// ConfigError when it holds something else.
void claim_study_folder(const std::filesystem::path& folder, const Study& study);

/// Estimated cost of a study.
struct StudyEstimate {
  double cpu_s = 0;
  double one_protocol_cpu_s = 0;  ///< of the base settings alone
  double calibration_cpu_s = 0;   ///< cost of the estimate itself
  int jobs = 1;
};

/// Trains one fold under one seed for 1 and for 3 epochs of everything, in a temporary folder, and
/// extrapolates to the study's epochs. An upper bound: early stopping and settings that lead to
/// equal supports save time; variants with larger networks than the base cost more than estimated.
StudyEstimate estimate_study(const StudyRequest& request, const Corpus& corpus, Progress& progress);

/// Runs the unfinished variants, in the study's order, and writes study.toml, study.json and the
/// CSV files (docs/studies.md). After an interruption the same request continues. The folder may
/// hold an earlier study: variants with the same settings are kept. Throws ConfigError when the
/// folder holds something else, and as run_protocol; MissingFits after all variants.
StudyResult run_study(const StudyRequest& request, const Corpus& corpus, Progress& progress);

}  // namespace hardy
