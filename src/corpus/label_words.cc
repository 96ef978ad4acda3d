#include "corpus/label_words.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "formats/text.h"

namespace hardy {

std::optional<double> number_in(std::string_view text) {
  const auto value = to_real(text);
  if (!value || !std::isfinite(static_cast<float>(*value))) return std::nullopt;
  return value;
}

std::optional<std::int64_t> whole_number_in(std::string_view text) {
  const auto value = number_in(text);
  if (!value || *value != std::floor(*value) || std::abs(*value) > 1e9) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

bool has_decimal_comma(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos || comma + 1 == text.size()) return false;
  std::string point(text);
  point[comma] = '.';
  return number_in(point).has_value();
}

std::optional<double> number_with_comma(std::string_view text) {
  std::string point(text);
  std::replace(point.begin(), point.end(), ',', '.');
  return number_in(point);
}

bool is_percentage(std::string_view text) {
  if (!text.ends_with('%')) return false;
  text.remove_suffix(1);
  return number_in(trim(text)).has_value() || has_decimal_comma(trim(text));
}

bool is_filler(double value) {
  const double size = std::abs(value);
  return size == 99 || size == 999 || size == 9999 || size == 99999 || value == -100;
}

bool is_filler_among(double value, double largest) {
  constexpr double kFarOff = 5;
  return is_filler(value) && std::abs(value) > kFarOff * largest;
}

bool is_doubtful_class(std::string_view text) {
  static constexpr auto kWords =
      std::to_array<std::string_view>({"none", "unknown", "unk", "undefined", "xxx", "unlabeled",
                                       "unlabelled", "not labeled", "not labelled", "missing"});
  return std::find(kWords.begin(), kWords.end(), lower_case(text)) != kWords.end();
}

std::string as_seen(std::string_view name) {
  static constexpr auto kUnseen = std::to_array<std::string_view>(
      {" ", "_", "-", "\xC2\xA0", "\xC2\xAD", "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D",
       "\xE2\x81\xA0", "\xEF\xBB\xBF"});
  std::string text = lower_case(name);
  if (number_in(text)) return text;  // -1 and 1 differ
  for (const auto unseen : kUnseen) {
    for (std::size_t at = text.find(unseen); at != std::string::npos; at = text.find(unseen)) {
      text.erase(at, unseen.size());
    }
  }
  return text;
}

bool looks_missing(std::string_view text) {
  // Marks of pandas and numpy, errors of spreadsheets, and signs that name no class.
  static constexpr auto kTexts = std::to_array<std::string_view>(
      {"",    "nan",  "-nan", "+nan",    "n/a",    "na",    "<na>",    "#n/a",
       "#na", "null", "nat",  "#value!", "#name?", "#ref!", "#div/0!", "#num!",
       "?",   "??",   "-",    "--",      ".",      "\\n"});
  return std::find(kTexts.begin(), kTexts.end(), lower_case(text)) != kTexts.end();
}

}  // namespace hardy
