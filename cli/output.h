// Output of the program: results on standard output, everything else on standard error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hardy {

/// Writes to standard output. Throws IoError when it cannot be written (full disk).
void print(std::string_view text);

/// "hardy: error: <message>" on standard error.
void print_error(std::string_view message);

/// A line on standard error.
void print_notice(std::string_view line);

/// Text with control characters replaced by '?': names from data files must not control a terminal.
std::string printable(std::string_view text);

/// "1.5 MiB".
std::string bytes_text(std::int64_t bytes);

/// "45 s", "3 min 20 s", "2 h 05 min".
std::string duration_text(double seconds);

}  // namespace hardy
