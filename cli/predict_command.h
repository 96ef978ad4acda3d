// `hardy predict`: predictions for utterances in files, folders or JSON lines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hardy {

/// The model file of `path`: a bundle, or the only model of a run folder. Throws ArtifactError
/// listing the models if there are several.
std::filesystem::path find_bundle(const std::string& path);

/// `command_line` is argv.
void add_predict_command(CLI::App& app, const std::vector<std::string>& command_line);

}  // namespace hardy
