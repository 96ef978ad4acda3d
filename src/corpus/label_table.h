// Label tables of public data sets (CSV, JSON, .npz) as one text table.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "formats/csv.h"

namespace hardy {

/// Whether a file may contain labels: .csv, .json, .npz.
bool is_label_table_name(std::string_view file_name);

/// The label files of a corpus.
struct LabelTable {
  CsvTable table;                  ///< rows of all files, columns of the first
  std::vector<std::string> parts;  ///< [rows] "train", ... if the file gives it, else ""
  std::vector<std::string> files;  ///< [rows] for messages
};

/// Reads one file, or several with the parts of a split, which are recognised by a word of the name
/// (train_sent_emo.csv). JSON: a list of objects, a dict of objects by id (column "id"), or a dict
/// of parts of either. .npz: the dicts of MERBench by name, whole_corpus or train_corpus .. Throws
/// DataError, IoError.
LabelTable load_label_tables(const std::vector<std::filesystem::path>& files);

/// JSON text as a table; `name` stands for the file in messages. Throws DataError.
LabelTable parse_json_labels(std::string_view text, const std::string& name);

/// The part in a file's name: "train" for "train_sent_emo.csv"; "" if there is none.
std::string part_in_name(const std::string& file_name);

}  // namespace hardy
