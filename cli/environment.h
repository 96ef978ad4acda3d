// What the program learns from its surroundings: the only place that reads environment variables.
#pragma once

#include <filesystem>

namespace hardy {

/// ${XDG_CACHE_HOME:-~/.cache}/hardy; a folder below the system's temporary one without either.
std::filesystem::path default_cache_folder();

/// The folder of the running program.
std::filesystem::path program_folder();

/// Columns of the terminal on standard error; 0 when it is none.
int terminal_columns();

}  // namespace hardy
