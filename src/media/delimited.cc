#include "media/delimited.h"

#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

char separator_of(std::string_view text) {
  const auto line = text.substr(0, text.find('\n'));
  char best = ',';
  for (const char separator : {'\t', ';'}) {
    if (std::count(line.begin(), line.end(), separator) >
        std::count(line.begin(), line.end(), best)) {
      best = separator;
    }
  }
  return best;
}

/// Reads fields one after the other and counts lines.
class FieldReader {
 public:
  FieldReader(std::string_view text, std::string_view name)
      : rest_(text), name_(name), separator_(separator_of(text)) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  [[nodiscard]] std::size_t line() const { return line_; }

  std::vector<std::string> row() {
    std::vector<std::string> fields;
    while (true) {
      fields.push_back(rest_.starts_with('"') ? quoted() : bare());
      if (rest_.starts_with(separator_)) {
        rest_.remove_prefix(1);
        continue;
      }
      if (!rest_.empty()) {
        if (rest_.front() != '\n') fail("text follows a quoted field");
        rest_.remove_prefix(1);
      }
      ++line_;
      return fields;
    }
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw DataError(fmt::format("{}, line {}: {}", name_, line_, what));
  }

  std::string bare() {
    const char stops[] = {separator_, '\n', '\0'};
    const auto end = std::min(rest_.find_first_of(stops), rest_.size());
    std::string value(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return value;
  }

  std::string quoted() {
    std::string value;
    rest_.remove_prefix(1);
    while (true) {
      const auto end = rest_.find('"');
      if (end == std::string_view::npos) fail("a quoted field does not end");
      line_ += static_cast<std::size_t>(
          std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      value += rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      if (!rest_.starts_with('"')) return value;
      value += '"';
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
  std::string_view name_;
  char separator_;
  std::size_t line_ = 1;
};

}  // namespace

std::optional<std::size_t> DelimitedTable::column(
    std::initializer_list<std::string_view> names) const {
  for (const auto each : names) {
    const auto found = std::find(header.begin(), header.end(), each);
    if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
  }
  return std::nullopt;
}

DelimitedTable parse_delimited(std::string_view text, std::string_view name) {
  DelimitedTable table;
  table.name = name;
  FieldReader reader(text, name);
  std::set<std::string> seen;
  while (!reader.at_end()) {
    const std::size_t line = reader.line();
    auto row = reader.row();
    if (row.size() == 1 && trim(row[0]).empty()) continue;
    if (!table.header.empty()) {
      if (row.size() != table.header.size()) {
        throw DataError(
            fmt::format("{}, line {}: {} fields, the header has {}; put a field that "
                        "holds the separator into double quotes",
                        name, line, row.size(), table.header.size()));
      }
      table.rows.push_back(std::move(row));
      table.lines.push_back(line);
      continue;
    }
    for (auto& column : row) {
      column = trim(column);
      std::transform(column.begin(), column.end(), column.begin(),
                     [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
      if (!seen.insert(column).second) {
        throw DataError(fmt::format("{}, line {}: column '{}' is given twice", name, line, column));
      }
    }
    table.header = std::move(row);
  }
  if (table.header.empty()) throw DataError(fmt::format("{}: the table is empty", name));
  return table;
}

}  // namespace hardy
