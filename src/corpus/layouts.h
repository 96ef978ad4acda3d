// The layouts beside the plain form and the tree: which one a path has, and its reader.
#pragma once

#include <filesystem>
#include <string>

#include "hardy/config.h"
#include "hardy/reading.h"

namespace hardy {

/// The value of DataConfig::format for a file or folder in one of these layouts; empty when it has
/// none of them. Looks at names and at the structure of pickles, never at whole arrays. A file that
/// can be none of them is refused: throws DataError saying what it is and what to give instead.
std::string find_layout(const std::filesystem::path& path);

/// Reads a corpus in the layout `format`, a value that find_layout may give. `jobs`: threads that
/// read, >= 1. Throws DataError, ConfigError, IoError.
Reading read_layout(const std::string& format, const DataConfig& config, int jobs);

}  // namespace hardy
