// `hardy help`, `hardy completion`, `hardy manual`: documentation of the options, generated from
// the declarations that parse them.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace hardy {

/// Adds the commands help, completion and manual.
void add_manual_commands(CLI::App& app);

/// Completion of every command and option, for "bash", "zsh" or "fish". Throws ConfigError for
/// another shell.
std::string completion_script(const CLI::App& app, const std::string& shell);

/// All commands as one manual page, in troff.
std::string manual_page(const CLI::App& app);

}  // namespace hardy
