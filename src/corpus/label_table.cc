#include "corpus/label_table.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/foreign.h"
#include "corpus/pickle_samples.h"
#include "formats/npz.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMostTableBytes = std::size_t{1} << 30;

bool is_part_word(std::string_view word) {
  for (const char* known : {"train", "dev", "val", "valid", "validation", "test"}) {
    if (word == known) return true;
  }
  return false;
}

/// One record: column -> text.
using Fields = std::map<std::string, std::string>;

/// Collects records whose columns may differ; absent fields are empty.
class RecordTable {
 public:
  explicit RecordTable(std::string name) : name_(std::move(name)) {}

  void add(const std::string& part, Fields fields) {
    parts_.push_back(part);
    for (const auto& [column, text] : fields) columns_.emplace(column, columns_.size());
    records_.push_back(std::move(fields));
  }

  LabelTable take() {
    LabelTable result;
    result.table.header.resize(columns_.size());
    for (const auto& [column, place] : columns_) result.table.header[place] = column;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      std::vector<std::string> row(columns_.size());
      for (auto& [column, text] : records_[i]) row[columns_.at(column)] = std::move(text);
      result.table.rows.push_back(std::move(row));
      result.table.lines.push_back(i + 1);
      result.parts.push_back(parts_[i]);
      result.files.push_back(name_);
    }
    return result;
  }

 private:
  std::string name_;
  std::map<std::string, std::size_t> columns_;
  std::vector<Fields> records_;
  std::vector<std::string> parts_;
};

/// A single value as text; false for lists and objects.
bool scalar_text(const Json& value, std::string& text) {
  if (value.is_string()) {
    text = value.get<std::string>();
  } else if (value.is_boolean()) {
    text = value.get<bool>() ? "1" : "0";
  } else if (value.is_number()) {
    text = value.dump();
  } else if (value.is_null()) {
    text.clear();
  } else {
    return false;
  }
  return true;
}

Fields json_fields(const Json& record, const std::string& id, const std::string& name) {
  Fields fields;
  std::string text;
  if (!record.is_object()) {
    if (id.empty() || !scalar_text(record, text)) {
      throw DataError(fmt::format("{}: a record is no object with fields", name));
    }
    return {{"id", id}, {"label", text}};
  }
  for (const auto& [key, value] : record.items()) {
    if (scalar_text(value, text)) fields[key] = text;
  }
  if (!id.empty()) fields.emplace("id", id);
  return fields;
}

void add_json(const Json& json, const std::string& part, const std::string& name,
              RecordTable& table, bool may_have_parts) {
  if (json.is_array()) {
    for (const Json& record : json) table.add(part, json_fields(record, "", name));
    return;
  }
  if (!json.is_object()) throw DataError(fmt::format("{}: it holds no records", name));
  for (const auto& [key, value] : json.items()) {
    const bool is_part =
        may_have_parts && is_part_word(key) && (value.is_array() || value.is_object());
    if (is_part) {
      add_json(value, key, name, table, false);
    } else {
      table.add(part, json_fields(value, key, name));
    }
  }
}

std::string text_of_value(const PickleValue& value) {
  switch (value.kind()) {
    case PickleKind::kText:
    case PickleKind::kBytes:
      return value.text();
    case PickleKind::kInteger:
    case PickleKind::kBool:
      return fmt::format("{}", value.integer());
    case PickleKind::kNone:
      return "";
    default:
      return fmt::format("{}", value.real());
  }
}

bool is_field_value(const PickleValue& value) {
  switch (value.kind()) {
    case PickleKind::kText:
    case PickleKind::kBytes:
    case PickleKind::kInteger:
    case PickleKind::kBool:
    case PickleKind::kReal:
    case PickleKind::kNone:
      return true;
    default:
      return false;
  }
}

/// The dict inside of an array of one object.
const PickleValue& only_object(const PickleValue& value, const std::string& name) {
  if (value.kind() == PickleKind::kDict) return value;
  if (value.kind() == PickleKind::kArray && value.array().dtype.type == 'O' &&
      value.array().data != nullptr && value.array().size() == 1) {
    return *value.array().data->items()[0];
  }
  throw DataError(
      fmt::format("{}: {} stands where a dict by utterance is expected", name, value.describe()));
}

void add_npz_corpus(const PickleValue& root, const std::string& part, const std::string& name,
                    RecordTable& table) {
  const PickleValue& corpus = only_object(root, name);
  if (corpus.kind() != PickleKind::kDict) {
    throw DataError(fmt::format("{}: {} stands where a dict is expected", name, corpus.describe()));
  }
  const auto& items = corpus.items();
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    Fields fields;
    const PickleValue& record = *items[i + 1];
    if (record.kind() == PickleKind::kDict) {
      const auto& entries = record.items();
      for (std::size_t k = 0; k + 1 < entries.size(); k += 2) {
        if (is_field_value(*entries[k + 1])) {
          fields[key_text(*entries[k])] = text_of_value(*entries[k + 1]);
        }
      }
    } else if (is_field_value(record)) {
      fields["label"] = text_of_value(record);
    }
    fields["id"] = key_text(*items[i]);
    table.add(part, std::move(fields));
  }
}

LabelTable load_npz_labels(const fs::path& file) {
  RecordTable table(file.string());
  const auto members = load_npz(file);
  bool has_corpus = false;
  for (const auto& [key, bytes] : members) {
    if (!key.ends_with("_corpus")) continue;
    has_corpus = true;
    const std::string part = part_in_name(key);
    const std::string name = fmt::format("{}, {}", file.string(), key);
    const Pickle pickle = parse_npy_objects(bytes, name);
    add_npz_corpus(pickle.root(), part, name, table);
  }
  if (!has_corpus) {
    throw DataError(
        fmt::format("{}: it has neither whole_corpus nor train_corpus, val_corpus, "
                    "test_corpus",
                    file.string()));
  }
  return table.take();
}

LabelTable load_label_table(const fs::path& file) {
  const std::string name = file.string();
  if (file.extension() == ".npz") return load_npz_labels(file);
  if (file.extension() == ".json") {
    return parse_json_labels(read_text_file(file, kMostTableBytes), name);
  }
  LabelTable result;
  result.table = parse_csv(read_text_file(file, kMostTableBytes), name);
  result.parts.assign(result.table.rows.size(), part_in_name(file.filename().string()));
  result.files.assign(result.table.rows.size(), name);
  return result;
}

/// Appends the rows of `more`, whose columns may be in another order.
void append(LabelTable& all, LabelTable&& more, const std::string& name) {
  std::vector<std::size_t> place;
  for (const auto& column : all.table.header) {
    const auto found = more.table.column(column);
    if (!found) {
      throw DataError(fmt::format("{}: column '{}' of the other parts is missing", name, column));
    }
    place.push_back(*found);
  }
  for (std::size_t i = 0; i < more.table.rows.size(); ++i) {
    std::vector<std::string> row;
    for (const std::size_t at : place) row.push_back(std::move(more.table.rows[i][at]));
    all.table.rows.push_back(std::move(row));
    all.table.lines.push_back(more.table.lines[i]);
    all.parts.push_back(std::move(more.parts[i]));
    all.files.push_back(std::move(more.files[i]));
  }
}

}  // namespace

bool is_label_table_name(std::string_view file_name) {
  if (is_side_file(file_name)) return false;
  return file_name.ends_with(".csv") || file_name.ends_with(".json") || file_name.ends_with(".npz");
}

std::string part_in_name(const std::string& file_name) {
  std::string word;
  for (const char c : file_name + "_") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (is_part_word(word)) return word;
    word.clear();
  }
  return "";
}

namespace {

/// The line of a byte, from 1.
std::size_t line_at(std::string_view text, std::size_t byte) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  return 1 + static_cast<std::size_t>(std::count(text.begin(), end, '\n'));
}

/// Refuses a key that an object gives twice: of two labels of one utterance the last would win.
Json parse_json(std::string_view text, const std::string& name) {
  if (const auto foreign = foreign_contents(text); !foreign.empty()) {
    throw DataError(fmt::format("{}: it is no JSON but {}", name, foreign));
  }
  std::string converted;
  text = text_in_utf8(text, converted);
  std::vector<std::set<std::string>> keys;
  const auto notice = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event != Json::parse_event_t::key || keys.back().insert(value.get<std::string>()).second) {
      return true;
    }
    throw DataError(
        fmt::format("{}: '{}' is given twice in one object", name, value.get<std::string>()));
  };
  try {
    return Json::parse(text, notice);
  } catch (const Json::parse_error& error) {
    const std::size_t line = line_at(text, error.byte);
    const bool has_lines = line == 2 && text.starts_with('{');
    throw DataError(
        fmt::format("{}, line {}: it is not JSON there{}", name, line,
                    has_lines ? "; a file with an object on each line is none: write a list of them"
                              : " (NaN is none either: write null); is it damaged?"));
  } catch (const Json::out_of_range&) {
    throw DataError(
        fmt::format("{}: it holds a number beyond what a double can; is it damaged?", name));
  }
}

}  // namespace

LabelTable parse_json_labels(std::string_view text, const std::string& name) {
  const Json json = parse_json(text, name);
  RecordTable table(name);
  add_json(json, part_in_name(fs::path(name).filename().string()), name, table, true);
  return table.take();
}

LabelTable load_label_tables(const std::vector<fs::path>& files) {
  LabelTable all = load_label_table(files[0]);
  for (std::size_t i = 1; i < files.size(); ++i) {
    append(all, load_label_table(files[i]), files[i].string());
  }
  if (all.table.rows.empty()) throw DataError(fmt::format("{}: no row", files[0].string()));
  return all;
}

}  // namespace hardy
