// A label table (CSV, JSON, .npz) beside a folder of features per utterance: MERBench, MELD,
// EmoryNLP, CH-SIMS and similar tables.
#pragma once

#include <filesystem>

#include "hardy/config.h"
#include "hardy/load.h"

namespace hardy {

/// Whether a folder has this layout: feature folders and a label table, and no label pickle.
bool is_feature_table(const std::filesystem::path& folder);

/// Reads the layout (docs/formats.md, "Label tables beside features"). `jobs`: reading threads, >=
/// 1. Throws DataError when tables or features as a whole are unusable, ConfigError when an option
/// fits none.
Reading read_feature_table(const DataConfig& config, int jobs);

}  // namespace hardy
