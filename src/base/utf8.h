// Text from strangers: whether it is UTF-8, and how much of it a message may repeat.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hardy {

/// The first byte that starts no well-formed UTF-8 sequence (no overlong forms, no surrogates, at
/// most U+10FFFF); npos when the whole text is UTF-8.
std::size_t utf8_error(std::string_view text);

/// The text with U+FFFD in place of each byte that is not UTF-8.
std::string repaired_utf8(std::string_view text);

/// The same, with '?' for control characters: what comes from a file must not steer a terminal, nor
/// break a line.
std::string without_controls(std::string_view text);

/// The text for a message: at most `most` bytes of it, whole characters, then "..." when something
/// was left out; without controls.
std::string shown(std::string_view text, std::size_t most = 64);

}  // namespace hardy
