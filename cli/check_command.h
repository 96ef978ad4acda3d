// `hardy check`: whether a run folder still is what the run left.
#pragma once

#include <CLI/CLI.hpp>

namespace hardy {

void add_check_command(CLI::App& app);

}  // namespace hardy
