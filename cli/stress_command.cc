#include "cli/stress_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "cli/fit_options.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "corpus/match_model.h"
#include "corpus/unseen.h"
#include "experiments/stress.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/mapped_file.h"
#include "pipeline/check_run.h"
#include "pipeline/run_folder.h"

namespace hardy {
namespace {

struct StressCommand {
  std::string model;
  std::string data;
  std::vector<std::string> damages;
  std::vector<double> severities = {0.25, 0.5, 1};
  std::vector<std::string> modalities;
  std::vector<std::string> assignments;
  std::string map;
  std::string metric;
  std::uint64_t seed = 1;
  double rate = 0;
  bool is_json = false;
  bool is_quiet = false;
};

constexpr const char* kStressFooter =
    "Each modality is damaged in turn, in the dialogues that a model is tested on, and scored\n"
    "with all modalities; `missing` is the score without that modality. With --set-aside the\n"
    "table has a second half, in which the models leave out modalities that they suspect\n"
    "(docs/damaged_data.md).\n\n"
    "Examples:\n"
    "  hardy stress mosi                                the unified models of a run\n"
    "  hardy stress mosi --set-aside 0.01 --damage noise,scale\n"
    "  hardy stress mosi data/OTHER --map pos=positive,neg=negative --json\n";

BundleInfo info_of_file(const std::filesystem::path& file) {
  const MappedFile mapped(file, Residence::kMapped);
  return read_bundle_info(view_tensor_file(mapped.bytes(), file.string()), file.string());
}

/// The model files that can be tested with all modalities: of a run its unified models, else the
/// specialists of the complete pattern.
std::vector<std::filesystem::path> files_of(const std::string& source) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(source, ignored)) return {source};
  std::vector<std::filesystem::path> unified;
  std::vector<std::filesystem::path> specialists;
  for (const auto& file : verified_models(RunFolder::open(source))) {
    const BundleInfo info = info_of_file(file);
    const auto complete = Pattern::complete(static_cast<int>(info.modalities.size()));
    if (info.track == "unified") {
      unified.push_back(file);
    } else if (info.trained == complete) {
      specialists.push_back(file);
    }
  }
  if (unified.empty()) unified = std::move(specialists);
  if (unified.empty()) {
    throw ArtifactError(fmt::format(
        "{}: holds no model that reads all modalities; train with --track unified", source));
  }
  return unified;
}

/// The named corpus, or that of the run or model.
Corpus corpus_of(const StressCommand& command, const BundleInfo& info) {
  std::error_code ignored;
  Config config;
  if (std::filesystem::is_directory(command.model, ignored)) {
    config.data = data_of(RunFolder::open(command.model));
  } else if (!info.config_toml.empty()) {
    config.data = parse_config(info.config_toml, command.model, Config{}).data;
  }
  if (!command.data.empty()) {
    check_data_folder(command.data);
    config.data.path = command.data;
    config.data.format = "auto";  // the layout of the models' own corpus does not apply
    config.data.labels.clear();
  }
  for (const auto& assignment : command.assignments) {
    if (!assignment.starts_with("data.")) {
      throw ConfigError(fmt::format("--set {}: only data.* matters here", assignment));
    }
    set_config_field(config, assignment);
  }
  Corpus corpus = load_corpus(
      config.data, std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16));
  const bool is_own = command.data.empty() && command.assignments.empty();
  if (is_own && corpus.checksum != info.data_checksum) {
    throw DataError(fmt::format("{}: trained on other data than {}; name the folder of its corpus",
                                command.model, corpus.source));
  }
  return corpus;
}

StressPlan plan_of(const StressCommand& command, const BundleInfo& info) {
  StressPlan plan;
  plan.seed = command.seed;
  plan.set_aside_rate = command.rate;
  plan.metric = command.metric;
  for (const auto& name : command.damages) plan.damages.push_back(damage_named(name));
  if (plan.damages.empty()) plan.damages.assign(all_damages().begin(), all_damages().end());
  plan.severities = command.severities;
  std::sort(plan.severities.begin(), plan.severities.end());
  plan.severities.erase(std::unique(plan.severities.begin(), plan.severities.end()),
                        plan.severities.end());
  for (const double severity : plan.severities) {
    if (severity > 0 && severity <= 1) continue;
    throw ConfigError(fmt::format("--severity {}: a severity is above 0 and at most 1", severity));
  }
  for (const auto& name : command.modalities) plan.modalities.push_back(info.modality_index(name));
  if (plan.modalities.empty()) {
    for (int m = 0; m < static_cast<int>(info.modalities.size()); ++m) plan.modalities.push_back(m);
  }
  return plan;
}

/// Throws when a model cannot be scored beside the first one.
void require_same_inputs(const BundleInfo& first, const BundleInfo& next, const std::string& file) {
  if (first.modality_names() == next.modality_names() && first.class_names == next.class_names &&
      first.target_names == next.target_names) {
    return;
  }
  throw ArtifactError(fmt::format(
      "{}: it has other modalities or classes than the models before it; stress it alone", file));
}

void run_stress(const StressCommand& command) {
  const auto files = files_of(command.model);
  const BundleInfo info = info_of_file(files.front());
  if (info.modalities.size() < 2) {
    throw ConfigError(fmt::format(
        "{}: the model has one modality; a damaged one is compared with a missing one, so that it "
        "needs two",
        command.model));
  }
  const StressPlan plan = plan_of(command, info);
  Corpus corpus = corpus_of(command, info);
  std::vector<std::string> notes;
  match_modalities(corpus, info, notes);
  const ClassMap map = command.map.empty() ? ClassMap{} : parse_class_map(command.map);
  const auto classes = match_labels(corpus, info, map, notes);
  OverlapNotes overlap;
  std::vector<StressedModel> models;
  for (const auto& file : files) {
    const BundleInfo own = info_of_file(file);
    require_same_inputs(info, own, file.string());
    models.push_back(load_stressed(file, unseen_dialogues(own, corpus, overlap)));
  }
  for (auto& text : overlap.texts()) notes.push_back(std::move(text));
  ProgressBar progress(stderr_progress(command.is_quiet));
  progress.start("stressing");
  const auto result = stress_models(models, corpus, classes, plan,
                                    [&](double share) { progress.update(share, 1, ""); });
  progress.finish();
  for (const auto& note : notes) print_notice("hardy: note: " + printable(note));
  print(command.is_json ? stress_json(result, plan, corpus) : stress_text(result, plan, corpus));
}

}  // namespace

void add_stress_command(CLI::App& app) {
  auto command = std::make_shared<StressCommand>();
  CLI::App* stress = app.add_subcommand("stress", "Score stored models with damaged modalities");
  stress->add_option("MODEL", command->model, "A model file, or a run folder: its unified models")
      ->required();
  stress->add_option("DATA", command->data, "Another corpus; default the run's own");
  stress
      ->add_option("--damage", command->damages,
                   "noise, clipping, frozen, swapped, shifted, speaker, scale; default all")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  stress->add_option("--severity", command->severities, "Severities, above 0 and at most 1")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  stress->add_option("--modality", command->modalities, "Modalities to damage; default all")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  stress
      ->add_option("--set-aside", command->rate,
                   "Score also with suspected modalities set aside; RATE: the share of good ones "
                   "that may be suspected, e.g. 0.01")
      ->type_name("RATE");
  stress->add_option("--metric", command->metric, "Default the headline metric of the labels")
      ->type_name("NAME");
  stress->add_option("--seed", command->seed, "Seed of the damage")->capture_default_str();
  stress
      ->add_option("--map", command->map,
                   "Classes of DATA that the models know by other names, e.g. happy=joy,fear=- "
                   "(docs/transfer.md)")
      ->type_name("LIST");
  stress
      ->add_option("--set", command->assignments,
                   "A setting of how the corpus is read, e.g. --set data.labels=FILE; may be "
                   "repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  stress->add_flag("--json", command->is_json, "Machine-readable results on standard output");
  stress->add_flag("-q,--quiet", command->is_quiet, "No progress");
  stress->footer(kStressFooter);
  stress->callback([command] { run_stress(*command); });
}

}  // namespace hardy
