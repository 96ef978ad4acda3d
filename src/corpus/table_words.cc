#include "corpus/table_words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "formats/text.h"

namespace hardy {
namespace {

struct UsualName {
  std::string_view name;
  const char* column;
};

constexpr auto kUsualNames = std::to_array<UsualName>({{"dialog", "dialogue"},
                                                       {"dialogue_id", "dialogue"},
                                                       {"dialog_id", "dialogue"},
                                                       {"conversation", "dialogue"},
                                                       {"conversation_id", "dialogue"},
                                                       {"conv_id", "dialogue"},
                                                       {"video_id", "dialogue"},
                                                       {"splits", "split"},
                                                       {"subset", "split"},
                                                       {"partition", "split"},
                                                       {"part", "split"},
                                                       {"mode", "split"},
                                                       {"set", "split"},
                                                       {"phase", "split"}});

/// Columns of the plain form that decide what is trained and scored.
constexpr auto kDeciding = std::to_array<std::string_view>(
    {"id", "dialogue", "position", "speaker", "group", "split", "label", "difficulty", "value"});

/// Whether the fields are parts of a split, at least two different ones.
bool holds_parts(const CsvTable& table, std::size_t column) {
  std::set<Part> parts;
  for (const auto& row : table.rows) {
    const auto part = part_of_word(trim(row[column]));
    if (!part) return false;
    if (*part != Part::kNone) parts.insert(*part);
  }
  return parts.size() > 1;
}

/// Whether several rows have the same field.
bool groups_rows(const CsvTable& table, std::size_t column) {
  std::set<std::string_view> seen;
  return std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    const auto field = trim(row[column]);
    return !field.empty() && !seen.insert(field).second;
  });
}

}  // namespace

std::optional<Part> part_of_word(std::string_view word) {
  if (word.empty()) return Part::kNone;
  const std::string text = lower_case(word);
  const auto is_one_of = [&](std::initializer_list<const char*> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
  };
  if (is_one_of({"train", "training", "trn"})) return Part::kTrain;
  if (is_one_of({"test", "testing", "tst"})) return Part::kTest;
  if (is_one_of({"validation", "valid", "val", "dev", "development"})) return Part::kValidation;
  return std::nullopt;
}

std::optional<std::int64_t> whole_number_of(std::string_view text) {
  if (const auto integer = to_integer(text)) return integer;
  constexpr double kExact = 9007199254740992.0;  // 2^53: larger doubles skip integers
  const auto real = to_real(text);
  if (!real || !(std::abs(*real) < kExact) || *real != std::floor(*real)) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

std::string meant_column(const CsvTable& table, std::size_t column) {
  const std::string name = lower_case(table.header[column]);
  const bool is_deciding = std::find(kDeciding.begin(), kDeciding.end(), name) != kDeciding.end();
  if (is_deciding) return table.column(name) ? "" : name;
  for (const auto& usual : kUsualNames) {
    if (usual.name != name || table.column(usual.column)) continue;
    const bool is_split = std::string_view(usual.column) == "split";
    const bool fits = is_split ? holds_parts(table, column) : groups_rows(table, column);
    return fits ? usual.column : "";
  }
  return "";
}

}  // namespace hardy
