// The whole command line of `hardy`, for programs that add a method of their own to it.
#pragma once

#include <string>
#include <vector>

namespace hardy {

/// Carries out one command line (argv as a whole) and returns the exit code (docs/errors.md).
/// Failures are printed, never thrown. Linked with hardy::program it trains within the process;
/// methods must be added before (add_method of methods/method.h).
int run_program(const std::vector<std::string>& command_line);

}  // namespace hardy
