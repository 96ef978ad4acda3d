// `hardy predict`: predictions for utterances in files, folders or JSON lines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hardy {

/// The model file that `path` means: a bundle, or of a run folder its only model, else the unified
/// model (the specialist of all modalities) of the first fold and the smallest seed, which is said
/// on standard error. Throws ArtifactError when there is none.
std::filesystem::path find_bundle(const std::string& path);

/// `command_line` is argv.
void add_predict_command(CLI::App& app, const std::vector<std::string>& command_line);

}  // namespace hardy
