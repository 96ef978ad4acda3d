// The directory layout that GCNet, MoMKE and HARDY-MER read (docs/formats.md), for IEMOCAP-4,
// IEMOCAP-6, CMU-MOSI and CMU-MOSEI.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/reading.h"

namespace hardy {

/// Where a tree is and what of it is wanted.
struct TreeOptions {
  /// The data set's folder (it holds features/) or the folder of feature folders itself.
  std::filesystem::path root = {};
  /// The label pickle; empty = the only .pkl in `root` or, if `root` is the features folder, above
  /// it.
  std::filesystem::path labels = {};
  /// "acoustic=wav2vec-large-c-UTT,textual=..."; empty = every feature folder, named by what its
  /// name starts with (reading.h, modality_of_folder).
  std::string modalities = {};
  int jobs = 1;                              ///< threads. Range >= 1
  std::string task = "auto";                 ///< "labels" = the six emotions of CMU-MOSEI
  std::vector<std::string> unlabelled = {};  ///< labels that mean "not labelled": "nan", "-1"
  std::string not_finite = "refuse";         ///< refuse | skip-frames | missing
};

/// Whether a folder looks like such a tree: feature folders and a label pickle, or options name
/// one.
bool is_tree(const std::filesystem::path& root);

/// Reads a tree and collects every problem of single files and records. Dialogues are in order of
/// their names, so the same data give the same corpus whatever order the pickle has. Throws
/// DataError when there is no usable label file or feature folder, ConfigError when an option fits
/// none.
Reading read_tree(const TreeOptions& options);

/// The same for use: throws DataError at the first error.
Corpus load_tree(const TreeOptions& options);

/// Only what a label pickle says: a corpus without modalities, for drawing features. Throws
/// DataError.
Corpus load_tree_label_corpus(const std::filesystem::path& label_file);

}  // namespace hardy
