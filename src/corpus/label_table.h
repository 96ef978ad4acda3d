// Label tables as the field ships them, CSV, JSON or .npz, as one table of texts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "formats/csv.h"

namespace hardy {

/// Ending of the files that may hold labels: .csv, .json, .npz.
bool is_label_table_name(std::string_view file_name);

/// Files of a corpus's labels.
struct LabelTable {
  CsvTable table;                  ///< rows of all files, columns of the first
  std::vector<std::string> parts;  ///< [rows] "train", ... where the file says it, else ""
  std::vector<std::string> files;  ///< [rows] for messages
};

/// Reads one file, or several that hold the parts of a split: the part is a word of the name
/// (train_sent_emo.csv). JSON: a list of objects, a dict of objects by id (column "id"), or a dict
/// of parts of either. .npz: the dicts of MERBench by name, whole_corpus or train_corpus ..
/// Throws DataError, IoError.
LabelTable load_label_tables(const std::vector<std::filesystem::path>& files);

/// JSON text as a table; `name` stands for the file in messages. Throws DataError.
LabelTable parse_json_labels(std::string_view text, const std::string& name);

/// The part that a file's name gives: "train" for "train_sent_emo.csv"; "" when none does.
std::string part_in_name(const std::string& file_name);

}  // namespace hardy
