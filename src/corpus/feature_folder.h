// One folder of per-utterance .npy files -> the features of one modality, read by several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/load.h"

namespace hardy {

/// A requested feature.
struct FeatureRequest {
  /// Utterance id in Unicode's composed form: the file ID.npy or the folder ID/.
  std::string id;
  std::string face;  ///< "F" or "M": file of a folder of two faces; empty = the mean of all
};

/// Policy for features with NaN, infinity or values beyond kLargestFeature.
enum class BadFeatures {
  kRefuse,      ///< an error that names file, frame and column
  kSkipFrames,  ///< left out of the mean over frames; missing if no frame remains
  kMissing      ///< the utterance lacks the modality
};

/// Reads DataConfig::not_finite.
BadFeatures bad_features_of(const std::string& word);

/// A modality and its folder.
struct FeatureFolder {
  std::string modality;
  std::filesystem::path folder;
};

/// Reads every requested feature of every folder; result [M] in the order of `folders`, rows in the
/// order of `requests`. Rules (docs/formats.md): `ID.npy`, otherwise `ID/`: with `face`, the one
/// file whose name contains that letter; otherwise the mean of all, in order of their names. A
/// vector [D] is taken as it is, of [T,D] the mean over T; an empty array gives zeros. Missing
/// files are marked as missing. Problems go to `findings`, ordered by modality, then utterance.
/// `jobs` >= 1 threads.
std::vector<ModalityData> load_feature_folders(const std::vector<FeatureFolder>& folders,
                                               const std::vector<FeatureRequest>& requests,
                                               int jobs, BadFeatures bad,
                                               std::vector<Finding>& findings);

/// Whether a folder contains .npy files or sub-folders, i.e. may be a feature folder.
bool is_feature_folder(const std::filesystem::path& folder);

}  // namespace hardy
