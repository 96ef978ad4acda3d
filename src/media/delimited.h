// Delimited tables as exported by programs: commas, semicolons or tabs, with optional quotes.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// A table of text. Every row has as many fields as the header.
struct DelimitedTable {
  std::string name;                 ///< of the file, for messages
  std::vector<std::string> header;  ///< in lower case
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> lines;  ///< line of the file (from 1) on which each row starts

  /// The first of these columns that exists.
  [[nodiscard]] std::optional<std::size_t> column(
      std::initializer_list<std::string_view> names) const;
};

/// Reads a table in UTF-8 with \n line ends. The separator is the most frequent of comma, tab and
/// semicolon in the first line; fields may be quoted as in RFC 4180. Unlike parse_csv this accepts
/// quotes inside unquoted fields, which occur in tab-separated transcripts. Throws DataError naming
/// the line.
DelimitedTable parse_delimited(std::string_view text, std::string_view name);

}  // namespace hardy
