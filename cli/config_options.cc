#include "cli/config_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/help_format.h"
#include "hardy/errors.h"

namespace hardy {

void add_config_options(CLI::App& app, ConfigOptions& options) {
  const OptionGroup group(app, "Settings");
  app.add_option("--preset", options.preset,
                 "Where all settings start: default, published or quick")
      ->type_name("NAME");
  app.add_option("--config", options.file, "TOML file with settings (see `hardy config`)")
      ->type_name("FILE");
  app.add_option("--set", options.assignments,
                 "One setting, e.g. --set hardymer.hardness.alpha1=0.5; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

Config make_config(const ConfigOptions& options) {
  Config config = make_preset(options.preset.empty() ? "default" : options.preset);
  if (!options.file.empty()) {
    config = load_config(options.file, config);
    if (!options.preset.empty() && config.preset != options.preset) {
      throw ConfigError(
          fmt::format("--preset {} contradicts preset = \"{}\" in {}; drop one of them",
                      options.preset, config.preset, options.file));
    }
  }
  for (const auto& assignment : options.assignments) set_config_field(config, assignment);
  for (const auto& assignment : options.shortcuts) set_config_field(config, assignment);
  validate_config(config);
  return config;
}

}  // namespace hardy
