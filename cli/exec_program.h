// Handing a command over to one of the programs beside this one.
#pragma once

#include <string>
#include <vector>

namespace hardy {

/// Replaces this process by `program`, which lies beside it or in ../libexec/hardy. `arguments` is
/// a whole argv. Throws ConfigError when the program is not there, naming the build option `option`
/// that makes it, and IoError when it cannot be started.
[[noreturn]] void become_program(const std::string& program, const std::string& command,
                                 const std::string& option, std::vector<std::string> arguments);

}  // namespace hardy
