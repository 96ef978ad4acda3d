#include "cli/hardness_command.h"

#include <memory>
#include <system_error>

#include <CLI/CLI.hpp>

#include "cli/fit_options.h"
#include "hardy/errors.h"

namespace hardy {

void add_hardness_command(CLI::App& app, const std::vector<std::string>& command_line) {
  auto command = std::make_shared<HardnessCommand>();
  CLI::App* options = app.add_subcommand("hardness", "What a run's hardness estimates are worth");
  options->add_option("RUN", command->run, "A finished run folder")->required();
  options->add_option("DATA", command->data, "Folder of the run's corpus, if it has moved");
  options->add_option("--cases", command->cases, "How many hardest and easiest utterances to show")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{0}, std::size_t{1000}));
  options->add_flag("--json", command->json, "Print the result as JSON on standard output");
  options->footer(
      "Rank correlation of estimated hardness (direct, indirect, the score under both signs and\n"
      "centres) with the loss and errors on held-out utterances under each pattern, with the true\n"
      "difficulty where a generator knows it, and of the score between seeds. Held-out loss needs\n"
      "folds that take turns (protocol.split=group or kfold).\n\n"
      "Examples:\n"
      "  hardy hardness runs/demo-1a2b3c4d\n"
      "  hardy run data/CMUMOSI --set protocol.split=kfold --seeds 1-3 --out mosi5 && hardy "
      "hardness mosi5\n");
  options->callback([command, command_line] {
    command->command_line = command_line;
    check_data_folder(command->data);
    std::error_code error;
    if (!std::filesystem::is_directory(command->run, error)) {
      throw ArtifactError(command->run.string() +
                          ": no such run folder; give what `hardy run` wrote");
    }
    carry_out(*command);
  });
}

}  // namespace hardy
