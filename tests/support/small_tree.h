// Small trees of the public layout, written by hand: label pickles and feature files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "formats/npy.h"
#include "tests/support/test_files.h"

namespace hardy::test {

/// Opcodes of plain values.
inline std::string pickled(const std::string& text) {
  std::string bytes = "X";
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>((text.size() >> shift) & 0xFFU);
  }
  return bytes + text;
}

inline std::string pickled(double value) { return fmt::format("F{}\n", value); }

template <typename Item>
std::string pickled_list(const std::vector<Item>& items, const char* end = "l") {
  std::string bytes = "(";
  for (const auto& item : items) bytes += pickled(item);
  return bytes + end;
}

/// One dialogue of a label file.
struct LabelRow {
  std::string dialogue;
  std::vector<std::string> ids;
  std::vector<double> labels;
  std::vector<std::string> speakers;
};

/// A label pickle: four dicts, then `sets` (two for IEMOCAP, three for CMU).
inline std::string label_pickle(const std::vector<LabelRow>& rows,
                                const std::vector<std::vector<std::string>>& sets) {
  std::string ids = "(";
  std::string labels = "(";
  std::string speakers = "(";
  std::string transcripts = "(";
  for (const auto& row : rows) {
    ids += pickled(row.dialogue) + pickled_list(row.ids);
    labels += pickled(row.dialogue) + pickled_list(row.labels);
    speakers += pickled(row.dialogue) + pickled_list(row.speakers);
    transcripts += pickled(row.dialogue) + pickled_list(std::vector<std::string>(row.ids));
  }
  std::string bytes = "(" + ids + "d" + labels + "d" + speakers + "d" + transcripts + "d";
  for (const auto& set : sets) bytes += pickled_list(set, "\x91");
  return bytes + "l.";
}

/// Two sessions, two dialogues each of two utterances: ids <dialogue>_0 (F) and _1 (M).
inline std::vector<LabelRow> iemocap_rows() {
  std::vector<LabelRow> rows;
  for (const std::string dialogue :
       {"Ses02F_b", "Ses01F_a", "Ses01M_b", "Ses02M_a"}) {  // not sorted on purpose
    const double first = dialogue == "Ses01F_a" ? 2 : 0;
    rows.push_back({dialogue, {dialogue + "_0", dialogue + "_1"}, {first, 3}, {"F", "M"}});
  }
  return rows;
}

/// Three videos of two utterances, one per part.
inline std::vector<LabelRow> cmu_rows() {
  return {{"vidA", {"vidA_1", "vidA_2"}, {-2.5, 1}, {"", ""}},
          {"vidB", {"vidB_1", "vidB_2"}, {0, 3}, {"", ""}},
          {"vidC", {"vidC_1", "vidC_2"}, {-3, 0.5}, {"", ""}}};
}

inline const std::vector<std::vector<std::string>> kCmuParts = {{"vidA"}, {"vidB"}, {"vidC"}};

inline void put_feature(const std::filesystem::path& file, const std::vector<float>& values) {
  put_file(file, format_npy({static_cast<std::int64_t>(values.size())}, values));
}

/// A sound IEMOCAP tree: wav2vec-x [3] and deberta-x [2] files, manet_UTT [2] folders of two faces
/// (F holds 1 and the row, M holds 2 and the row).
inline void put_iemocap(const std::filesystem::path& root) {
  const auto rows = iemocap_rows();
  put_file(root / "labels.pkl", label_pickle(rows, {{"Ses01F_a"}, {"Ses02F_b"}}));
  float n = 0;
  for (const auto& row : rows) {
    for (const auto& id : row.ids) {
      ++n;
      put_feature(root / "features/wav2vec-x" / (id + ".npy"), {n, -n, 0.5F});
      put_feature(root / "features/deberta-x" / (id + ".npy"), {n, n * n});
      put_feature(root / "features/manet_UTT" / id / "compress_F.npy", {1, n});
      put_feature(root / "features/manet_UTT" / id / "compress_M.npy", {2, n});
    }
  }
}

/// A sound CMU tree with one modality, `glove-2`.
inline void put_cmu(const std::filesystem::path& root) {
  const auto rows = cmu_rows();
  put_file(root / "CMUMOSI_labels.pkl", label_pickle(rows, kCmuParts));
  float n = 0;
  for (const auto& row : rows) {
    for (const auto& id : row.ids) {
      ++n;
      put_feature(root / "features/glove-2" / (id + ".npy"), {n, -n});
    }
  }
}

}  // namespace hardy::test
