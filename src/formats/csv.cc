#include "formats/csv.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/foreign.h"
#include "base/utf8.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// UTF-16 of either byte order -> UTF-8; lone surrogates become U+FFFD.
std::string from_utf16(std::string_view bytes, bool is_big_endian) {
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<unsigned char>(bytes[2 * i]);
    const auto second = static_cast<unsigned char>(bytes[2 * i + 1]);
    return static_cast<std::uint32_t>(is_big_endian ? (first << 8U) | second
                                                    : (second << 8U) | first);
  };
  std::string text;
  for (std::size_t i = 0; i < bytes.size() / 2; ++i) {
    const std::uint32_t high = unit(i);
    const bool is_pair = high >= 0xD800 && high < 0xDC00 && i + 1 < bytes.size() / 2;
    const std::uint32_t low = is_pair ? unit(i + 1) : 0;
    if (low >= 0xDC00 && low < 0xE000) {
      append_utf8(text, 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00));
      ++i;
    } else {
      append_utf8(text, high);
    }
  }
  return text;
}

/// The text of a table in UTF-8 without a byte order mark, with LF or CRLF line ends. `storage`
/// holds converted text. Throws DataError naming the encoding.
std::string_view decode_table(std::string_view text, std::string_view name, std::string& storage) {
  using namespace std::string_view_literals;
  if (const auto foreign = foreign_contents(text); !foreign.empty()) {
    throw DataError(fmt::format("{}: it is no table but {}", name, foreign));
  }
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) {
    throw DataError(fmt::format("{}: the text is UTF-32; save the table as UTF-8", name));
  }
  text = text_in_utf8(text, storage);
  const bool is_wide = !storage.empty();
  if (text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos) {
    if (!is_wide) storage = text;
    std::replace(storage.begin(), storage.end(), '\r', '\n');  // line ends of classic Mac OS
    text = storage;
  }
  return text;
}

class CsvParser {
 public:
  CsvParser(std::string_view text, std::string_view name)
      : rest_(decode_table(text, name, storage_)), name_(name) {
    check_encoding();
    find_separator();
  }

  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;

  void parse(const CsvReceiver& receiver) {
    std::vector<std::string> row;
    while (!rest_.empty()) {
      if (skip_line_end()) continue;
      const std::size_t line = line_;
      read_row(row);
      if (columns_ == 0) {
        check_header(row, line);
        receiver.header(row);
        continue;
      }
      if (is_blank(row)) continue;
      drop_empty_end(row);
      if (row.size() != columns_) {
        throw DataError(fmt::format("{}, line {}: {} fields, the header has {}{}", name_, line,
                                    row.size(), columns_, hint(row.size())));
      }
      receiver.row(line, row);
    }
    if (columns_ == 0) fail("the table is empty");
  }

 private:
  /// Reports the first byte that is not UTF-8: tables of spreadsheets are often in Windows-1252.
  void check_encoding() const {
    if (is_utf8(rest_)) return;
    std::size_t line = 1;
    std::string_view rest = rest_;
    while (true) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (!is_utf8(rest.substr(0, end))) break;
      rest.remove_prefix(std::min(end + 1, rest.size()));
      ++line;
    }
    const std::string shown = readable(rest.substr(0, rest.find('\n')));
    const std::string byte = shown.substr(shown.find("\\x"), 4);
    throw DataError(fmt::format(
        "{}, line {}: the text is not UTF-8 (byte {}), probably Windows-1252 or Latin-1; save the "
        "table as UTF-8 (Excel: \"CSV UTF-8\", Python: encoding=\"utf-8\")",
        name_, line, byte));
  }

  /// Excel's first line `sep=;`, or a header without commas: semicolons or tabs are separators.
  void find_separator() {
    if (starts_with_ignoring_case(rest_, "sep=") && rest_.size() > 4) {
      separator_ = rest_[4];
      rest_.remove_prefix(5);
      skip_line_end();
      return;
    }
    const std::string_view header = rest_.substr(0, rest_.find('\n'));
    if (header.find(',') != std::string_view::npos) return;
    for (const char other : {'\t', ';', '|'}) {
      if (header.find(other) == std::string_view::npos) continue;
      separator_ = other;
      return;
    }
  }

  static bool is_blank(const std::vector<std::string>& row) {
    return row.size() > 1 && std::all_of(row.begin(), row.end(),
                                         [](const auto& field) { return trim(field).empty(); });
  }

  /// Spreadsheets save columns that were once used, without name and values.
  void drop_empty_end(std::vector<std::string>& row) const {
    while (row.size() > columns_ && row.back().empty()) row.pop_back();
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}, line {}: {}", name_, line_, what));
  }

  static const char* hint(std::size_t fields) {
    return fields == 1 ? "" : "; put fields that hold a comma into double quotes";
  }

  void check_header(std::vector<std::string>& header, std::size_t line) {
    std::set<std::string> seen;
    for (auto& column : header) column = trim(column);
    while (header.size() > 1 && header.back().empty()) header.pop_back();
    for (const auto& column : header) {
      if (seen.insert(column).second) continue;
      throw DataError(fmt::format("{}, line {}: column '{}' is given twice", name_, line, column));
    }
    columns_ = header.size();
  }

  /// Skips a line end; false if there is none.
  bool skip_line_end() {
    const std::size_t size = rest_.starts_with("\r\n") ? 2 : rest_.starts_with('\n') ? 1 : 0;
    rest_.remove_prefix(size);
    line_ += size != 0 ? 1 : 0;
    return size != 0;
  }

  void read_row(std::vector<std::string>& row) {
    row.clear();
    while (true) {
      row.push_back(rest_.starts_with('"') ? read_quoted() : read_bare());
      if (rest_.starts_with(separator_)) {
        rest_.remove_prefix(1);
        continue;
      }
      if (rest_.empty() || skip_line_end()) return;
      fail("text follows a quoted field");
    }
  }

  std::string read_bare() {
    const char ends[] = {separator_, '\n', '"'};
    std::size_t end = std::min(rest_.find_first_of(std::string_view(ends, 3)), rest_.size());
    if (end < rest_.size() && rest_[end] == '"') {
      fail("a double quote inside a field that does not start with one");
    }
    const bool at_line_end = end == rest_.size() || rest_[end] == '\n';
    if (at_line_end && end > 0 && rest_[end - 1] == '\r' && end < rest_.size()) --end;
    std::string value(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return value;
  }

  std::string read_quoted() {
    std::string value;
    rest_.remove_prefix(1);
    while (true) {
      const std::size_t end = rest_.find('"');
      if (end == std::string_view::npos) fail("a quoted field does not end");
      value += rest_.substr(0, end);
      line_ += static_cast<std::size_t>(
          std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      rest_.remove_prefix(end + 1);
      if (!rest_.starts_with('"')) return value;
      value += '"';
      rest_.remove_prefix(1);
    }
  }

  std::string storage_;
  std::string_view rest_;
  std::string_view name_;
  char separator_ = ',';
  std::size_t line_ = 1;
  std::size_t columns_ = 0;
};

}  // namespace

std::string_view text_in_utf8(std::string_view text, std::string& storage) {
  using namespace std::string_view_literals;
  if (text.starts_with("\xEF\xBB\xBF"sv)) return text.substr(3);
  const bool has_mark = text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv);
  const bool is_wide = has_mark || (text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0'));
  if (!is_wide) return text;
  storage = from_utf16(text.substr(has_mark ? 2 : 0), text[0] == '\0' || text[0] == '\xFE');
  return storage;
}

std::optional<std::size_t> CsvTable::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header.begin());
}

CsvTable parse_csv(std::string_view text, std::string_view name) {
  CsvTable table;
  read_csv(text, name,
           {.header = [&](const std::vector<std::string>& header) { table.header = header; },
            .row =
                [&](std::size_t line, const std::vector<std::string>& row) {
                  table.rows.push_back(row);
                  table.lines.push_back(line);
                }});
  return table;
}

void read_csv(std::string_view text, std::string_view name, const CsvReceiver& receiver) {
  CsvParser(text, name).parse(receiver);
}

std::string csv_field(std::string_view value) {
  // A single empty field would make an empty line, which readers skip; leading and trailing blanks
  // are quoted so that no program trims them.
  const std::string readable = repaired_utf8(value);  // tables are UTF-8
  value = readable;
  const bool needs_quotes = value.find_first_of(",\"\r\n") != std::string_view::npos ||
                            trim(value).size() != value.size();
  if (!needs_quotes) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace hardy
