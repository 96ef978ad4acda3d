// Large tables, written row by row; the file gets its name when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// A CSV file being written (RFC 4180, lines end with \n). Fields are added left to right, then
/// end_row. Numbers are the shortest text that reads back to the same value; NaN is an empty field.
/// Not thread-safe. Every method throws IoError when the operating system refuses to write.
class CsvFile {
 public:
  /// Creates missing parent folders and a temporary file beside `file`.
  CsvFile(std::filesystem::path file, const std::vector<std::string>& header);

  CsvFile(CsvFile&& other) noexcept;
  CsvFile(const CsvFile&) = delete;
  CsvFile& operator=(const CsvFile&) = delete;
  CsvFile& operator=(CsvFile&&) = delete;

  /// Removes the temporary file unless commit was called.
  ~CsvFile();

  CsvFile& add(std::string_view text);
  CsvFile& add(std::int64_t value);
  CsvFile& add(double value);
  CsvFile& add(float value);

  /// Ends the row. Requires: it has as many fields as the header.
  void end_row();

  /// Writes the rest and renames the file. Nothing may be added afterwards.
  void commit();

 private:
  void begin_field();
  void flush();
  [[noreturn]] void fail(int error) const;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::string buffer_;
  std::size_t columns_;
  std::size_t fields_ = 0;  // fields of the current row
};

}  // namespace hardy
