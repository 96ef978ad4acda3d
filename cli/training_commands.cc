#include "cli/training_commands.h"

#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/fit_options.h"
#include "cli/help_format.h"
#include "cli/media_commands.h"
#include "cli/table_style.h"
#include "hardy/errors.h"
#include "metrics/registry.h"
#include "pipeline/run_folder.h"

namespace hardy {
namespace {

constexpr const char* kRunFolderHelp = "Run folder; default runs/<corpus>-<8 hex digits>";

/// Options as typed, not yet checked.
struct TypedOptions : FitOptions {
  MediaOptions media;
  int fold = 1;
  std::string run_or_model;
  std::string all_data;
  double checkpoint_interval_s = 30;
  std::vector<std::string> metrics;
  std::string map;
  bool by_target_statistics = false;
};

void add_metrics_option(CLI::App& command, TypedOptions& typed) {
  const OptionGroup group(command, "What is printed");
  command
      .add_option("--metrics", typed.metrics,
                  "Metrics of the table, e.g. wa,ua,ece, or all; default the one that fits the "
                  "labels (docs/metrics.md)")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
}

/// Recordings in place of DATA.
void add_recording_options(CLI::App& command, TypedOptions& typed) {
  const OptionGroup group(command, "Recordings");
  command
      .add_option("--media", typed.media.inputs,
                  "Folder of recordings instead of DATA; features are extracted to OUT-corpus "
                  "first (docs/recordings.md)")
      ->type_name("DIR")
      ->expected(1);
  command
      .add_option("--labels", typed.media.labels,
                  "With --media: a table of utterances and their labels")
      ->type_name("TABLE");
  add_media_options(command, typed.media, true);
}

void add_checkpoint_option(CLI::App& command, TypedOptions& typed) {
  const OptionGroup group(command, "Results");
  command
      .add_option("--checkpoint-every", typed.checkpoint_interval_s,
                  "Seconds of work that a kill may cost; 0 = an epoch. Results stay the same")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
}

TrainingRequest start_request(const std::string& command, const TypedOptions& typed) {
  TrainingRequest request;
  request.command = command;
  request.json = typed.json;
  request.quiet = typed.quiet;
  request.verbose = typed.verbose;
  // Only the labels say which of them there are; what is no metric at all is refused now.
  for (const auto& metric : typed.metrics) {
    const bool is_one = metric == "all" || find_metric(metric) != nullptr;
    request.metrics.push_back(is_one ? metric : metric_named(metric, metric_names()));
  }
  return request;
}

/// `hardy train --all-data RUN`: the settings of the run, whose scores the model keeps, so that
/// nothing that would change them can be given.
TrainingRequest refit_request(const TypedOptions& typed) {
  const auto& config = typed.config;
  const bool changes = !config.preset.empty() || !config.file.empty() ||
                       !config.assignments.empty() || !typed.method.empty() ||
                       !typed.protocol.empty() || !typed.conditions.empty() ||
                       !typed.missing.empty();
  if (changes) {
    throw ConfigError(
        "--all-data takes its settings from the run, because the scores that it stores are of "
        "them; leave --set, --preset, --config, --method, --protocol, --conditions and --missing "
        "out");
  }
  const RunFolder run = RunFolder::open(typed.all_data);
  Config base = run.manifest().config;
  base.data = data_of(run);
  base.run.seeds.resize(1);
  base.run.models = KeptModels::kAll;
  if (base.protocol.tracks == Tracks::kBoth) base.protocol.tracks = Tracks::kUnified;
  TrainingRequest request = start_request("train", typed);
  request.config = fit_config_over(base, typed);
  request.all_data = typed.all_data;
  request.out = typed.out.empty() ? typed.all_data + "-all" : typed.out;
  request.overwrite = typed.overwrite;
  request.cache = fit_cache(typed);
  request.checkpoint_interval_s = typed.checkpoint_interval_s;
  return request;
}

TrainingRequest fit_request(const std::string& command, const TypedOptions& typed) {
  TrainingRequest request = start_request(command, typed);
  request.config = fit_config(typed);
  request.out = typed.out;
  request.overwrite = typed.overwrite;
  request.cache = fit_cache(typed);
  request.checkpoint_interval_s = typed.checkpoint_interval_s;
  request.sharing = read_sharing(typed.sharing, !request.cache.empty());
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
  if (!typed.missing.empty()) {
    request.conditions += (typed.conditions.empty() ? "" : "; ") + typed.missing;
  }
  request.data_assignments = typed.config.assignments;
  if (!typed.map.empty()) request.map = parse_class_map(typed.map);
  request.by_target_statistics = typed.by_target_statistics;
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

/// `hardy run --media DIR --labels TABLE`: the corpus is extracted beside the run folder first.
MediaCommand media_command(const TypedOptions& typed,
                           const std::vector<std::string>& command_line) {
  if (!typed.data.empty()) throw ConfigError("--media takes the place of DATA; give one of them");
  if (typed.media.labels.empty()) {
    throw ConfigError("--media needs --labels TABLE: what there is to learn");
  }
  MediaCommand media;
  media.name = "run";
  media.media = typed.media;
  media.out = (typed.out.empty() ? "runs/media" : typed.out) + "-corpus";
  media.is_quiet = typed.quiet;
  media.command_line = command_line;
  return media;
}

void add_run(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedOptions>();
  CLI::App* command =
      app.add_subcommand("run", "Train and evaluate over folds, seeds and conditions");
  add_fit_options(*command, *typed, kRunFolderHelp);
  add_checkpoint_option(*command, *typed);
  add_metrics_option(*command, *typed);
  add_shard_options(*command, typed->sharing);
  add_recording_options(*command, *typed);
  command->footer(
      "Trains every track for every condition, fold and seed, tests each model once, prints the\n"
      "table and leaves a run folder (docs/run_folder.md). Interrupted, the same command "
      "resumes.\n\n"
      "Examples:\n"
      "  hardy run                                      the demonstration corpus, default "
      "settings\n"
      "  hardy run --preset quick                       a first look in a minute or so\n"
      "  hardy run data/CMUMOSI --seeds 1-5 --out mosi  five seeds on a real corpus\n"
      "  hardy run --track unified --conditions \"a;t\"   one model, two conditions\n"
      "  hardy run --method momke                       another method, the same protocol\n"
      "  hardy run --missing rate=0,.1,...,.7           and with data missing at random\n"
      "  hardy run --media videos --labels table.csv    from recordings to a model\n");
  command->callback([typed, command_line] {
    if (!typed->media.inputs.empty()) {
      carry_out(media_command(*typed, command_line));
      return;
    }
    TrainingRequest request = fit_request("run", *typed);
    request.command_line = command_line;
    carry_out(request);
  });
}

void add_train(CLI::App& app, const std::vector<std::string>& command_line) {
  auto typed = std::make_shared<TypedOptions>();
  CLI::App* command = app.add_subcommand("train", "Train the models of one fold");
  add_fit_options(*command, *typed, kRunFolderHelp);
  add_checkpoint_option(*command, *typed);
  add_metrics_option(*command, *typed);
  command->add_option("--fold", typed->fold, "Which fold, counted from 1")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--all-data", typed->all_data,
                   "Refit the settings of a finished run on all of its data, for use; the model "
                   "keeps what they scored on the run's folds. --out defaults to RUN-all")
      ->type_name("RUN");
  command->footer(
      "Like `hardy run`, but for one fold only: its models are written to the run folder.\n\n"
      "Examples:\n"
      "  hardy train --all-data mosi                             the model to ship, in mosi-all\n"
      "  hardy train data/CMUMOSI --track unified --out model    one model for all conditions\n"
      "  hardy train data/IEMOCAP --fold 5                       session 5 held out\n");
  command->callback([typed, command_line] {
    TrainingRequest request =
        typed->all_data.empty() ? fit_request("train", *typed) : refit_request(*typed);
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
  command
      ->add_option("--map", typed->map,
                   "Classes of DATA that the models know by other names, e.g. "
                   "happy=joy,excited=joy,fear=- (- leaves out; model:NAME=CLASS for a class of "
                   "the models), or a file of such lines (docs/transfer.md)")
      ->type_name("LIST");
  command->add_flag("--target-statistics", typed->by_target_statistics,
                    "Standardise features by the scored utterances' own mean and deviation (no "
                    "labels), not by those of the training data");
  add_missing_option(*command, *typed);
  add_metrics_option(*command, *typed);
  add_output_options(*command, *typed);
  command->footer(
      "On the corpus of the run each model is tested on the test part of its fold; on another\n"
      "corpus with the same modalities, on every dialogue that it has not seen. Classes are\n"
      "matched by name.\n\n"
      "Examples:\n"
      "  hardy evaluate runs/demo-1a2b3c4d\n"
      "  hardy evaluate mosi/models/unified-fold0-seed1.safetensors data/CMUMOSI --conditions "
      "all\n"
      "  hardy evaluate iemocap4 data/IEMOCAP-6 --map excited=happy,frustrated=-\n");
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
