#include "cli/check_command.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/verify_run.h"
#include "cli/output.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

struct CheckCommand {
  std::string folder;
  bool is_json = false;
};

std::string summary(const CheckCommand& command, const RunVerification& verification) {
  std::string text = printable(command.folder) + ": ";
  text += verification.has_checksums
              ? fmt::format("{} files are what was written", verification.files)
              : std::string(verification.is_complete
                                ? "written without checksums (hardy 0.1): files were not compared"
                                : "not finished: files were not compared");
  text += fmt::format("; {} models can be opened, {} scores follow from the predictions\n",
                      verification.models, verification.scores);
  return text;
}

void run_check(const CheckCommand& command) {
  const RunVerification verification =
      is_study_folder(command.folder) ? verify_study(command.folder) : verify_run(command.folder);
  if (command.is_json) {
    const nlohmann::ordered_json json = {{"format", 1},
                                         {"complete", verification.is_complete},
                                         {"checksums", verification.has_checksums},
                                         {"files", verification.files},
                                         {"models", verification.models},
                                         {"scores", verification.scores},
                                         {"findings", verification.findings}};
    print(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }
  if (verification.findings.empty()) {
    if (!command.is_json) print(summary(command, verification));
    return;
  }
  for (const auto& finding : verification.findings) {
    if (!command.is_json) print(printable(finding) + "\n");
  }
  throw ArtifactError(
      fmt::format("{}: {} findings; the run is damaged or was edited: restore it, or run again",
                  command.folder, verification.findings.size()));
}

}  // namespace

void add_check_command(CLI::App& app) {
  auto command = std::make_shared<CheckCommand>();
  CLI::App* check =
      app.add_subcommand("check", "Verify that a run or study folder is what was left, and sound");
  check->add_option("RUN", command->folder, "A run folder, or that of a study with its runs")
      ->required();
  check->add_flag("--json", command->is_json, "Machine-readable output");
  check->footer(
      "Compares every file with the checksums that the run wrote (SHA256SUMS, which sha256sum "
      "reads\n"
      "as well), opens every model, and computes every score again from predictions.csv. Exit "
      "code\n"
      "4 when something is wrong. `hardy data check` looks at a corpus.\n");
  check->callback([command] { run_check(*command); });
}

}  // namespace hardy
