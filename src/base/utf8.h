// Untrusted text: UTF-8 validation, and excerpts for messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hardy {

/// The first byte that is not part of well-formed UTF-8 (no overlong forms, no surrogates, at most
/// U+10FFFF); npos when the whole text is UTF-8.
std::size_t utf8_error(std::string_view text);

/// The text with U+FFFD in place of each byte that is not UTF-8.
std::string repaired_utf8(std::string_view text);

/// The same, with '?' for control characters and those that end a line or turn its direction: text
/// of a file must not control a terminal, break a line or pretend to be another.
std::string without_controls(std::string_view text);

/// The text for a message: at most `most` bytes, whole characters, then "..." if it was cut;
/// without control characters.
std::string shown(std::string_view text, std::size_t most = 64);

}  // namespace hardy
