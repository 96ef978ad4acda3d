// `hardy predict`: labels for utterances, from files, folders or JSON lines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hardy {

/// The model file that `path` means: a bundle, or the only model of a run folder. Throws
/// ArtifactError listing the models when there are several.
std::filesystem::path find_bundle(const std::string& path);

/// `command_line` is argv.
void add_predict_command(CLI::App& app, const std::vector<std::string>& command_line);

}  // namespace hardy
