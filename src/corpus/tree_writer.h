// Writes a corpus of drawn features in the layout of the public code (docs/formats.md), so that
// programs for that layout can be tried without the real features.
#pragma once

#include <filesystem>
#include <string>

#include "hardy/corpus.h"

namespace hardy {

/// A file of this name in a data set's folder marks its features as synthetic; the tree reader then
/// sets Corpus::is_synthetic.
inline constexpr const char* kSyntheticMarker = "SYNTHETIC";

/// The public name of a modality's feature folder: "wav2vec-large-c-UTT", "deberta-large-4-UTT" and
/// "manet_UTT" for acoustic, textual and visual; the modality's name for any other.
std::string feature_folder_name(const std::string& modality_name);

/// The data set of a label file: "IEMOCAP" for "IEMOCAP_features_raw_4way.pkl".
std::string data_set_of(const std::filesystem::path& label_file);

/// Writes `ROOT/DATA SET/features/FOLDER/UTTERANCE.npy` (float32 [d_m]), a copy of `label_file` and
/// the marker. In IEMOCAP the visual modality becomes a folder per utterance with both actors'
/// faces, `compress_F.npy` and `compress_M.npy`: the speaker's is the corpus's row, the listener's
/// is drawn near that actor's nearest row of the dialogue (near the speaker's own if there is no
/// other speaker). An absent feature has no file; the public programs expect every file and need
/// corpora without absent features.
///
/// The tree appears under `root` complete or not at all. Equal corpora give equal bytes. Throws
/// ConfigError when `root` exists and is not an empty folder or the corpus is not marked as
/// synthetic, DataError for a name that cannot be a file name, a speaker of IEMOCAP that ends in
/// neither F nor M, or a missing label file, IoError when the operating system refuses.
void write_tree(const Corpus& corpus, const std::filesystem::path& root,
                const std::filesystem::path& label_file);

}  // namespace hardy
