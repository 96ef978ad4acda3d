// Are two sets of features the same extraction? Cosine per utterance and modality.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// How alike the vectors of one modality are.
struct FeatureAgreement {
  std::string modality;
  std::int64_t compared = 0;    ///< utterances that both have
  std::int64_t only_ours = 0;   ///< present in ours alone
  std::int64_t only_other = 0;  ///< present in the other alone
  std::string width_note;       ///< not empty: the widths differ, nothing was compared
  double mean_cosine = 0;
  double least_cosine = 0;
  std::string least_id;  ///< of the utterance with it
};

/// Compares the modalities that both folders have. Each is a corpus in the plain form or a folder
/// MODALITY/UTTERANCE.npy; names of folders are read as in the GCNet tree. Utterances are matched
/// by id. Throws DataError when there is nothing in common.
std::vector<FeatureAgreement> compare_features(const std::filesystem::path& ours,
                                               const std::filesystem::path& other);

}  // namespace hardy
