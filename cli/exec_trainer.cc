// Training runs in hardy-trainer, which links libtorch: other programs execute it.
#include "cli/audit_command.h"
#include "cli/exec_program.h"
#include "cli/hardness_command.h"
#include "cli/study_commands.h"
#include "cli/training_commands.h"

namespace hardy {
namespace {

[[noreturn]] void become_trainer(const std::string& command,
                                 const std::vector<std::string>& arguments) {
  become_program("hardy-trainer", command, "HARDY_TRAINING", arguments);
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
