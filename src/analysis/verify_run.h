// Everything that a finished run folder can be asked about itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// What was verified, and what is wrong.
struct RunVerification {
  bool has_checksums = false;         ///< false: written by hardy 0.1, or unfinished
  bool is_complete = false;           ///< whether the run reached its results
  std::int64_t files = 0;             ///< whose checksums were compared
  std::int64_t models = 0;            ///< that were opened
  std::int64_t scores = 0;            ///< that were computed again from the predictions
  std::vector<std::string> findings;  ///< empty = nothing is wrong
};

/// Compares every file with its checksum, opens every model, and computes every score again from
/// predictions.csv. Throws ArtifactError when `folder` is no run folder or its manifest cannot be
/// read.
RunVerification verify_run(const std::filesystem::path& folder);

}  // namespace hardy
