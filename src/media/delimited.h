// Tables as people export them: commas, semicolons or tabs, quoted where needed.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// A table of texts. Every row has as many fields as the header.
struct DelimitedTable {
  std::string name;                 ///< of the file, for messages
  std::vector<std::string> header;  ///< in lower case
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> lines;  ///< line of the file (from 1) on which each row starts

  /// The first of these columns that is there.
  [[nodiscard]] std::optional<std::size_t> column(
      std::initializer_list<std::string_view> names) const;
};

/// Reads a table in UTF-8 with \n line ends. The separator is the one of comma, tab and semicolon
/// that the first line holds most often; fields may be quoted as in RFC 4180. Unlike parse_csv this
/// accepts quotes inside of unquoted fields, which transcripts in tab-separated files have. Throws
/// DataError naming the line.
DelimitedTable parse_delimited(std::string_view text, std::string_view name);

}  // namespace hardy
