#include "corpus/csd_sequences.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/hdf5.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "hardy/load.h"

namespace hardy {
namespace {

struct KnownWord {
  std::string_view word;
  const char* modality;
};

/// Parts of the usual sequence names in the SDK's data sets, in lower case.
constexpr auto kModalityWords = std::to_array<KnownWord>({
    {"covarep", "acoustic"},
    {"opensmile", "acoustic"},
    {"openear", "acoustic"},
    {"mfcc", "acoustic"},
    {"wav2vec", "acoustic"},
    {"acoustic", "acoustic"},
    {"audio", "acoustic"},
    {"facet", "visual"},
    {"openface", "visual"},
    {"visual", "visual"},
    {"vision", "visual"},
    {"video", "visual"},
    {"glove", "textual"},
    {"wordvector", "textual"},
    {"word_vector", "textual"},
    {"bert", "textual"},
    {"language", "textual"},
    {"textual", "textual"},
});

bool holds(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

/// "ROOT/data/ID/features" (.csd) or "ROOT/ID/features" (merged) -> ID; empty for other paths.
std::string_view id_of_path(std::string_view path, std::string_view root, std::string_view leaf) {
  if (!path.starts_with(root) || !path.substr(root.size()).starts_with('/')) return {};
  path.remove_prefix(root.size() + 1);
  if (path.starts_with("data/")) path.remove_prefix(5);
  if (!path.ends_with(leaf)) return {};
  path.remove_suffix(leaf.size());
  if (!path.ends_with('/')) return {};
  path.remove_suffix(1);
  return path.find('/') == std::string_view::npos ? path : std::string_view{};
}

void check_rows(const SequenceRows& rows, const std::string& file) {
  const auto needed = static_cast<std::size_t>(2 * rows.count);
  if (rows.intervals.empty() || rows.intervals.size() == needed) return;
  throw DataError(fmt::format("{}: recording {} has {} rows of features and {} of intervals", file,
                              rows.id, rows.count, rows.intervals.size() / 2));
}

/// Fills values or texts from a dataset "features".
void take_features(Hdf5Array& array, const std::string& file, SequenceRows& rows) {
  const auto& shape = array.entry.shape;
  const bool is_text = array.entry.type == Hdf5Type::kTexts;
  if (shape.empty() || shape.size() > 3 || (!is_text && shape.size() < 2)) {
    throw DataError(fmt::format("{}: {}: shape ({}) where [n, D] is expected", file,
                                array.entry.path, fmt::join(shape, ", ")));
  }
  rows.count = shape[0];
  rows.width = shape[0] == 0 ? 0 : array.entry.size() / shape[0];
  if (is_text && rows.count > 0 && rows.width != 1) {
    throw DataError(fmt::format("{}: {}: {} texts in a row where one is expected", file,
                                array.entry.path, rows.width));
  }
  rows.values = std::move(array.floats);
  rows.texts = std::move(array.texts);
}

}  // namespace

SequenceKind kind_of_sequence(const std::string& name) {
  const std::string lower = lower_case(name);
  if (holds(lower, "label") || holds(lower, "opinion")) return SequenceKind::kLabels;
  if (holds(lower, "phone") || holds(lower, "raw")) return SequenceKind::kOther;
  const bool is_vector = holds(lower, "vector") || holds(lower, "glove") || holds(lower, "bert");
  if (holds(lower, "word") && !is_vector) return SequenceKind::kWords;
  return SequenceKind::kFeatures;
}

std::string modality_of_sequence(const std::string& name) {
  const std::string lower = lower_case(name);
  for (const auto& [word, modality] : kModalityWords) {
    if (holds(lower, word)) return modality;
  }
  return modality_of_folder(name);
}

void read_sequence(const std::filesystem::path& file, const std::string& root, bool is_text,
                   const std::function<void(SequenceRows&)>& take) {
  std::string group = root;
  if (group.empty()) {
    const auto names = list_hdf5_root(file);
    if (names.empty()) throw DataError(fmt::format("{}: it is empty", file.string()));
    group = names[0];
  }
  const auto want = [&](const Hdf5Entry& entry) {
    if (!id_of_path(entry.path, group, "features").empty()) {
      return is_text ? Hdf5Want::kTexts : Hdf5Want::kFloats;
    }
    if (!id_of_path(entry.path, group, "intervals").empty()) return Hdf5Want::kDoubles;
    return Hdf5Want::kSkip;
  };
  SequenceRows rows;
  bool has_features = false;
  const auto flush = [&] {
    if (has_features) {
      check_rows(rows, file.string());
      take(rows);
    }
    rows = {};
    has_features = false;
  };
  read_hdf5(file, want, [&](Hdf5Array& array) {
    const bool is_features = array.entry.path.ends_with("features");
    const std::string id(
        id_of_path(array.entry.path, group, is_features ? "features" : "intervals"));
    if (id != rows.id) flush();
    rows.id = id;
    if (is_features) {
      take_features(array, file.string(), rows);
      has_features = true;
    } else {
      rows.intervals = std::move(array.doubles);
    }
  });
  flush();
}

}  // namespace hardy
