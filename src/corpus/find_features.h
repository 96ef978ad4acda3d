// Assignment of the folders below features/ to modalities.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "corpus/feature_folder.h"

namespace hardy {

/// Sorted names in a folder: its sub-folders, or its files with an ending; hidden ones left out.
std::vector<std::string> list_folder(const std::filesystem::path& folder, bool folders,
                                     std::string_view suffix);

/// The feature folders of `features` by modality. `modalities`: "acoustic=wav2vec-large-c-UTT,..";
/// empty = every folder of .npy files, named by its prefix (modality_of_folder in hardy/load.h),
/// acoustic, textual and visual first. Throws ConfigError when a name matches no folder or several
/// folders have one modality, DataError when there is none.
std::vector<FeatureFolder> find_feature_folders(const std::filesystem::path& features,
                                                const std::string& modalities);

}  // namespace hardy
