#include "cli/study_commands.h"

#include <memory>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/choice.h"
#include "cli/study_options.h"
#include "experiments/reproduce.h"
#include "experiments/sweep.h"
#include "experiments/table_formats.h"
#include "hardy/errors.h"

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
      "  hardy sweep mosi --set hardymer.hardness.alpha1=0.2,0.4,0.6 --set "
      "hardymer.retrieval.k=1,3,5 --out alpha\n"
      "  hardy sweep mosi --random 20 --set "
      "hardymer.recogniser.optimiser.learning_rate=log:1e-5..1e-2 \\\n"
      "      --set hardymer.recogniser.encoder.dropout=0.1..0.6 --track unified\n");
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
    static_cast<void>(carry_out(study_command(*typed, std::move(study), command_line)));
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
    start.run.models = KeptModels::kNone;
    Study study = load_study(typed->file, start);
    // Options take precedence over the file.
    study.base = fit_config_over(study.base, *typed);
    validate_study(study);
    static_cast<void>(carry_out(study_command(*typed, std::move(study), command_line)));
  });
}

constexpr std::int64_t kMostEpochs = 10'000;

/// --budget and --patience.
void add_budget_options(CLI::App& command, TypedStudy& typed, const std::string& help) {
  command.add_option("--budget", typed.comparison.budget, help)
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, kMostEpochs));
  command
      .add_option("--patience", typed.comparison.patience,
                  "With --budget: epochs without a better validation loss before a stage stops")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, kMostEpochs));
}

/// Default epochs of the methods of table 1 in `reproduce all`.
constexpr std::int64_t kAllBudget = 40;

void add_reproduce(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedStudy>();
  CLI::App* command =
      app.add_subcommand("reproduce", "Repeat the paper's tables and figures on a corpus");
  command
      ->add_option("EXPERIMENT", typed->experiment,
                   "table1, table2, table3, fig1, fig3, fig4 or all")
      ->required()
      ->check(one_of(reproduction_names()));
  add_study_options(*command, *typed);
  command
      ->add_option("--query", typed->queries,
                   "fig3: an utterance whose neighbours are shown; several times for several; "
                   "default the easiest and the hardest")
      ->type_name("ID");
  add_budget_options(
      *command, *typed,
      fmt::format("table1: at most N epochs in every training stage of the methods beside "
                  "HARDY-MER; 0 = their own; default 0, in `all` {}",
                  kAllBudget));
  command->footer(
      "table1 methods (as `hardy compare`), table2 ablations, table3 alpha1, alpha2, beta and K,\n"
      "fig1 hardness against reconstruction, fig3 t-SNE of neighbours in plain and tuned "
      "features,\n"
      "fig4 index strategies. Stages that variants share are computed once. Without\n"
      "--track the variants train the unified model only, in `all` the methods too, which keeps "
      "the\n"
      "full set affordable;\n"
      "--track specialist trains a model per condition, as the paper does.\n\n"
      "Examples:\n"
      "  hardy reproduce table2 data/CMUMOSI --seeds 1-5 --out table2\n"
      "  hardy reproduce fig3 data/CMUMOSI --query 03bSnISJMiM_5 --out fig3\n"
      "  hardy reproduce all data/CMUMOSI --dry-run                     how long would it take\n");
  command->callback([typed, command, command_line] {
    Study study;
    study.kind = typed->experiment;
    study.base = fit_config(without_models(*typed));
    StudyCommand request = study_command(*typed, std::move(study), command_line);
    request.experiment = typed->experiment;
    request.only_unified = typed->track.empty();
    if (!typed->queries.empty() && typed->experiment != "fig3" && typed->experiment != "all") {
      throw ConfigError("--query: only fig3 shows the neighbours of a query");
    }
    request.queries = typed->queries;
    const bool has_methods = typed->experiment == "table1" || typed->experiment == "all";
    if (!has_methods && command->count("--budget") + command->count("--patience") > 0) {
      throw ConfigError("--budget, --patience: only table1 trains other methods");
    }
    if (has_methods) {
      request.comparison = typed->comparison;
      if (typed->experiment == "all" && command->count("--budget") == 0)
        request.comparison->budget = kAllBudget;
      request.comparison->spares_hardymer = request.comparison->budget > 0;
    }
    static_cast<void>(carry_out(request));
  });
}

void check_comparison(const TypedStudy& typed) {
  if (!typed.method.empty()) throw ConfigError("--method: several are compared; use --methods");
}

void add_compare_options(CLI::App& command, TypedStudy& typed) {
  add_fit_options(command, typed, kStudyFolderHelp);
  command
      .add_option("--methods", typed.comparison.methods,
                  "Which, separated by commas; default all (`hardy config --methods`)")
      ->delimiter(',')
      ->type_name("LIST");
  command
      .add_option("--tune", typed.comparison.points,
                  "Choose each method's settings among N random points of its search space, by "
                  "validation; 0 = its own settings")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, kMostEpochs));
  command.add_option("--random-seed", typed.comparison.random_seed, "Seed of those points")
      ->capture_default_str();
  command
      .add_option("--metric", typed.comparison.metric,
                  "What ranks the points; default wa, or accuracy")
      ->type_name("NAME");
  add_budget_options(
      command, typed,
      "At most N epochs in every training stage of every method; 0 = its own epochs");
  command.add_option("--format", typed.format, "text, csv, json or latex")
      ->type_name("NAME")
      ->capture_default_str()
      ->check(one_of(table_formats()));
  add_estimate_options(command, typed);
  add_shard_options(command, typed.sharing);
}

void add_compare(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedStudy>();
  CLI::App* command =
      app.add_subcommand("compare", "The methods of this program on a corpus, under equal terms");
  add_compare_options(*command, *typed);
  command->footer(
      "The paper's Table 1: methods by conditions, average with interval, what differs from\n"
      "HARDY-MER beyond chance, parameters, training CPU time, prediction time; compare.txt, "
      ".csv,\n"
      ".json and .tex in the folder, which `hardy report` shows. Methods that cannot serve the\n"
      "corpus are left out with their reason. Interrupted, the same command resumes.\n\n"
      "Examples:\n"
      "  hardy compare data/CMUMOSI --seeds 1-5 --out compared          as published\n"
      "  hardy compare data/CMUMOSI --budget 20 --track unified         affordable, equal epochs\n"
      "  hardy compare data/CMUMOSI --methods momke,gcnet,hardymer --tune 20 --out tuned\n"
      "  hardy compare data/CMUMOSI --tune 20 --dry-run                 what, and how long\n");
  command->callback([typed, command_line] {
    check_comparison(*typed);
    const auto& options = typed->comparison;
    Study study = comparison_study(options, fit_config(without_models(*typed)));
    const auto terms =
        fmt::format("tune {} {} {}", options.points, options.random_seed, options.metric);
    StudyCommand request =
        study_command(*typed, std::move(study), command_line, options.points > 0 ? terms : "");
    request.comparison = options;
    if (request.sharing.shard && options.points > 0) {
      throw ConfigError(
          "--shard, --tune: shares cannot know the settings that validation will choose; tune in "
          "one process first, then divide `hardy study` of the study.toml that it leaves");
    }
    request.format = typed->json ? "json" : typed->format;
    static_cast<void>(carry_out(request));
  });
}

}  // namespace

void add_study_commands(CLI::App& app, const std::vector<std::string>& command_line) {
  add_sweep(app, command_line);
  add_study(app, command_line);
  add_reproduce(app, command_line);
  add_compare(app, command_line);
}

}  // namespace hardy
