// The folder of HDF5 features that MMIN and CIF-MMIN read (IEMOCAP).
#pragma once

#include <filesystem>

#include "hardy/config.h"
#include "hardy/load.h"

namespace hardy {

/// Whether a folder has this layout: target/ with label arrays, and A, V or L with .h5 files.
bool is_mmin_tree(const std::filesystem::path& folder);

/// Reads the layout (docs/formats.md, "MMIN"). Throws DataError when a file as a whole is unusable,
/// ConfigError when an option fits none.
Reading read_mmin_tree(const DataConfig& config);

}  // namespace hardy
