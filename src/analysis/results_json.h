// results.json: written by a run, read by comparisons and reports.
#pragma once

#include <filesystem>
#include <string>

#include "hardy/results.h"
#include "pipeline/run_folder.h"

namespace hardy {

/// As JSON text; NaN becomes null. Equal results give equal bytes.
std::string results_json(const Results& results);

/// Reads results.json; `name` stands for the file in messages. Throws ArtifactError.
Results parse_results(const std::string& json_text, const std::string& name);

/// The results of a run folder. Throws ArtifactError when the folder is none, is damaged, or its
/// run has not finished.
Results read_results(const std::filesystem::path& folder);

/// Writes validation.json: the same models on the validation parts, for the selection of settings.
void write_validation(const RunFolder& folder, const Results& results);

/// Writes results.csv, the checksums of the run's files (pipeline/check_run.h) and results.json.
void write_results(const RunFolder& folder, const Results& results);

}  // namespace hardy
