// One pickle with a dict per part of the split and one array per modality: MMSA (CMU-MOSI,
// CMU-MOSEI, CH-SIMS, CH-SIMS v2) and MultiBench.
#pragma once

#include "formats/pickle.h"
#include "hardy/config.h"
#include "hardy/load.h"

namespace hardy {

/// Whether a pickle has this layout: a dict with train, valid or test that are dicts, or one dict
/// with features.
bool is_split_pickle(const PickleValue& root);

/// Reads the layout (docs/formats.md). `name` stands for the file in messages. Throws DataError
/// when the pickle as a whole is unusable, ConfigError when an option fits none.
Reading read_split_pickle(const PickleValue& root, const std::string& name,
                          const DataConfig& config);

}  // namespace hardy
