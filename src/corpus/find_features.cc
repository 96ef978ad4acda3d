#include "corpus/find_features.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/foreign.h"
#include "hardy/errors.h"
#include "hardy/load.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

std::vector<FeatureFolder> all_feature_folders(const fs::path& features) {
  std::map<std::pair<int, std::string>, std::vector<std::string>> by_modality;
  for (const auto& folder : list_folder(features, true, "")) {
    if (!is_feature_folder(features / folder)) continue;
    const std::string name = modality_of_folder(folder);
    by_modality[{modality_rank(name), name}].push_back(folder);
  }
  std::vector<FeatureFolder> result;
  for (const auto& [key, folders] : by_modality) {
    if (folders.size() > 1) {
      throw ConfigError(fmt::format(
          "{}: several folders hold {} features ({}); choose with --features {}={} (and name the "
          "other modalities likewise)",
          features.string(), key.second, fmt::join(folders, ", "), key.second, folders[0]));
    }
    result.push_back({key.second, features / folders[0]});
  }
  if (result.empty()) {
    throw DataError(fmt::format("{}: it holds no folder of .npy files", features.string()));
  }
  return result;
}

}  // namespace

std::vector<std::string> list_folder(const fs::path& folder, bool folders,
                                     std::string_view suffix) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    std::string name = entry.path().filename().string();
    if (is_side_file(name) || entry.is_directory(ignored) != folders) continue;
    if (name.ends_with(suffix)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<FeatureFolder> find_feature_folders(const fs::path& features,
                                                const std::string& modalities) {
  const auto choices = parse_modality_choices(modalities);
  if (choices.empty()) return all_feature_folders(features);
  std::vector<FeatureFolder> result;
  std::set<std::string> names;
  for (const auto& [given, folder] : choices) {
    std::error_code ignored;
    if (!fs::is_directory(features / folder, ignored)) {
      throw ConfigError(fmt::format("{}: no feature folder '{}'; there are {}", features.string(),
                                    folder, fmt::join(list_folder(features, true, ""), ", ")));
    }
    const std::string name = given.empty() ? modality_of_folder(folder) : given;
    if (!names.insert(name).second) {
      throw ConfigError(fmt::format("--features: two folders for modality '{}'", name));
    }
    result.push_back({name, features / folder});
  }
  return result;
}

}  // namespace hardy
