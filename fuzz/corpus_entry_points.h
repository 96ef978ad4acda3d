// Entry points of the fuzzers of corpus readers; see entry_points.h.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <utility>

#include "corpus/conv_emotion.h"
#include "corpus/csd.h"
#include "corpus/label_table.h"
#include "corpus/split_pickle.h"
#include "corpus/table_columns.h"
#include "formats/csv.h"
#include "formats/npz.h"
#include "fuzz/entry_points.h"

namespace hardy::fuzz {

/// A corpus is refused as a whole or keeps its invariants.
inline void require_sound(Reading reading) {
  try {
    validate_corpus(take_sound_corpus(std::move(reading)));
  } catch (const DataError&) {
  } catch (const ShapeError&) {
    check(false, "a reader gave arrays of another size");
  }
}

/// A pickle of a whole corpus: MMSA, MultiBench, conv-emotion.
inline void run_corpus_pickle(std::span<const std::byte> bytes) {
  DataConfig config;
  config.reduce = bytes.size() % 2 == 0 ? "mean" : "mean-std";
  try {
    const Pickle pickle = parse_pickle(bytes, "input");
    if (is_split_pickle(pickle.root())) {
      require_sound(read_split_pickle(pickle.root(), "input", config));
    } else if (is_conv_emotion(pickle.root())) {
      require_sound(read_conv_emotion(pickle.root(), "input", config));
    }
  } catch (const DataError&) {
  } catch (const ConfigError&) {
  }
}

/// A .npz archive, and its members as texts and objects.
inline void run_npz(std::span<const std::byte> bytes) {
  try {
    for (const auto& [name, member] : parse_npz(bytes, "input")) {
      try {
        static_cast<void>(parse_npy_texts(member, name));
      } catch (const DataError&) {
      }
      try {
        check(walk(parse_npy_objects(member, name).root()) > 0, "objects without values");
      } catch (const DataError&) {
      }
    }
  } catch (const DataError&) {
  }
}

/// Labels as JSON, with the interpretation of their columns.
inline void run_label_json(std::span<const std::byte> bytes) {
  try {
    const LabelTable table = parse_json_labels(as_text(bytes), "input");
    check(table.parts.size() == table.table.rows.size(), "rows of the table");
    const TableColumns columns(table, "input");
    for (std::size_t row = 0; row < table.table.rows.size(); ++row) {
      check(!columns.record(row).names.empty(), "a record without a name");
    }
    for (const auto& name : columns.label_names()) {
      check(columns.label(name, {}).labels.size() == table.parts.size(), "labels of the rows");
    }
  } catch (const DataError&) {
  }
}

/// A CSV table of labels, with the interpretation of its columns (MELD, EmoryNLP, CMU-MOSI).
inline void run_label_csv(std::span<const std::byte> bytes) {
  try {
    LabelTable table;
    table.table = parse_csv(as_text(bytes), "input");
    table.parts.resize(table.table.rows.size(), "train");
    table.files.resize(table.table.rows.size(), "input");
    const TableColumns columns(table, "input");
    for (std::size_t row = 0; row < table.table.rows.size(); ++row) {
      check(!columns.record(row).names.empty(), "a record without a name");
    }
    for (const auto& name : columns.label_names()) {
      check(columns.label(name, {}).labels.size() == table.parts.size(), "labels of the rows");
    }
  } catch (const DataError&) {
  }
}

/// A .csd file, which stands for the labels and for a modality of its corpus.
inline void run_csd(std::span<const std::byte> bytes) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("hardy-fuzz-csd-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const char* name : {"CMU_MOSEI_Labels.csd", "CMU_MOSEI_COVAREP.csd"}) {
    std::ofstream file(folder / name, std::ios::binary | std::ios::trunc);
    file << as_text(bytes);
  }
  DataConfig config;
  config.path = folder.string();
  try {
    require_sound(read_csd_folder(config));
  } catch (const DataError&) {
  } catch (const ConfigError&) {
  }
  std::filesystem::remove_all(folder);
}

/// A merged HDF5 file; the library reads in a separate process, as always.
inline void run_hdf5(std::span<const std::byte> bytes) {
  const int file = ::memfd_create("input", 0);
  check(
      file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
      "a file in memory");
  try {
    require_sound(read_merged_hdf5("/proc/self/fd/" + std::to_string(file), {}));
  } catch (const DataError&) {
  } catch (const ConfigError&) {
  }
  ::close(file);
}

}  // namespace hardy::fuzz
