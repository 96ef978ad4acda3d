// `hardy report`: one HTML page, tables or TensorBoard files of run folders.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hardy {

/// `command_line` is argv; the report contains it.
void add_report_command(CLI::App& app, const std::vector<std::string>& command_line);

}  // namespace hardy
