// Execution of a program beside this one.
#pragma once

#include <string>
#include <vector>

namespace hardy {

/// Replaces this process by `program`, which is in the same folder or in ../libexec/hardy.
/// `arguments` is a whole argv. Throws ConfigError when the program is missing, naming the build
/// option `option`, and IoError when it cannot be started.
[[noreturn]] void become_program(const std::string& program, const std::string& command,
                                 const std::string& option, std::vector<std::string> arguments);

}  // namespace hardy
