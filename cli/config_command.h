// `hardy config`: the effective settings and their explanations.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace hardy {

void add_config_command(CLI::App& app);

/// docs/config.md: every field with type, range, default, meaning and effect.
std::string config_markdown();

}  // namespace hardy
