// Layouts other than the plain form and the tree: recognition and reading.
#pragma once

#include <filesystem>
#include <string>

#include "hardy/config.h"
#include "hardy/load.h"

namespace hardy {

/// The value of DataConfig::format for a file or folder in one of these layouts; empty for others.
/// Reads names and the structure of pickles, never whole arrays. Throws DataError for a file that
/// can be none of them, with its kind and the expected input.
std::string find_layout(const std::filesystem::path& path);

/// Reads a corpus in the layout `format`, a result of find_layout. `jobs`: reading threads, >= 1.
/// Throws DataError, ConfigError, IoError.
Reading read_layout(const std::string& format, const DataConfig& config, int jobs);

}  // namespace hardy
