// The light program's way of training: it becomes hardy-trainer, which links libtorch.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/audit_command.h"
#include "cli/environment.h"
#include "cli/hardness_command.h"
#include "cli/study_commands.h"
#include "cli/training_commands.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

[[noreturn]] void become_trainer(const std::string& command, std::vector<std::string> arguments) {
  constexpr const char* kTrainer = "hardy-trainer";
  const auto beside = program_folder() / kTrainer;
  const auto installed = program_folder().parent_path() / "libexec" / "hardy" / kTrainer;
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv(beside.c_str(), pointers.data());
  if (errno == ENOENT) ::execv(installed.c_str(), pointers.data());
  if (errno == ENOENT) {
    throw ConfigError(fmt::format(
        "`hardy {}` needs hardy-trainer, which is neither {} nor {}; build and install with "
        "-DHARDY_TRAINING=ON",
        command, beside.string(), installed.string()));
  }
  throw IoError(fmt::format("hardy-trainer cannot be started: {}", std::strerror(errno)));
}

}  // namespace

void carry_out(const TrainingRequest& request) {
  become_trainer(request.command, request.command_line);
}

std::string carry_out(const StudyCommand& command) {
  become_trainer(command.study.kind, command.command_line);
}

std::string carry_out(const SplitAuditCommand& command) {
  become_trainer("audit split", command.command_line);
}

void carry_out(const HardnessCommand& command) { become_trainer("hardness", command.command_line); }

}  // namespace hardy
