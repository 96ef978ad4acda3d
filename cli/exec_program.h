// Execution of a program beside this one.
#pragma once

#include <string>
#include <vector>

namespace hardy {

/// Path of `program`, which is in this program's folder or in ../libexec/hardy. Throws ConfigError
/// when it is missing, naming the command that needs it and the build option.
std::string find_program(const std::string& program, const std::string& command,
                         const std::string& option);

/// Replaces this process by `program`. `arguments` is a whole argv. Throws as find_program, and
/// IoError when it cannot be started.
[[noreturn]] void become_program(const std::string& program, const std::string& command,
                                 const std::string& option, std::vector<std::string> arguments);

}  // namespace hardy
