/// @file
/// Version of the library, and the whole command line of `hardy` as a function.
#pragma once

#include <string>
#include <vector>

namespace hardy {

/// The version of the library and its programs, e.g. "0.2.0".
std::string program_version();

/// Carries out one command line (argv as a whole) and returns the exit code (docs/errors.md).
/// Failures are printed, never thrown. Linked with hardy::program it trains within the process;
/// methods must be added before (add_method of methods/method.h).
int run_program(const std::vector<std::string>& command_line);

}  // namespace hardy
