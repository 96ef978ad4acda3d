// CSV tables (RFC 4180): commas, double quotes, a header line.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// A table of text. Every row has as many fields as the header.
struct CsvTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> lines;  ///< line of the file (from 1) on which each row starts

  /// Index of the column of this name, if it exists.
  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
};

/// Reads a table as spreadsheets write them. Separators are commas, or, if the header contains none
/// or the first line is `sep=;`, tabs, semicolons or bars. Line ends are LF, CRLF, or CR
/// throughout; the text is UTF-8 or UTF-16, with or without a byte order mark. Quoted fields may
/// contain separators, line ends and doubled quotes. Rows without any value and empty columns at
/// the end are skipped. `name` stands for the file in messages. Throws DataError naming the line:
/// no header, a repeated column name, a row of another length, a quote inside an unquoted field or
/// one that is not closed, text of another encoding, a file that is no table.
CsvTable parse_csv(std::string_view text, std::string_view name);

/// Receives a table row by row, for tables too large for memory.
struct CsvReceiver {
  std::function<void(const std::vector<std::string>& header)> header;
  std::function<void(std::size_t line, const std::vector<std::string>& row)> row;
};

/// Reads a table as parse_csv does.
void read_csv(std::string_view text, std::string_view name, const CsvReceiver& receiver);

/// A text in UTF-8 or UTF-16 as UTF-8 without a byte order mark. `storage`, empty before, holds
/// what had to be converted.
std::string_view text_in_utf8(std::string_view text, std::string& storage);

/// One field, quoted if necessary.
std::string csv_field(std::string_view value);

}  // namespace hardy
