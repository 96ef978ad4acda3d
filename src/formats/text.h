// Encodings of text and numbers in the files of the field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hardy {

/// Latin-1 bytes as UTF-8.
std::string latin1_to_utf8(std::string_view bytes);

/// UTF-8 as Latin-1 bytes; nothing when it is not UTF-8 or contains characters beyond U+00FF.
std::optional<std::string> utf8_to_latin1(std::string_view text);

/// Whether `text` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view text);

/// Appends a character; U+FFFD for invalid codes (surrogates, beyond U+10FFFF).
void append_utf8(std::string& text, std::uint32_t code);

/// IEEE 754 binary16 to binary32, exactly; infinities and NaN included.
float half_to_float(std::uint16_t bits);

/// The whole text as an integer or real number, surrounding blanks allowed; nothing for other text.
std::optional<std::int64_t> to_integer(std::string_view text);
std::optional<double> to_real(std::string_view text);

/// UTF-8 text in Unicode's composed normal form (NFC), so that names written by different systems
/// compare equal; text that is not UTF-8 is returned unchanged.
std::string normal_form(std::string_view text);

/// Any bytes for a message: bytes that are not UTF-8 appear as "\xC5".
std::string readable(std::string_view bytes);

/// With the letters A to Z in lower case.
std::string lower_case(std::string_view text);

/// Without blanks at both ends.
std::string_view trim(std::string_view text);

/// Whether `text` starts with `prefix`, ignoring the case of ASCII letters.
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

}  // namespace hardy
