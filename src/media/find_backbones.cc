// Frozen networks in a folder, found by their contents.
#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backbones/network_settings.h"
#include "backbones/weight_set.h"
#include "hardy/errors.h"
#include "hardy/extract.h"
#include "media/script_network.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kOptionNames = {"--audio", "--text", "--video"};
constexpr std::size_t kSound = 0;
constexpr std::size_t kText = 1;
constexpr std::size_t kPictures = 2;

/// A file or folder with a network.
struct Found {
  fs::path path;
  std::string kind;          ///< as makers begin
  std::size_t modality = 0;  ///< index as in kMediaModalities
};

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The network of a folder in Hugging Face's form; no kind if there is none.
Found look_into_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder / "config.json", ignored)) return {};
  std::string kind;
  try {
    kind = NetworkSettings::read(folder / "config.json").text_or("model_type", "");
  } catch (const ArtifactError&) {
    return {};  // the settings of something else
  }
  if (is_one_of(kind, {"deberta", "bert", "roberta"})) return {folder, kind, kText};
  if (is_one_of(kind, {"wav2vec2", "hubert", "wavlm"})) return {folder, kind, kSound};
  return {};
}

/// The network of a single file; no kind if there is none.
Found look_into_file(const fs::path& file) {
  if (!is_one_of(file.extension().string(), {".pt", ".pth", ".tar", ".safetensors"})) return {};
  if (is_script(file)) return {};
  try {
    auto weights = WeightSet::open(file);
    if (weights.has("feature_aggregator.conv_layers.0.1.weight")) return {file, "wav2vec", kSound};
    weights.keep_below("module.");
    if (weights.has("layer3_1_p1.0.conv1.weight")) return {file, "manet", kPictures};
  } catch (const Error&) {
    // Not a file of weights.
  }
  return {};
}

std::vector<Found> look_into(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (error) {
    throw ArtifactError(
        fmt::format("--backbones {}: cannot be listed: {}", folder.string(), error.message()));
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Found> all;
  for (const auto& path : paths) {
    auto found = fs::is_directory(path, error) ? look_into_folder(path) : look_into_file(path);
    if (!found.kind.empty()) all.push_back(std::move(found));
  }
  return all;
}

/// The parts of a maker's name between hyphens.
std::vector<std::string> parts_of(const std::string& maker) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= maker.size();) {
    const auto end = std::min(maker.find('-', start), maker.size());
    parts.push_back(maker.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// Reads "4" or "8to5" behind a word such as "tokens". False if it is neither.
bool read_states(std::string_view text, BackboneFiles& files) {
  int first = 0;
  int last = 1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), first);
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc() && rest.starts_with("to")) {
    rest.remove_prefix(2);
    const auto second = std::from_chars(rest.data(), rest.data() + rest.size(), last);
    error = second.ec;
    rest.remove_prefix(static_cast<std::size_t>(second.ptr - rest.data()));
  }
  if (error != std::errc() || !rest.empty()) return false;
  files.first_state = -first;
  files.last_state = -last;
  return true;
}

/// Sets the pooling that a maker's name states.
void set_pooling(const std::string& maker, BackboneFiles& files) {
  for (const auto& part : parts_of(maker)) {
    for (const auto& [word, like] :
         {std::pair("words", "gcnet"), {"tokens", ""}, {"pieces", "merbench"}, {"frames", ""}}) {
      const std::string_view text = part;
      if (!text.starts_with(word) ||
          !read_states(text.substr(std::string_view(word).size()), files))
        continue;
      if (*like != '\0') files.like = like;
    }
    if (part == "black") files.like = "gcnet";
    if (part == "since") files.is_manet_since_2023 = true;
  }
}

/// Of networks of the kind that a maker names, the one with its weights. If there is only one,
/// whoever compares makers later notices other weights.
const Found& find_maker(const std::vector<Found>& all, const std::string& maker,
                        const fs::path& folder) {
  const auto parts = parts_of(maker);
  std::vector<const Found*> fitting;
  for (const auto& each : all) {
    if (each.kind == parts[0]) fitting.push_back(&each);
  }
  if (fitting.size() == 1) return *fitting.front();
  for (const Found* each : fitting) {
    if (parts.size() > 1 && WeightSet::open(each->path).checksum().starts_with(parts[1])) {
      return *each;
    }
  }
  throw ArtifactError(
      fmt::format("--backbones {}: it holds no network that made '{}'", folder.string(), maker),
      "the features of the model are from that network; name its folder");
}

/// The only network of a modality; null if there is none.
const Found* find_only(const std::vector<Found>& all, std::size_t modality,
                       const fs::path& folder) {
  std::vector<const Found*> fitting;
  std::vector<std::string> names;
  for (const auto& each : all) {
    if (each.modality != modality) continue;
    fitting.push_back(&each);
    names.push_back(each.path.filename().string());
  }
  if (fitting.size() > 1) {
    throw ConfigError(fmt::format("--backbones {}: it holds {}; choose one with {}",
                                  folder.string(), fmt::join(names, ", "), kOptionNames[modality]));
  }
  return fitting.empty() ? nullptr : fitting.front();
}

}  // namespace

bool is_of_network(const std::string& maker) {
  return !maker.empty() && !maker.starts_with("hardy-") && !maker.starts_with("script-");
}

BackboneFiles find_backbones(const fs::path& folder, const std::array<std::string, 3>& makers,
                             BackboneFiles given) {
  const auto all = look_into(folder);
  const std::array<fs::path*, 3> paths = {&given.sound, &given.text, &given.pictures};
  const bool is_any_maker =
      std::all_of(makers.begin(), makers.end(), [](const auto& maker) { return maker.empty(); });
  if (is_any_maker && all.empty()) {
    throw ArtifactError(fmt::format("--backbones {}: it holds no network", folder.string()),
                        "docs/recordings.md lists the files that are read");
  }
  for (std::size_t m = 0; m < paths.size(); ++m) {
    if (!paths[m]->empty()) continue;
    if (is_any_maker) {
      if (const Found* found = find_only(all, m, folder)) *paths[m] = found->path;
    } else if (is_of_network(makers[m])) {
      *paths[m] = find_maker(all, makers[m], folder).path;
      set_pooling(makers[m], given);
    }
  }
  return given;
}

}  // namespace hardy
