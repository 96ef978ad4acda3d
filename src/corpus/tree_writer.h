// Writes a corpus of drawn features in the layout of the public code (formats.md 3.1), so that
// every program that reads that layout can be tried without the real features.
#pragma once

#include <filesystem>
#include <string>

#include "hardy/corpus.h"

namespace hardy {

/// A file of this name in a data-set folder says that its features are synthetic; the tree reader
/// sets Corpus::is_synthetic when it finds one.
inline constexpr const char* kSyntheticMarker = "SYNTHETIC";

/// The public name of a modality's feature folder: "wav2vec-large-c-UTT", "deberta-large-4-UTT" and
/// "manet_UTT" for acoustic, textual and visual; the name itself for any other.
std::string feature_folder_name(const std::string& modality_name);

/// The data set a label file belongs to: "IEMOCAP" for "IEMOCAP_features_raw_4way.pkl".
std::string data_set_of(const std::filesystem::path& label_file);

/// Writes `<root>/<data set>/features/<folder>/<utterance id>.npy` (float32 [d_m]), a copy of
/// `label_file` and the marker. In IEMOCAP the visual modality becomes a folder per utterance with
/// both actors' faces, `compress_F.npy` and `compress_M.npy`: the speaker's is the corpus's row,
/// the listener's is drawn near that actor's nearest row of the dialogue (near the speaker's own
/// when nobody else speaks). An absent feature has no file, which is how our reader knows it; the
/// public programs expect every file, so give them corpora without absent features.
///
/// The tree appears under `root` complete or not at all. Equal corpora give equal bytes. Throws
/// ConfigError when `root` exists and is not an empty folder or the corpus is not marked synthetic,
/// DataError for a name that cannot be a file name, a speaker of IEMOCAP that ends in neither F nor
/// M, or a missing label file, IoError when the system refuses.
void write_tree(const Corpus& corpus, const std::filesystem::path& root,
                const std::filesystem::path& label_file);

}  // namespace hardy
