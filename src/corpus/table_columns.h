// Columns of public label tables.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "corpus/assembler.h"
#include "corpus/label_column.h"
#include "corpus/label_table.h"

namespace hardy {

/// A record and the possible names of its feature files.
struct TableRecord {
  Record record;
  std::vector<std::string> names;  ///< in the same order for every record of a table
};

/// Indices of the columns of a table by their usual names (any case).
class TableColumns {
 public:
  /// Throws DataError without an id or the columns that it is built from.
  TableColumns(const LabelTable& table, const std::string& source);

  /// The utterance of a row. MELD and EmoryNLP restart dialogues at 0 in each part: their ids and
  /// dialogues get the part as prefix.
  [[nodiscard]] TableRecord record(std::size_t row) const;

  /// Names of the label columns, the main one first. Throws DataError without any.
  [[nodiscard]] std::vector<std::string> label_names() const;

  /// The labels of one of these columns, by the rules of the plain form. Throws DataError.
  [[nodiscard]] TableLabels label(const std::string& name, const PlainSettings& settings) const;

  /// Adds a note of the columns that are not read.
  void add_findings(CorpusAssembler& assembler) const;

  /// "MELD label table" and the like.
  [[nodiscard]] std::string title() const;

 private:
  [[nodiscard]] std::optional<std::size_t> find(std::initializer_list<const char*> names) const;
  [[nodiscard]] std::string text(std::size_t row, std::optional<std::size_t> column) const;
  [[nodiscard]] std::string part_text(std::size_t row) const;
  [[nodiscard]] Part part(std::size_t row) const;
  [[nodiscard]] bool has_numbers(std::size_t column) const;
  [[nodiscard]] std::int64_t order(std::size_t row, std::optional<std::size_t> column) const;
  [[nodiscard]] TableRecord scene_record(std::size_t row) const;
  [[nodiscard]] TableRecord clip_record(std::size_t row) const;

  const LabelTable& table_;
  std::string source_;
  std::vector<std::string> header_;  ///< in lower case
  std::optional<std::size_t> id_;
  std::optional<std::size_t> dialogue_;
  std::optional<std::size_t> utterance_;
  std::optional<std::size_t> scene_;
  std::optional<std::size_t> season_;
  std::optional<std::size_t> episode_;
  std::optional<std::size_t> video_;
  std::optional<std::size_t> clip_;
  std::optional<std::size_t> split_;
  std::optional<std::size_t> speaker_;
  std::optional<std::size_t> group_;
  std::optional<std::size_t> transcript_;
  std::set<std::size_t> numbered_;  ///< those of utterance_ and clip_ that hold numbers
};

}  // namespace hardy
