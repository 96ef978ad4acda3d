// Runs a study: one run folder per variant over one shared stage cache, so that what variants have
// in common is computed once.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/study_results.h"
#include "hardy/corpus.h"
#include "pipeline/progress.h"

namespace hardy {

/// What to run and where to write.
struct StudyRequest {
  Study study;
  std::filesystem::path folder;  ///< the study's; made when missing
  std::filesystem::path cache;   ///< stage cache; empty = `folder`/stages
  bool overwrite = false;        ///< replace runs of other settings in the variants' folders
  std::string phase = {};        ///< begins every line of progress, e.g. "Tuning MoMKE, "
  bool from_cache = false;       ///< collect what shards left in the cache; compute nothing
  bool only_validation = false;  ///< sweeps that choose: no test output of any point is made
  const std::atomic<bool>* stop = nullptr;
  std::vector<std::string> command_line;  ///< for the record
};

/// Where the study's stage results lie.
std::filesystem::path stage_cache_of(const StudyRequest& request);

/// Workers that runs of these settings use.
int study_jobs(const Config& config);

/// Throws ConfigError when the folder holds something that is no study; changes nothing.
void check_study_folder(const std::filesystem::path& folder);

/// Makes the folder of a study and its study.toml, or accepts a folder that holds one. Throws
/// ConfigError when it holds something else.
void claim_study_folder(const std::filesystem::path& folder, const Study& study);

/// What a study will cost.
struct StudyEstimate {
  double cpu_s = 0;
  double one_protocol_cpu_s = 0;  ///< of the base settings alone
  double calibration_cpu_s = 0;   ///< what finding that out cost
  int jobs = 1;
};

/// Trains one fold under one seed for 1 and for 3 epochs of everything, in a folder that is gone
/// afterwards, and extrapolates to the study's epochs. An upper estimate: early stopping and
/// settings that lead to equal supports save time; variants with larger networks than the base
/// cost more than it says.
StudyEstimate estimate_study(const StudyRequest& request, const Corpus& corpus, Progress& progress);

/// Runs what is not finished, in the study's order, and writes study.toml, study.json and the CSV
/// files (docs/studies.md). Interrupted, the same request continues. The folder may hold an
/// earlier study: variants with the same settings are kept. Throws ConfigError when the folder
/// holds something else, and what run_protocol throws; MissingFits after all variants.
StudyResult run_study(const StudyRequest& request, const Corpus& corpus, Progress& progress);

}  // namespace hardy
