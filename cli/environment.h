// Environment of the program; the only place that reads environment variables.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// ${XDG_CACHE_HOME:-~/.cache}/hardy; empty without either, because other users could fill a folder
/// with a predictable name.
std::filesystem::path default_cache_folder();

/// Limits every library to these instructions ("avx512", "avx2" or "sse4"), so that different
/// machines give equal results. Libraries read the environment while they are loaded: if it is not
/// set yet, this program is restarted and the call does not return. Throws ConfigError when this
/// machine lacks the instructions.
void pin_instructions(const std::string& name);

/// The names accepted by pin_instructions().
const std::vector<std::string>& instruction_sets();

/// Occupies the numbers of standard input, output and error where they are closed. Otherwise the
/// next file or connection gets the number, and messages are written into it. Reading the input and
/// writing the others fail as before.
void occupy_standard_descriptors();

/// The folder of the running program.
std::filesystem::path program_folder();

/// Columns of the terminal on standard error; 0 if it is no terminal.
int terminal_columns();

}  // namespace hardy
