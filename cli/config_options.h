// The options that make a Config, shared by every command with settings.
#pragma once

#include <string>
#include <vector>

#include "hardy/config.h"

namespace CLI {
class App;
}

namespace hardy {

/// Options as given; each is applied over the one before: preset, file, --set in order, shortcuts.
struct ConfigOptions {
  std::string preset;
  std::string file;
  std::vector<std::string> assignments;
  std::vector<std::string> shortcuts;  ///< assignments of options such as --seeds
};

/// Adds --preset, --config and --set.
void add_config_options(CLI::App& app, ConfigOptions& options);

/// The effective config, validated. Throws ConfigError.
Config make_config(const ConfigOptions& options);

}  // namespace hardy
