#include "cli/exec_program.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "cli/environment.h"
#include "hardy/errors.h"

namespace hardy {

std::string find_program(const std::string& program, const std::string& command,
                         const std::string& option) {
  const auto own = program_folder();
  const auto beside = own / program;
  const auto installed = own.parent_path() / "libexec" / "hardy" / program;
  for (const auto& path : {beside, installed}) {
    if (::access(path.c_str(), F_OK) == 0) return path.string();
  }
  throw ConfigError(
      fmt::format("`hardy {}` needs {}, which is neither {} nor {}; build and install with "
                  "-D{}=ON",
                  command, program, beside.string(), installed.string(), option));
}

void become_program(const std::string& program, const std::string& command,
                    const std::string& option, std::vector<std::string> arguments) {
  const std::string path = find_program(program, command, option);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv(path.c_str(), pointers.data());
  throw IoError(fmt::format("{} cannot be started: {}", program, std::strerror(errno)));
}

}  // namespace hardy
