// Whether a run folder is what the run left.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/run_folder.h"

namespace hardy {

/// Writes the checksums of every file of the run but timings.json, which differs between equal
/// runs. Called before results.json, which is about to hold `results`: whatever is complete has its
/// checksums.
void write_run_checksums(const RunFolder& folder, std::string_view results);

/// What is wrong with the files of a run, one finding each; empty when they are what it wrote.
/// Whether their contents can be read is another question.
std::vector<std::string> run_damage(const RunFolder& folder);

/// Whether a run of this version writes checksums: those of hardy 0.1 did not.
bool writes_checksums(const RunManifest& manifest);

}  // namespace hardy
