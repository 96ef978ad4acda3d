#include "corpus/mmin_tree.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "base/foreign.h"
#include "corpus/assembler.h"
#include "formats/hdf5.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMminSessionLength = 5;  // "Ses01"
constexpr float kMostMminClasses = 1000;

struct FeatureRoom {
  const char* folder;
  const char* modality;
};

constexpr auto kRooms = std::to_array<FeatureRoom>({
    {"A", "acoustic"},
    {"L", "textual"},
    {"V", "visual"},
});

constexpr std::array kPartFiles = {"trn", "val", "tst"};

/// Number of utterances of IEMOCAP's four classes, from which the class names follow.
struct ClassSize {
  std::int64_t count;
  const char* name;
};

constexpr auto kIemocapSizes = std::to_array<ClassSize>({
    {1103, "angry"},
    {1636, "happy"},
    {1708, "neutral"},
    {1084, "sad"},
});

/// Entries of a folder with an ending (folders: ""), sorted.
std::vector<std::string> entries_with(const fs::path& folder, std::string_view ending) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    std::string name = entry.path().filename().string();
    const bool wants_folder = ending.empty();
    if (is_side_file(name) || entry.is_directory(ignored) != wants_folder) continue;
    if (name.ends_with(ending)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Feature files of a modality's folder, without the statistics of training folds.
std::vector<std::string> feature_files(const fs::path& room) {
  auto names = entries_with(room, ".h5");
  std::erase_if(names, [](const std::string& name) { return name.ends_with("_mean_std.h5"); });
  return names;
}

class MminReader {
 public:
  explicit MminReader(const DataConfig& config)
      : root_(config.path), config_(config), assembler_(config.path, SequenceRules::from(config)) {}

  Reading read() {
    read_labels();
    for (const auto& [modality, file] : choose_files()) read_features(modality, file);
    return assembler_.finish(config_, fs::weakly_canonical(root_).filename().string(),
                             "HDF5 folder of MMIN and CIF-MMIN");
  }

 private:
  /// All utterances of the first fold: the ten folds divide the same ones.
  void read_labels() {
    const fs::path target = root_ / "target";
    auto folds = entries_with(target, "");
    if (folds.empty()) {
      throw DataError(fmt::format("{}: it holds no folder of labels", target.string()));
    }
    std::map<std::string, float> labels;
    for (const char* part : kPartFiles) read_part(target / folds[0], part, labels);
    LabelColumn column;
    column.name = "emotion";
    for (auto& [id, label] : labels) {
      add_record(id);
      column.values.push_back(label);
    }
    name_classes(column);
    assembler_.add_label(std::move(column));
  }

  void read_part(const fs::path& fold, const std::string& part,
                 std::map<std::string, float>& labels) {
    const fs::path name_file = fold / (part + "_int2name.npy");
    const fs::path label_file = fold / (part + "_label.npy");
    const auto names = parse_npy_texts(read_file(name_file), name_file.string());
    const NpyArray array = load_npy(label_file);
    const bool is_one_hot = array.shape.size() == 2 && array.shape[1] >= 2;
    if ((!is_one_hot && array.shape.size() != 1) ||
        array.shape[0] != static_cast<std::int64_t>(names.size())) {
      throw DataError(fmt::format("{}: shape ({}) for {} names", label_file.string(),
                                  fmt::join(array.shape, ", "), names.size()));
    }
    const std::size_t width = is_one_hot ? static_cast<std::size_t>(array.shape[1]) : 1;
    if (is_one_hot) classes_ = std::max(classes_, width);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto row = std::span(array.values).subspan(i * width, width);
      const auto largest = std::max_element(row.begin(), row.end()) - row.begin();
      const float label = is_one_hot ? static_cast<float>(largest) : row[0];
      if (is_one_hot && (row[static_cast<std::size_t>(largest)] != 1 ||
                         std::count(row.begin(), row.end(), 0.0F) != array.shape[1] - 1)) {
        throw DataError(fmt::format("{}, row {}: not one-hot", label_file.string(), i));
      }
      if (!is_one_hot && !(label >= 0 && label < kMostMminClasses && label == std::floor(label))) {
        throw DataError(fmt::format("{}, row {}: {} is no class", label_file.string(), i, label));
      }
      if (!is_one_hot) classes_ = std::max(classes_, static_cast<std::size_t>(label) + 1);
      if (labels.emplace(names[i][0], label).second) continue;
      assembler_.add_finding({Severity::kError, "duplicate-id",
                              fmt::format("{}, utterance {}", name_file.string(), names[i][0]),
                              "it is listed twice", "keep one of the two"});
    }
  }

  /// "Ses01F_impro01_F000": dialogue, speaker's letter and number of the utterance.
  void add_record(const std::string& id) {
    Record record;
    record.id = id;
    const std::size_t cut = id.rfind('_');
    const bool is_iemocap =
        id.starts_with("Ses") && id.size() > kMminSessionLength && cut != std::string::npos;
    record.dialogue = is_iemocap ? id.substr(0, cut) : id;
    if (is_iemocap) {
      // Numbers count each speaker's turns; without times this is the closest available order.
      const std::string_view turn = std::string_view(id).substr(cut + 1);
      record.group = id.substr(0, kMminSessionLength);
      if (!turn.empty()) {
        record.speaker = fmt::format("{}_{}", record.group, turn[0]);
        record.order = to_integer(turn.substr(1)).value_or(0);
      }
    }
    by_id_.emplace(id, assembler_.size());
    assembler_.add(std::move(record));
  }

  void name_classes(LabelColumn& column) {
    std::vector<std::int64_t> counts(classes_, 0);
    for (const float value : column.values) ++counts[static_cast<std::size_t>(value)];
    std::vector<std::string> known;
    for (const std::int64_t count : counts) {
      for (const auto& [size, name] : kIemocapSizes) {
        if (size == count) known.emplace_back(name);
      }
    }
    if (known.size() == kIemocapSizes.size() && classes_ == kIemocapSizes.size()) {
      column.class_names = std::move(known);
      return;
    }
    for (std::size_t c = 0; c < classes_; ++c) column.class_names.push_back(fmt::format("{}", c));
    assembler_.add_finding({Severity::kWarning, "unnamed-classes", root_.string(),
                            "the files number the classes and do not name them",
                            "models of this corpus fit others only if those number them alike"});
  }

  // ---- features ---------------------------------------------------------------------------------

  [[nodiscard]] std::vector<std::pair<std::string, fs::path>> choose_files() const {
    std::vector<std::pair<std::string, fs::path>> chosen;
    const auto choices = parse_modality_choices(config_.modalities);
    for (const auto& [folder, modality] : kRooms) {
      const auto files = feature_files(root_ / folder);
      for (const auto& [name, source] : choices) {
        const auto found = std::find_if(
            files.begin(), files.end(),
            [&wanted = source](const auto& f) { return f == wanted || f == wanted + ".h5"; });
        if (found == files.end()) continue;
        chosen.emplace_back(name.empty() ? modality : name, root_ / folder / *found);
      }
      if (!choices.empty() || files.empty()) continue;
      if (files.size() > 1) {
        throw ConfigError(fmt::format(
            "{}: several files of {} features ({}); choose with "
            "--features {}={}",
            (root_ / folder).string(), modality, fmt::join(files, ", "), modality, files[0]));
      }
      chosen.emplace_back(modality, root_ / folder / files[0]);
    }
    if (choices.size() > chosen.size()) {
      throw ConfigError(
          fmt::format("{}: --features names a file that A, L and V do not hold", root_.string()));
    }
    return chosen;
  }

  void read_features(const std::string& modality, const fs::path& file) {
    std::optional<std::size_t> m;
    std::int64_t found = 0;
    const auto want = [&](const Hdf5Entry& entry) {
      return by_id_.contains(entry.path) ? Hdf5Want::kFloats : Hdf5Want::kSkip;
    };
    read_hdf5(file, want, [&](Hdf5Array& array) {
      const auto& shape = array.entry.shape;
      const auto record = by_id_.find(array.entry.path);
      if (record == by_id_.end() || shape.empty() || shape.size() > 2) {
        throw DataError(fmt::format("{}: {}: shape ({}) where [T, D] is expected", file.string(),
                                    array.entry.path, fmt::join(shape, ", ")));
      }
      if (!m) m = assembler_.add_modality(modality, shape.back(), shape.size() == 2);
      if (shape.back() != assembler_.width(*m)) {
        throw DataError(fmt::format("{}: {} is {} wide, others {}", file.string(), array.entry.path,
                                    shape.back(), assembler_.width(*m)));
      }
      ++found;
      // Padding of fixed-length arrays is all zero.
      const auto frames = shape.size() == 2 ? strip_padding(array.floats, shape[1])
                                            : std::span<const float>(array.floats);
      assembler_.set(*m, record->second, frames,
                     fmt::format("{}, {}", file.string(), array.entry.path));
    });
    if (2 * found >= static_cast<std::int64_t>(by_id_.size())) return;
    assembler_.add_finding(
        {Severity::kError, "wrong-folder", file.string(),
         fmt::format("it holds features of only {} of {} utterances", found, by_id_.size()),
         "probably the features of another corpus: choose others with --features"});
  }

  fs::path root_;
  const DataConfig& config_;
  CorpusAssembler assembler_;
  std::size_t classes_ = 0;
  std::unordered_map<std::string, std::size_t> by_id_;
};

}  // namespace

bool is_mmin_tree(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder / "target", ignored)) return false;
  return std::any_of(kRooms.begin(), kRooms.end(), [&](const FeatureRoom& room) {
    return !feature_files(folder / room.folder).empty();
  });
}

Reading read_mmin_tree(const DataConfig& config) { return MminReader(config).read(); }

}  // namespace hardy
