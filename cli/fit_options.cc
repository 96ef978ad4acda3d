#include "cli/fit_options.h"

#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/choice.h"
#include "cli/environment.h"
#include "cli/help_format.h"
#include "corpus/embedded/embedded.h"
#include "hardy/errors.h"
#include "methods/hardymer_published/defects.h"

namespace hardy {
namespace {

constexpr const char* kDataHelp =
    "Folder of the corpus, or crema-d (real ratings inside the program); without it the embedded "
    "demonstration corpus (synthetic)";

/// Options for single settings, as assignments.
std::vector<std::string> shortcuts_of(const FitOptions& typed) {
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
  add("protocol.method", typed.method);
  return assignments;
}

/// The settings of --protocol, then --set, which may turn single defects off again.
std::vector<std::string> assignments_of(const FitOptions& typed) {
  if (typed.protocol.empty()) return typed.config.assignments;
  auto assignments = protocol_assignments(typed.protocol);
  const auto& set = typed.config.assignments;
  assignments.insert(assignments.end(), set.begin(), set.end());
  return assignments;
}

/// Adds --missing to the conditions.
void add_missing(Config& config, const FitOptions& typed) {
  if (typed.missing.empty()) return;
  set_config_field(
      config, fmt::format("protocol.conditions={}; {}", config.protocol.conditions, typed.missing));
}

/// Options for single settings.
void add_setting_options(CLI::App& command, FitOptions& typed) {
  const OptionGroup group(command, "Settings");
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
  add_missing_option(command, typed);
  command
      .add_option("--method", typed.method,
                  "What is trained and evaluated; `hardy config --methods` lists them "
                  "(protocol.method)")
      ->type_name("NAME");
  command
      .add_option("--protocol", typed.protocol,
                  "strict (default) or published: every defect of the published code, to see what "
                  "it is worth (docs/audit.md)")
      ->type_name("NAME");
  command
      .add_option("--track", typed.track,
                  "specialist (a model per condition), unified (one model) or both "
                  "(protocol.tracks)")
      ->type_name("NAME");
}

/// Where results go, and how they are computed.
void add_place_options(CLI::App& command, FitOptions& typed, const std::string& out_help) {
  const OptionGroup group(command, "Results");
  command.add_option("--out", typed.out, out_help)->type_name("DIR");
  auto* cache =
      command.add_option("--cache", typed.cache, "Cache of stage results; default the user's own")
          ->type_name("DIR");
  command
      .add_flag("--no-cache", typed.has_no_cache,
                "Share no stage results with other runs; they stay in the run folder")
      ->excludes(cache);
  command.add_flag("--overwrite", typed.overwrite,
                   "Replace another run in the run folder instead of refusing");
  command
      .add_option_function<std::string>(
          "--isa", [](const std::string& name) { pin_instructions(name); },
          "Compute with at most these instructions (avx512, avx2, sse4), so that unlike machines "
          "agree")
      ->type_name("NAME")
      ->check(one_of(instruction_sets()));
}

}  // namespace

void add_missing_option(CLI::App& command, FitOptions& typed) {
  command
      .add_option("--missing", typed.missing,
                  "Also test with data missing at random: rate=0,.1,...,.7 or block=.3 or "
                  "acoustic=.5 and more (docs/missing_data.md)")
      ->type_name("MASKS");
}

void add_output_options(CLI::App& command, FitOptions& typed) {
  const OptionGroup group(command, "What is printed");
  command.add_flag("--json", typed.json, "Print the result as JSON on standard output");
  auto* quiet = command.add_flag("-q,--quiet", typed.quiet, "No progress on standard error");
  command.add_flag("-v,--verbose", typed.verbose, "Every warning, and the cost of every stage")
      ->excludes(quiet);
}

void add_fit_options(CLI::App& command, FitOptions& typed, const std::string& out_help) {
  command.add_option("DATA", typed.data, kDataHelp);
  add_config_options(command, typed.config);
  add_setting_options(command, typed);
  add_place_options(command, typed, out_help);
  add_output_options(command, typed);
}

void check_data_folder(const std::string& path) {
  std::error_code error;
  // The reader decides what a file is: pickles and HDF5 files may be whole corpora.
  if (path.empty() || std::filesystem::exists(path, error)) return;
  if (!embedded_name(path).empty()) return;
  throw DataError(
      fmt::format("{}: no such folder; give the folder or file of a corpus (docs/formats.md), or "
                  "none for the demonstration corpus, or crema-d for the embedded ratings",
                  path));
}

Config fit_config(const FitOptions& typed) {
  ConfigOptions options = typed.config;
  options.assignments = assignments_of(typed);
  options.shortcuts = shortcuts_of(typed);
  Config config = make_config(options);
  add_missing(config, typed);
  check_data_folder(config.data.path);
  return config;
}

Config fit_config_over(const Config& base, const FitOptions& typed) {
  Config config = base;
  for (const auto& assignment : assignments_of(typed)) set_config_field(config, assignment);
  for (const auto& assignment : shortcuts_of(typed)) set_config_field(config, assignment);
  add_missing(config, typed);
  validate_config(config);
  check_data_folder(config.data.path);
  return config;
}

std::filesystem::path fit_cache(const FitOptions& typed) {
  if (typed.has_no_cache) return {};
  return typed.cache.empty() ? default_cache_folder() : std::filesystem::path(typed.cache);
}

}  // namespace hardy
