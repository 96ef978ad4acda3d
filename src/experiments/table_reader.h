// A CSV table of a run folder with columns by name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "formats/csv.h"

namespace hardy {

/// Immutable. Every method throws ArtifactError naming the file and, where known, the line.
class TableReader {
 public:
  explicit TableReader(const std::filesystem::path& file);

  /// Index of a column.
  [[nodiscard]] std::size_t column(const std::string& name) const;

  /// A field as a number; NaN when it is empty.
  [[nodiscard]] double number(std::size_t row, std::size_t column) const;

  [[nodiscard]] const std::string& text(std::size_t row, std::size_t column) const {
    return table_.rows[row][column];
  }

  [[nodiscard]] std::size_t rows() const { return table_.rows.size(); }

  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  std::string file_;
  CsvTable table_;
};

}  // namespace hardy
