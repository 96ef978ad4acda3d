// Checksums of a run folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "pipeline/run_folder.h"

namespace hardy {

/// Writes the checksums of every file of the run except timings.json, which differs between equal
/// runs. Called before results.json, which will hold `results`, so that every complete run has
/// checksums.
void write_run_checksums(const RunFolder& folder, std::string_view results);

/// Findings on the files of a run; empty if they are unchanged. Their contents are not examined.
std::vector<std::string> run_damage(const RunFolder& folder);

/// The model files of a run. Throws ArtifactError when one is not what the run wrote; models of an
/// unfinished run, which has no checksums yet, are taken as they are.
std::vector<std::filesystem::path> verified_models(const RunFolder& folder);

/// The same for one model of the run.
void verify_model(const RunFolder& folder, const std::filesystem::path& model);

/// timings.json, which carries a checksum of its own. Throws ArtifactError when it is damaged or
/// cannot be read.
nlohmann::ordered_json read_timings(const std::filesystem::path& file);

/// Whether the version of a run writes checksums; hardy 0.1 does not.
bool writes_checksums(const RunManifest& manifest);

}  // namespace hardy
