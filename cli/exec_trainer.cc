// What trains is done by hardy-trainer, which links libtorch: other programs become it.
#include <array>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "cli/audit_command.h"
#include "cli/environment.h"
#include "cli/exec_program.h"
#include "cli/hardness_command.h"
#include "cli/study_commands.h"
#include "cli/training_commands.h"
#include "cli/version_text.h"

namespace hardy {
namespace {

[[noreturn]] void become_trainer(const std::string& command,
                                 const std::vector<std::string>& arguments) {
  become_program("hardy-trainer", command, "HARDY_TRAINING", arguments);
}

}  // namespace

std::string training_version() {
  const auto own = program_folder();
  for (const auto& file :
       {own / "hardy-trainer", own.parent_path() / "libexec/hardy/hardy-trainer"}) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) continue;
    std::FILE* answer = ::popen(fmt::format("'{}' --version", file.string()).c_str(), "r");
    if (answer == nullptr) break;
    std::string text;
    std::array<char, 512> part{};
    while (std::fgets(part.data(), part.size(), answer) != nullptr) text += part.data();
    ::pclose(answer);
    constexpr std::string_view kStart = "\ntraining   ";
    const auto found = text.find(kStart);
    if (found == std::string::npos) break;
    text.erase(0, found + kStart.size());
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  return "hardy-trainer is not installed";
}

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
