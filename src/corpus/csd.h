// CMU-MultimodalSDK: one HDF5 file (.csd) per computational sequence, aligned to the labels here;
// and the merged HDF5 files of MultiBench with aligned sequences.
#pragma once

#include <filesystem>

#include "hardy/config.h"
#include "hardy/load.h"

namespace hardy {

/// Whether a folder contains .csd files.
bool is_csd_folder(const std::filesystem::path& folder);

/// Reads a folder of .csd files (docs/formats.md, "CMU-MultimodalSDK"): one utterance per label
/// interval; features are reduced over the frames whose interval overlaps it. Throws DataError when
/// a file as a whole is unusable, ConfigError when an option fits none.
Reading read_csd_folder(const DataConfig& config);

/// Reads a merged file: /MODALITY/VIDEO[k]/features, labels among the modalities. Throws as above.
Reading read_merged_hdf5(const std::filesystem::path& file, const DataConfig& config);

}  // namespace hardy
