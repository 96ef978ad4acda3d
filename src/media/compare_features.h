// Comparison of two sets of features: cosine per utterance and modality.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// Similarity of the vectors of one modality.
struct FeatureAgreement {
  std::string modality;
  std::int64_t compared = 0;    ///< utterances in both
  std::int64_t only_ours = 0;   ///< utterances in ours only
  std::int64_t only_other = 0;  ///< utterances in the other only
  std::string width_note;       ///< set if the widths differ; then nothing was compared
  double mean_cosine = 0;
  double least_cosine = 0;
  std::string least_id;  ///< utterance with the least cosine
};

/// Compares the modalities of both folders. Each is a corpus in the plain form or a folder
/// MODALITY/UTTERANCE.npy; folder names are interpreted as in the GCNet tree. Utterances are
/// matched by id. Throws DataError when nothing is in common.
std::vector<FeatureAgreement> compare_features(const std::filesystem::path& ours,
                                               const std::filesystem::path& other);

}  // namespace hardy
