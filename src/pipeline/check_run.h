// Checksums of a run folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/run_folder.h"

namespace hardy {

/// Writes the checksums of every file of the run except timings.json, which differs between equal
/// runs. Called before results.json, which will hold `results`, so that every complete run has
/// checksums.
void write_run_checksums(const RunFolder& folder, std::string_view results);

/// Findings on the files of a run; empty if they are unchanged. Their contents are not examined.
std::vector<std::string> run_damage(const RunFolder& folder);

/// Whether the version of a run writes checksums; hardy 0.1 does not.
bool writes_checksums(const RunManifest& manifest);

}  // namespace hardy
