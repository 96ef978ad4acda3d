// A label table (CSV, JSON, .npz) beside a folder of features per utterance: MERBench, MELD,
// EmoryNLP, CH-SIMS and people's own tables.
#pragma once

#include <filesystem>

#include "hardy/config.h"
#include "hardy/reading.h"

namespace hardy {

/// Whether a folder has this layout: feature folders and a label table, and no label pickle.
bool is_feature_table(const std::filesystem::path& folder);

/// Reads it (docs/formats.md, "Label tables beside features"). `jobs`: threads that read, >= 1.
/// Throws DataError when tables or features as a whole cannot be used, ConfigError when an option
/// fits none.
Reading read_feature_table(const DataConfig& config, int jobs);

}  // namespace hardy
