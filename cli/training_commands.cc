#include "cli/training_commands.h"

#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/config_options.h"
#include "cli/environment.h"
#include "hardy/core/errors.h"

namespace hardy {
namespace {

/// What the user typed, before it is checked.
struct TypedOptions {
  ConfigOptions config;
  std::string data;
  std::string seeds;
  std::string jobs;
  std::string device;
  std::string conditions;
  std::string track;
  int fold = 1;
  std::string run_or_model;
  std::string out;
  std::string cache;
  bool has_no_cache = false;
  bool overwrite = false;
  bool json = false;
  bool quiet = false;
};

constexpr const char* kDataHelp =
    "Folder of the corpus; without it the embedded demonstration corpus (synthetic)";

void add_output_options(CLI::App& command, TypedOptions& typed) {
  command.add_flag("--json", typed.json, "Print the result as JSON on standard output");
  command.add_flag("--quiet", typed.quiet, "No progress on standard error");
}

void add_fit_options(CLI::App& command, TypedOptions& typed) {
  command.add_option("DATA", typed.data, kDataHelp);
  add_config_options(command, typed.config);
  command.add_option("--seeds,--seed", typed.seeds, "Training seeds: 7, 1,2,3 or 1-5 (run.seeds)")
      ->type_name("LIST");
  command.add_option("--jobs", typed.jobs, "Parallel workers; 0 = one per core (run.jobs)")
      ->type_name("N");
  command.add_option("--device", typed.device, "cpu or cuda (run.device)")->type_name("NAME");
  command
      .add_option("--conditions", typed.conditions,
                  "Available modalities to train for and test: table, all, or a list such as "
                  "\"a; t; a,t\" (protocol.conditions)")
      ->type_name("LIST");
  command
      .add_option("--track", typed.track,
                  "specialist (a model per condition), unified (one model) or both "
                  "(protocol.tracks)")
      ->type_name("NAME");
  command.add_option("--out", typed.out, "Run folder; default runs/<corpus>-<8 hex digits>")
      ->type_name("DIR");
  auto* cache =
      command.add_option("--cache", typed.cache, "Cache of stage results; default the user's own")
          ->type_name("DIR");
  command
      .add_flag("--no-cache", typed.has_no_cache,
                "Share no stage results with other runs; they stay in the run folder")
      ->excludes(cache);
  command.add_flag("--overwrite", typed.overwrite,
                   "Replace another run in the run folder instead of refusing");
  add_output_options(command, typed);
}

/// Options that stand for single settings, as assignments.
std::vector<std::string> shortcuts_of(const TypedOptions& typed) {
  std::vector<std::string> assignments;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) assignments.push_back(fmt::format("{}={}", key, value));
  };
  add("data.path", typed.data);
  add("run.seeds", typed.seeds);
  add("run.jobs", typed.jobs);
  add("run.device", typed.device);
  add("protocol.conditions", typed.conditions);
  add("protocol.tracks", typed.track);
  return assignments;
}

void check_data_folder(const std::string& path) {
  std::error_code error;
  if (path.empty() || std::filesystem::is_directory(path, error)) return;
  const bool exists = std::filesystem::exists(path, error);
  throw DataError(
      fmt::format("{}: {}; give the folder of a corpus (docs/formats.md), or none for "
                  "the demonstration corpus",
                  path, exists ? "is a file, not a folder" : "no such folder"));
}

TrainingRequest start_request(const std::string& command, const TypedOptions& typed) {
  TrainingRequest request;
  request.command = command;
  request.json = typed.json;
  request.quiet = typed.quiet;
  return request;
}

TrainingRequest fit_request(const std::string& command, const TypedOptions& typed) {
  TrainingRequest request = start_request(command, typed);
  ConfigOptions options = typed.config;
  options.shortcuts = shortcuts_of(typed);
  request.config = make_config(options);
  check_data_folder(request.config.data.path);
  request.out = typed.out;
  request.overwrite = typed.overwrite;
  if (!typed.has_no_cache) {
    request.cache =
        typed.cache.empty() ? default_cache_folder() : std::filesystem::path(typed.cache);
  }
  if (command == "train") {
    if (typed.fold < 1) {
      throw ConfigError(fmt::format("--fold {}: folds are counted from 1", typed.fold));
    }
    request.fold = typed.fold - 1;
  }
  return request;
}

TrainingRequest evaluate_request(const TypedOptions& typed) {
  TrainingRequest request = start_request("evaluate", typed);
  request.run_or_model = typed.run_or_model;
  request.conditions = typed.conditions;
  request.data_assignments = typed.config.assignments;
  Config config;
  for (const auto& assignment : request.data_assignments) {
    if (!assignment.starts_with("data.")) {
      throw ConfigError(fmt::format(
          "--set {}: a stored model keeps its settings; only data.* can be set here", assignment));
    }
    set_config_field(config, assignment);
  }
  if (!typed.data.empty()) set_config_field(config, "data.path=" + typed.data);
  check_data_folder(config.data.path);
  request.config = config;
  std::error_code error;
  if (!std::filesystem::exists(request.run_or_model, error)) {
    throw ArtifactError(
        fmt::format("{}: no such run folder or model file; give what `hardy run` or "
                    "`hardy train` wrote",
                    typed.run_or_model));
  }
  return request;
}

void add_run(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedOptions>();
  CLI::App* command =
      app.add_subcommand("run", "Train and evaluate over folds, seeds and conditions");
  add_fit_options(*command, *typed);
  command->footer(
      "Trains every track for every condition, fold and seed, tests each model once, prints the\n"
      "table and leaves a run folder (docs/run_folder.md). Interrupted, the same command "
      "resumes.\n\n"
      "Examples:\n"
      "  hardy run                                      the demonstration corpus, default "
      "settings\n"
      "  hardy run --preset quick                       a first look in a minute or so\n"
      "  hardy run data/CMUMOSI --seeds 1-5 --out mosi  five seeds on a real corpus\n"
      "  hardy run --track unified --conditions \"a;t\"   one model, two conditions\n");
  command->callback([typed, command_line] {
    TrainingRequest request = fit_request("run", *typed);
    request.command_line = command_line;
    carry_out(request);
  });
}

void add_train(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedOptions>();
  CLI::App* command = app.add_subcommand("train", "Train the models of one fold");
  add_fit_options(*command, *typed);
  command->add_option("--fold", typed->fold, "Which fold, counted from 1")
      ->type_name("N")
      ->capture_default_str();
  command->footer(
      "Like `hardy run`, but for one fold only: its models are written to the run folder.\n\n"
      "Examples:\n"
      "  hardy train data/CMUMOSI --track unified --out model    one model for all conditions\n"
      "  hardy train data/IEMOCAP --fold 5                       session 5 held out\n");
  command->callback([typed, command_line] {
    TrainingRequest request = fit_request("train", *typed);
    request.command_line = command_line;
    carry_out(request);
  });
}

void add_evaluate(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedOptions>();
  CLI::App* command = app.add_subcommand("evaluate", "Evaluate stored models again");
  command->add_option("RUN_OR_MODEL", typed->run_or_model, "A run folder or one model file")
      ->required();
  command->add_option("DATA", typed->data, "Folder of another corpus; default the run's own");
  command
      ->add_option("--conditions", typed->conditions,
                   "Conditions of unified models; default those of the run")
      ->type_name("LIST");
  command
      ->add_option("--set", typed->config.assignments,
                   "A setting of how DATA is read, e.g. --set data.labels=FILE; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  add_output_options(*command, *typed);
  command->footer(
      "On the corpus of the run each model is tested on the test part of its fold; on another\n"
      "corpus with the same modalities, on every utterance.\n\n"
      "Examples:\n"
      "  hardy evaluate runs/demo-1a2b3c4d\n"
      "  hardy evaluate mosi/models/unified-fold0-seed1.safetensors data/CMUMOSI --conditions "
      "all\n");
  command->callback([typed, command_line] {
    TrainingRequest request = evaluate_request(*typed);
    request.command_line = command_line;
    carry_out(request);
  });
}

}  // namespace

void add_training_commands(CLI::App& app, const std::vector<std::string>& command_line) {
  add_run(app, command_line);
  add_train(app, command_line);
  add_evaluate(app, command_line);
}

}  // namespace hardy
