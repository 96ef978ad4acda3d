// Verification of a finished run folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// Result of the verification of a run, or of a study and its runs.
struct RunVerification {
  bool has_checksums = false;         ///< false: written by hardy 0.1, or unfinished
  bool is_complete = false;           ///< whether the run has results
  std::int64_t files = 0;             ///< number of files compared with checksums
  std::int64_t models = 0;            ///< number of opened models
  std::int64_t scores = 0;            ///< number of scores computed again from the predictions
  std::vector<std::string> findings;  ///< empty = sound
};

/// Compares every file with its checksum, opens every model, and computes every score again from
/// predictions.csv. Throws ArtifactError when `folder` is no run folder or its manifest cannot be
/// read.
RunVerification verify_run(const std::filesystem::path& folder);

/// Whether a folder is that of a study (compare, sweep, reproduce, audit), which holds runs.
bool is_study_folder(const std::filesystem::path& folder);

/// The same for the tables of a study and every run in its folder. Throws IoError when the folder
/// cannot be listed.
RunVerification verify_study(const std::filesystem::path& folder);

}  // namespace hardy
