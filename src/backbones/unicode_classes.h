// Unicode characters and their classes in tokenizers. Internal to backbones/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// The characters of a text; bytes that are not UTF-8 become U+FFFD.
std::vector<char32_t> characters_of(std::string_view text);

/// The text of characters [first, last).
std::string text_of(const std::vector<char32_t>& characters, std::size_t first, std::size_t last);

bool is_letter(char32_t c);  ///< general category L
bool is_number(char32_t c);  ///< general category N

/// The property White_Space, without the additional characters of Python's strip().
bool is_white_space(char32_t c);

/// Characters that Python's str.strip() removes, which include U+001C to U+001F.
bool is_python_blank(char32_t c);

/// BERT's punctuation: all of ASCII that is neither letter, digit, blank nor control, and category
/// P.
bool is_punctuation(char32_t c);

/// BERT's control characters: category C but tab and line ends, which are white space there.
bool is_control(char32_t c);

/// Category Mn: marks that combine with the letter before.
bool is_combining_mark(char32_t c);

/// An ideograph of the blocks that BERT separates.
bool is_ideograph(char32_t c);

char32_t lower_case_of(char32_t c);

/// In canonical decomposition (NFD).
std::vector<char32_t> decomposed(const std::vector<char32_t>& characters);

}  // namespace hardy
