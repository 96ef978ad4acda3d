// What the program learns from its surroundings: the only place that reads environment variables.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// ${XDG_CACHE_HOME:-~/.cache}/hardy; empty without either: a folder with a name that others know
/// could be filled by them.
std::filesystem::path default_cache_folder();

/// Makes every library compute with at most these instructions ("avx512", "avx2" or "sse4"), so
/// that unlike machines give equal results. Libraries look once, while they are loaded: when the
/// environment is not yet so, this program is started again and the call does not return. Throws
/// ConfigError when this machine lacks the instructions.
void pin_instructions(const std::string& name);

/// The names that pin_instructions() knows.
const std::vector<std::string>& instruction_sets();

/// The folder of the running program.
std::filesystem::path program_folder();

/// Columns of the terminal on standard error; 0 when it is none.
int terminal_columns();

}  // namespace hardy
