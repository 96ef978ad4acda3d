#include "cli/study_commands.h"

#include <memory>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/study_options.h"
#include "hardy/core/errors.h"
#include "hardy/study/reproduce.h"
#include "hardy/study/sweep.h"

namespace hardy {
namespace {

void add_sweep(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedStudy>();
  CLI::App* command =
      app.add_subcommand("sweep", "Try settings over a grid or at random, ranked by validation");
  add_study_options(*command, *typed);
  command
      ->add_option("--random", typed->random,
                   "Draw N points from the axes instead of visiting the whole grid")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10'000}));
  command->add_option("--random-seed", typed->random_seed, "Seed of those draws")
      ->capture_default_str();
  command->add_option("--metric", typed->metric, "What ranks; default wa, or accuracy")
      ->type_name("NAME");
  command->footer(
      "--set with several values makes an axis: key=1,2,4 (key=a;b where values hold commas);\n"
      "key=0..1 and key=log:1e-5..1e-2 are ranges for --random. Points are ranked by their\n"
      "validation results alone; stages that points share are computed once. Interrupted, the\n"
      "same command resumes; with more values it keeps the finished points.\n\n"
      "Examples:\n"
      "  hardy sweep mosi --set hardness.alpha1=0.2,0.4,0.6 --set retrieval.k=1,3,5 --out alpha\n"
      "  hardy sweep mosi --random 20 --set recogniser.optimiser.learning_rate=log:1e-5..1e-2 \\\n"
      "      --set recogniser.encoder.dropout=0.1..0.6 --track unified\n");
  command->callback([typed, command_line] {
    const auto settings = read_sweep(typed->config.assignments);
    FitOptions fixed = *typed;
    fixed.config.assignments = settings.fixed;
    Study study;
    study.kind = "sweep";
    study.title = "Sweep";
    study.base = fit_config(without_models(fixed));
    study.variants = sweep_variants(settings.axes, typed->random, typed->random_seed);
    validate_study(study);
    carry_out(study_command(*typed, std::move(study), command_line));
  });
}

void add_study(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedStudy>();
  CLI::App* command =
      app.add_subcommand("study", "Run the variants of an experiment described in a file");
  command->add_option("FILE", typed->file, "The description (docs/studies.md)")->required();
  add_study_options(*command, *typed);
  command->footer(
      "The description is a settings file followed by [study]; study.toml in the folder of any\n"
      "study or sweep is one, so that every experiment can be repeated from it.\n\n"
      "Examples:\n"
      "  hardy study ablation.toml data/CMUMOSI --seeds 1-5 --out ablation\n"
      "  hardy study runs/sweep-1a2b3c4d/study.toml data/CMUMOSI --out again\n");
  command->callback([typed, command_line] {
    if (!typed->config.file.empty()) {
      throw ConfigError("--config: the description holds the settings; put them into it");
    }
    Config start = make_preset(typed->config.preset.empty() ? "default" : typed->config.preset);
    start.run.models = "none";
    Study study = load_study(typed->file, start);
    // What the user says beats the file.
    study.base = fit_config_over(study.base, *typed);
    validate_study(study);
    carry_out(study_command(*typed, std::move(study), command_line));
  });
}

void add_reproduce(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedStudy>();
  CLI::App* command =
      app.add_subcommand("reproduce", "Repeat the paper's tables and figures on a corpus");
  command->add_option("EXPERIMENT", typed->experiment, "table1, table2, table3, fig1, fig4 or all")
      ->required()
      ->check(CLI::IsMember(reproduction_names()));
  add_study_options(*command, *typed);
  command->footer(
      "table1 methods, table2 ablations, table3 alpha1, alpha2, beta and K, fig1 hardness against\n"
      "reconstruction, fig4 index strategies. Stages that variants share are computed once. "
      "Without\n"
      "--track the variants train the unified model only, which keeps the full set affordable;\n"
      "--track specialist trains a model per condition, as the paper does.\n\n"
      "Examples:\n"
      "  hardy reproduce table2 data/CMUMOSI --seeds 1-5 --out table2\n"
      "  hardy reproduce all data/CMUMOSI --dry-run                     how long would it take\n");
  command->callback([typed, command_line] {
    Study study;
    study.kind = typed->experiment;
    study.base = fit_config(without_models(*typed));
    StudyCommand request = study_command(*typed, std::move(study), command_line);
    request.experiment = typed->experiment;
    request.only_unified = typed->track.empty();
    carry_out(request);
  });
}

}  // namespace

void add_study_commands(CLI::App& app, const std::vector<std::string>& command_line) {
  add_sweep(app, command_line);
  add_study(app, command_line);
  add_reproduce(app, command_line);
}

}  // namespace hardy
