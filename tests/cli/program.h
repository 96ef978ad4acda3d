// Runs the real program in a separate process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hardy::test {

/// Whether the program was built with a sanitizer, which makes it slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

/// Path of the program `hardy` that was built with the tests.
const char* hardy_program();
/// Path of the program that trains, without which `hardy` only predicts; empty when it was not
/// built.
const char* hardy_trainer();

/// How a process ended.
struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal when one ended it
  /// CPU time of all threads between ProgramOptions::interrupt_when and the end.
  double cpu_after_signal_s = 0;
  std::string output;  ///< standard output
  std::string errors;  ///< standard error
};

struct ProgramOptions {
  std::filesystem::path folder = {};                  ///< working folder; empty = the test's
  std::map<std::string, std::string> variables = {};  ///< added to the environment
  std::string output_file = {};                       ///< file for standard output, e.g. /dev/full
  std::string input_file = {};                        ///< file for standard input
  std::vector<int> closed = {};                       ///< descriptors that are not open
  std::int64_t largest_file = -1;                     ///< bytes a file may have; -1 = no limit
  /// The signal is sent as soon as this returns true.
  std::function<bool()> interrupt_when = {};
  int signal = 2;  ///< SIGINT
};

/// Runs `hardy <arguments>` and waits for it.
ProgramResult run_hardy(const std::vector<std::string>& arguments,
                        const ProgramOptions& options = {});

}  // namespace hardy::test
