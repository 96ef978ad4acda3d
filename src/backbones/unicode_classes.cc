#include "backbones/unicode_classes.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"
#include "formats/text.h"

namespace hardy {
namespace {

utf8proc_category_t category_of(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool lies_between(utf8proc_category_t category, utf8proc_category_t first,
                  utf8proc_category_t last) {
  return category >= first && category <= last;
}

}  // namespace

std::vector<char32_t> characters_of(std::string_view text) {
  const std::string whole = repaired_utf8(text);
  std::vector<char32_t> characters;
  characters.reserve(whole.size());
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(whole.data());
  auto left = static_cast<utf8proc_ssize_t>(whole.size());
  while (left > 0) {
    utf8proc_int32_t code = 0;
    const utf8proc_ssize_t used = utf8proc_iterate(at, left, &code);
    if (used <= 0) break;  // cannot happen in repaired text
    characters.push_back(static_cast<char32_t>(code));
    at += used;
    left -= used;
  }
  return characters;
}

std::string text_of(const std::vector<char32_t>& characters, std::size_t first, std::size_t last) {
  std::string text;
  for (std::size_t i = first; i < last; ++i) {
    append_utf8(text, static_cast<std::uint32_t>(characters[i]));
  }
  return text;
}

bool is_letter(char32_t c) {
  return lies_between(category_of(c), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}

bool is_number(char32_t c) {
  return lies_between(category_of(c), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_python_blank(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

bool is_punctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126);
  }
  return lies_between(category_of(c), UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool is_control(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const auto category = category_of(c);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
         category == UTF8PROC_CATEGORY_CS || category == UTF8PROC_CATEGORY_CO ||
         category == UTF8PROC_CATEGORY_CN;
}

bool is_combining_mark(char32_t c) { return category_of(c) == UTF8PROC_CATEGORY_MN; }

bool is_ideograph(char32_t c) {
  constexpr std::pair<char32_t, char32_t> kBlocks[] = {
      {0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
      {0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  return std::any_of(std::begin(kBlocks), std::end(kBlocks),
                     [c](const auto& block) { return c >= block.first && c <= block.second; });
}

char32_t lower_case_of(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

std::vector<char32_t> decomposed(const std::vector<char32_t>& characters) {
  constexpr utf8proc_ssize_t kLongest = 64;  // no character needs more
  std::vector<char32_t> result;
  for (const char32_t c : characters) {
    utf8proc_int32_t parts[kLongest];
    int last_boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(c), parts, kLongest, UTF8PROC_DECOMPOSE, &last_boundary);
    if (count <= 0 || count > kLongest) {
      result.push_back(c);
      continue;
    }
    for (utf8proc_ssize_t i = 0; i < count; ++i) result.push_back(static_cast<char32_t>(parts[i]));
  }
  return result;
}

}  // namespace hardy
