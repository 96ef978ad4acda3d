// TOML spelling of text.
#pragma once

#include <string>

namespace hardy {

/// A basic string with its quotes; control characters and DEL are escaped.
std::string toml_text(const std::string& text);

}  // namespace hardy
