// Interpretation of the label columns of a plain table.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/plain_form.h"
#include "hardy/corpus.h"
#include "hardy/load.h"

namespace hardy {

/// Fields of one column with their line numbers.
struct TableColumn {
  std::string file;                     ///< for messages
  std::vector<std::string_view> texts;  ///< [rows], without blanks around them
  std::vector<std::size_t> lines;       ///< [rows]
};

/// Labels row by row.
struct TableLabels {
  LabelKind kind = LabelKind::kClass;
  std::vector<std::string> class_names;   ///< [C] for kClass
  std::vector<std::string> target_names;  ///< [T] for kLabels and kValues
  std::vector<float> labels;              ///< [rows], as Utterance::label
  std::vector<float> targets;             ///< [rows, T] for kLabels and kValues, else empty
  std::vector<float> shares;              ///< [rows, C] if there are ratings, else empty
  std::vector<Finding> findings;
};

/// Reads the column `label`. Rules (docs/formats.md): with class names, or task "class", every
/// label is a class; with task "regression" a finite number. With "auto", whole numbers that are
/// not negative are classes, other numbers values, and text names classes; a label that fits
/// neither is an error naming line and remedy. `settings.unlabelled` lists the texts that mean "not
/// labelled". Throws DataError when there are too many classes.
TableLabels read_label_column(const TableColumn& column, const PlainSettings& settings);

/// Reads the columns `label:NAME`, one per emotion or value. Tasks: "labels" = each is present
/// (above 0) or not; "values" = several values; "shares" = number or share of raters per class;
/// "auto" reads 0 and 1 as labels, rows with sum 1 as shares, else values, and reports it. A row is
/// unlabelled when all its fields are marks.
TableLabels read_target_columns(const std::vector<std::string>& names,
                                const std::vector<TableColumn>& columns,
                                const PlainSettings& settings);

/// The marks in DataConfig::unlabelled: "empty,-1" -> "" and "-1".
std::vector<std::string> unlabelled_marks(const std::string& text);

/// Whether a number is one of the marks; NaN is "nan".
bool is_unlabelled_number(float number, const std::vector<std::string>& marks);

/// Whether this text means "not labelled" under `settings`.
bool is_unlabelled_mark(std::string_view text, const PlainSettings& settings);

}  // namespace hardy
