#include "experiments/table_reader.h"

#include <limits>

#include <fmt/format.h>

#include "base/checksum_list.h"
#include "base/files.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {

TableReader::TableReader(const std::filesystem::path& file) : file_(file.string()) {
  verify_listed_file(file);
  try {
    table_ = parse_csv(read_text_file(file), file_);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ArtifactError(fmt::format("{}; the run must be finished (`hardy run`)", error.what()));
  }
}

std::size_t TableReader::column(const std::string& name) const {
  const auto found = table_.column(name);
  if (!found) throw ArtifactError(fmt::format("{}: column '{}' is missing", file_, name));
  return *found;
}

double TableReader::number(std::size_t row, std::size_t column) const {
  const auto& text = table_.rows[row][column];
  if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto value = to_real(text);
  if (!value) {
    throw ArtifactError(fmt::format("{}:{}: '{}' is no number", file_, table_.lines[row], text));
  }
  return *value;
}

}  // namespace hardy
