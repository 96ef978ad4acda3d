// Which folders below features/ are which modality.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "corpus/feature_folder.h"

namespace hardy {

/// Names in a folder, sorted: of its sub-folders or of its files with an ending; what starts with a
/// dot is left out.
std::vector<std::string> list_folder(const std::filesystem::path& folder, bool folders,
                                     std::string_view suffix);

/// The feature folders of `features` by modality. `modalities`: "acoustic=wav2vec-large-c-UTT,..";
/// empty = every folder of .npy files, named by what its name starts with (reading.h,
/// modality_of_folder), acoustic, textual and visual first. Throws ConfigError when a name fits no
/// folder or several folders hold one modality, DataError when there is none.
std::vector<FeatureFolder> find_feature_folders(const std::filesystem::path& features,
                                                const std::string& modalities);

}  // namespace hardy
