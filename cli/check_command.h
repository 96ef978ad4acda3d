// `hardy check`: verifies a run folder.
#pragma once

#include <CLI/CLI.hpp>

namespace hardy {

void add_check_command(CLI::App& app);

}  // namespace hardy
