// The pickles of conv-emotion (DialogueRNN, DialogueGCN, MMGCN ..): labels and features of whole
// dialogues in one list.
#pragma once

#include <string>

#include "formats/pickle.h"
#include "hardy/config.h"
#include "hardy/load.h"

namespace hardy {

/// Whether a pickle has this layout: a list of at least 8 entries, of which the first three are
/// dicts of dialogues and at least one contains features.
bool is_conv_emotion(const PickleValue& root);

/// Reads the layout (docs/formats.md). `name` stands for the file in messages. Throws DataError
/// when the pickle as a whole is unusable, ConfigError when an option fits none.
Reading read_conv_emotion(const PickleValue& root, const std::string& name,
                          const DataConfig& config);

}  // namespace hardy
