// The directory layout that GCNet, MoMKE and HARDY-MER read (docs/formats.md), for IEMOCAP-4,
// IEMOCAP-6, CMU-MOSI and CMU-MOSEI.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/load.h"

namespace hardy {

/// Path and reading options of a tree.
struct TreeOptions {
  /// The data set's folder (it holds features/) or the folder of feature folders itself.
  std::filesystem::path root = {};
  /// The label pickle; empty = the only .pkl in `root` or, if `root` is the features folder, above
  /// it.
  std::filesystem::path labels = {};
  /// "acoustic=wav2vec-large-c-UTT,textual=..."; empty = every feature folder, named by its prefix
  /// (modality_of_folder in hardy/load.h).
  std::string modalities = {};
  int jobs = 1;                              ///< threads. Range >= 1
  std::string task = "auto";                 ///< "labels" = the six emotions of CMU-MOSEI
  std::vector<std::string> unlabelled = {};  ///< labels that mean "not labelled": "nan", "-1"
  std::string not_finite = "refuse";         ///< refuse | skip-frames | missing
};

/// Whether a folder looks like such a tree: feature folders and a label pickle, or options with
/// one.
bool is_tree(const std::filesystem::path& root);

/// Reads a tree and collects every problem of single files and records. Dialogues are sorted by
/// name, so that the order of the pickle has no effect. Throws DataError without a usable label
/// file or feature folder, ConfigError when an option fits none.
Reading read_tree(const TreeOptions& options);

/// read_tree for use: throws DataError at the first error.
Corpus load_tree(const TreeOptions& options);

/// A corpus without modalities from a label pickle, for drawing features. Throws DataError.
Corpus load_tree_label_corpus(const std::filesystem::path& label_file);

}  // namespace hardy
