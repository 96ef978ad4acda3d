#include "base/utf8.h"

#include <algorithm>

namespace hardy {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// Length of the sequence at the start of a text; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  const unsigned next = byte(1);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const bool is_overlong = (lead == 0xE0 && next < 0xA0) || (lead == 0xF0 && next < 0x90);
  const bool is_no_character = (lead == 0xED && next > 0x9F) || (lead == 0xF4 && next > 0x8F);
  if (is_overlong || is_no_character) return 0;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

/// Whether a text begins with a character that ends lines (U+2028, U+2029) or turns the order of
/// what follows (U+202A to U+202E, U+2066 to U+2069): three bytes each.
bool breaks_a_line(std::string_view text) {
  if (text.size() < 3 || text[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(text[2]);
  return (text[1] == '\x80' && last >= 0xA8 && last <= 0xAE) ||
         (text[1] == '\x81' && last >= 0xA6 && last <= 0xA9);
}

}  // namespace

std::size_t utf8_error(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string repaired_utf8(std::string_view text) {
  std::string result;
  for (std::size_t at = utf8_error(text); at != text.npos; at = utf8_error(text)) {
    result.append(text.substr(0, at)).append(kReplacementCharacter);
    text.remove_prefix(at + 1);
  }
  return result.append(text);
}

std::string without_controls(std::string_view text) {
  std::string result = repaired_utf8(text);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto code = static_cast<unsigned char>(result[i]);
    if (code < 0x20 || code == 0x7F) result[i] = '?';
    // U+0080 to U+009F
    const bool is_second =
        code == 0xC2 && i + 1 < result.size() && static_cast<unsigned char>(result[i + 1]) < 0xA0;
    if (is_second) result.replace(i, 2, "?");
    if (breaks_a_line(std::string_view(result).substr(i))) result.replace(i, 3, "?");
  }
  return result;
}

std::string shown(std::string_view text, std::size_t most) {
  std::string_view kept = text.substr(0, most);
  // A character split by the cut would otherwise become several replacement characters.
  for (int i = 0; i < 3 && kept.size() < text.size() && !kept.empty(); ++i) {
    if ((static_cast<unsigned char>(text[kept.size()]) & 0xC0U) != 0x80U) break;
    kept.remove_suffix(1);
  }
  std::string result = without_controls(kept);
  if (kept.size() < text.size()) result += "...";
  return result;
}

}  // namespace hardy
