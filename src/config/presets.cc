// Presets: initial values of all settings.
#include <fmt/format.h>

#include "config/fields.h"
#include "hardy/config.h"
#include "hardy/errors.h"

namespace hardy {

Config make_preset(const std::string& name) {
  Config config;
  config.methods.apply_preset(name);
  config.preset = name;
  const Field field = describe(config).front();
  if (const auto problem = field_problem(field)) {
    throw ConfigError(
        fmt::format("preset '{}' {}; known presets: {}", name, *problem, field_range(field)));
  }
  return config;
}

}  // namespace hardy
