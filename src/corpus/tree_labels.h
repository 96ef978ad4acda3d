// The label pickle of the GCNet / MoMKE / HARDY-MER tree (docs/formats.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/load.h"

namespace hardy {

struct TreeUtterance {
  std::string id;
  float label = 0;              ///< NaN if the file has NaN
  std::vector<float> emotions;  ///< of CMU-MOSEI with seven labels: six intensities; else empty
  std::string speaker;          ///< as in the file: "F", "M" or empty
  std::string transcript;
};

struct TreeDialogue {
  std::string id;
  Part part = Part::kNone;
  std::vector<TreeUtterance> utterances;  ///< at least one
};

/// Contents of a label pickle.
struct TreeLabels {
  /// IEMOCAP (six entries: classes, speakers, sessions) or CMU-MOSI / CMU-MOSEI (seven: values).
  bool is_iemocap = false;
  std::vector<TreeDialogue> dialogues;  ///< sorted by id
  std::vector<Finding> findings;        ///< problems of single dialogues and utterances
};

/// Reads a label pickle. Throws DataError when the file as a whole is unusable.
TreeLabels load_tree_labels(const std::filesystem::path& file);

}  // namespace hardy
