#include "formats/csv.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class CsvParser {
 public:
  CsvParser(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  void parse(const CsvReceiver& receiver) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    if (!is_utf8(rest_)) fail("the text is not UTF-8; save the table as UTF-8");
    std::size_t columns = 0;
    std::vector<std::string> row;
    while (!rest_.empty()) {
      if (skip_line_end()) continue;
      const std::size_t line = line_;
      read_row(row);
      if (columns == 0) {
        columns = row.size();
        check_header(row);
        receiver.header(row);
      } else if (row.size() != columns) {
        throw DataError(fmt::format("{}, line {}: {} fields, the header has {}{}", name_, line,
                                    row.size(), columns, hint(row.size())));
      } else {
        receiver.row(line, row);
      }
    }
    if (columns == 0) fail("the table is empty");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}, line {}: {}", name_, line_, what));
  }

  static const char* hint(std::size_t fields) {
    return fields == 1 ? "" : "; put fields that hold a comma into double quotes";
  }

  void check_header(std::vector<std::string>& header) const {
    std::set<std::string> seen;
    for (auto& column : header) {
      column = trim(column);
      if (!seen.insert(column).second) fail(fmt::format("column '{}' is given twice", column));
    }
    if (header.size() == 1 && header[0].find_first_of(";\t") != std::string::npos) {
      fail("fields are separated by something else than commas");
    }
  }

  /// Whether a line ends here; if so, behind it.
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
      if (rest_.starts_with(',')) {
        rest_.remove_prefix(1);
        continue;
      }
      if (rest_.empty() || skip_line_end()) return;
      fail("text follows a quoted field");
    }
  }

  std::string read_bare() {
    std::size_t end = std::min(rest_.find_first_of(",\n\""), rest_.size());
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

  std::string_view rest_;
  std::string_view name_;
  std::size_t line_ = 1;
};

}  // namespace

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
  // A lone empty field would make an empty line, which readers skip; leading and trailing blanks
  // are quoted so that no program trims them.
  const std::string readable = repaired_utf8(value);  // tables are UTF-8, whatever a name was
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
