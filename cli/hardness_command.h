// `hardy hardness`: its options, and their execution in either program, as in training_commands.h.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hardy {

/// A run whose hardness is examined.
struct HardnessCommand {
  std::filesystem::path run;
  std::string data;  ///< empty = the run's own path
  std::size_t cases = 5;
  bool json = false;
  std::vector<std::string> command_line;
};

/// Adds the command. `command_line` is argv.
void add_hardness_command(CLI::App& app, const std::vector<std::string>& command_line);

/// Carries it out, as carry_out(TrainingRequest).
void carry_out(const HardnessCommand& command);

}  // namespace hardy
