// One folder of per-utterance .npy files -> the features of one modality, read by several threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/reading.h"

namespace hardy {

/// Whose feature is wanted.
struct FeatureRequest {
  /// Utterance, in Unicode's composed form: the file <id>.npy or the folder <id>/.
  std::string id;
  std::string face;  ///< "F" or "M": which file of a folder of two faces; empty = all are averaged
};

/// What becomes of features with NaN, infinity or values beyond kLargestFeature.
enum class BadFeatures {
  kRefuse,      ///< an error that names file, frame and column
  kSkipFrames,  ///< left out of the mean over frames; missing when nothing is left
  kMissing      ///< the utterance lacks the modality
};

/// Reads DataConfig::not_finite.
BadFeatures bad_features_of(const std::string& word);

/// A modality and where it is stored.
struct FeatureFolder {
  std::string modality;
  std::filesystem::path folder;
};

/// Reads every requested feature of every folder; result [M] in the order of `folders`, rows in the
/// order of `requests`. Rules (docs/formats.md): `<id>.npy`, else `<id>/`: with `face`, the one
/// file whose name holds that letter; otherwise the mean of all, in order of their names. A vector
/// [D] is taken as it is, of [T,D] the mean over T; an empty array gives zeros. What does not exist
/// is marked as missing. Problems go to `findings`, ordered by modality, then utterance. `jobs` >=
/// 1 threads.
std::vector<ModalityData> load_feature_folders(const std::vector<FeatureFolder>& folders,
                                               const std::vector<FeatureRequest>& requests,
                                               int jobs, BadFeatures bad,
                                               std::vector<Finding>& findings);

/// Whether a folder holds .npy files or sub-folders, i.e. may be a feature folder.
bool is_feature_folder(const std::filesystem::path& folder);

}  // namespace hardy
