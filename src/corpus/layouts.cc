#include "corpus/layouts.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/foreign.h"
#include "corpus/conv_emotion.h"
#include "corpus/csd.h"
#include "corpus/feature_folder.h"
#include "corpus/feature_table.h"
#include "corpus/mmin_tree.h"
#include "corpus/split_pickle.h"
#include "formats/hdf5.h"
#include "formats/pickle.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// Sorted names of the regular files of a folder with one of the endings; hidden ones left out.
std::vector<std::string> files_with(const fs::path& folder,
                                    std::initializer_list<std::string_view> endings) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    std::string name = entry.path().filename().string();
    if (is_side_file(name) || !entry.is_regular_file(ignored)) continue;
    const bool fits = std::any_of(endings.begin(), endings.end(),
                                  [&](std::string_view ending) { return name.ends_with(ending); });
    if (fits) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string pickle_layout(const PickleValue& root) {
  if (is_split_pickle(root)) return "mmsa";
  if (is_conv_emotion(root)) return "conv-emotion";
  return "";
}

std::string layout_of_pickle_file(const fs::path& file) {
  const Pickle pickle = load_pickle(file);
  std::string layout = pickle_layout(pickle.root());
  if (!layout.empty()) return layout;
  throw DataError(fmt::format(
      "{}: a pickle of {}, which is no layout of a whole corpus (docs/formats.md); if it is the "
      "label file of a tree, give the folder that holds it and features/",
      file.string(), pickle.root().describe()));
}

std::string layout_of_file(const fs::path& file) {
  const std::string ending = file.extension().string();
  if (ending == ".pkl" || ending == ".pickle" || ending == ".p") return layout_of_pickle_file(file);
  if (ending == ".csd") {
    throw DataError(fmt::format(
        "{}: a computational sequence has features or labels, not both; give the folder that holds "
        "all of them",
        file.string()));
  }
  if (is_hdf5(file)) return "hdf5";
  throw DataError(
      fmt::format("{}: a file with the ending '{}' is no corpus; give a folder, or a pickle (.pkl) "
                  "or HDF5 file "
                  "(.h5, .hdf5) that docs/formats.md describes",
                  file.string(), ending));
}

bool has_feature_folders(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    const bool is_hidden = is_side_file(entry.path().filename().string());
    if (!is_hidden && entry.is_directory(ignored) && is_feature_folder(entry.path())) return true;
  }
  return false;
}

/// A folder of pickles that contain features and labels together.
std::string layout_of_pickle_folder(const fs::path& folder) {
  const auto pickles = files_with(folder, {".pkl", ".pickle"});
  if (pickles.empty() || has_feature_folders(folder)) return "";
  if (pickles.size() > 1) {
    throw DataError(fmt::format("{}: it holds several pickles ({}); give the path of one of them",
                                folder.string(), fmt::join(pickles, ", ")));
  }
  try {
    return pickle_layout(load_pickle(folder / pickles[0]).root());
  } catch (const DataError&) {
    // Beside features/ it is the label file of a tree, whose reader reports the problem.
    std::error_code ignored;
    if (!fs::is_directory(folder / "features", ignored)) throw;
    return "";
  }
}

/// The file of a single-file corpus; `path` may be the file or its folder.
fs::path corpus_file(const fs::path& path, std::initializer_list<std::string_view> endings) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  const auto names = files_with(path, endings);
  if (names.size() == 1) return path / names[0];
  throw DataError(fmt::format("{}: it holds {} files of this layout ({}); give the path of one",
                              path.string(), names.size(), fmt::join(names, ", ")));
}

Reading read_pickle_layout(const std::string& format, const DataConfig& config) {
  const fs::path file = corpus_file(config.path, {".pkl", ".pickle"});
  const Pickle pickle = load_pickle(file);
  const std::string name = file.string();
  if (format == "mmsa" && is_split_pickle(pickle.root())) {
    return read_split_pickle(pickle.root(), name, config);
  }
  if (format == "conv-emotion" && is_conv_emotion(pickle.root())) {
    return read_conv_emotion(pickle.root(), name, config);
  }
  throw DataError(fmt::format("{}: a pickle of {} has not the layout '{}'", name,
                              pickle.root().describe(), format));
}

}  // namespace

std::string find_layout(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return layout_of_file(path);
  if (is_csd_folder(path)) return "csd";
  if (is_mmin_tree(path)) return "mmin";
  if (is_feature_table(path)) return "table";
  const auto merged = files_with(path, {".h5", ".hdf5"});
  if (merged.size() == 1) {
    const fs::path file = path / merged[0];
    if (is_hdf5(file) || !foreign_file(file).empty()) return "hdf5";
  }
  return layout_of_pickle_folder(path);
}

Reading read_layout(const std::string& format, const DataConfig& config, int jobs) {
  if (!config.labels.empty() && format != "table") {
    throw ConfigError(fmt::format(
        "data.labels names a label file; the layout '{}' has its labels inside", format));
  }
  if (format == "csd") return read_csd_folder(config);
  if (format == "hdf5") {
    return read_merged_hdf5(corpus_file(config.path, {".h5", ".hdf5"}), config);
  }
  if (format == "mmin") return read_mmin_tree(config);
  if (format == "table") return read_feature_table(config, jobs);
  return read_pickle_layout(format, config);
}

}  // namespace hardy
