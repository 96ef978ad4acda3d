// Methods of other programs: their run folders can be read although this program cannot train them.
#pragma once

#include <string>

namespace hardy {

/// Declares a method that this program does not know by the settings of a run: the tables of
/// `config_toml`, with the types that their values have. Does nothing when `name` is declared.
/// Throws ConfigError when the text is no TOML or `name` no identifier.
void declare_foreign_method(const std::string& name, const std::string& config_toml);

}  // namespace hardy
