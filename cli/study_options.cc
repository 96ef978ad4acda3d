#include "cli/study_options.h"

#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/checksum.h"

namespace hardy {
namespace {

std::filesystem::path default_folder(const Study& study, const std::string& terms) {
  return std::filesystem::path("runs") /
         fmt::format("{}-{}", study.kind, sha256(study_toml(study) + terms).substr(0, 8));
}

}  // namespace

void add_estimate_options(CLI::App& command, TypedStudy& typed) {
  command.add_flag("--no-estimate", typed.has_no_estimate,
                   "Do not measure beforehand how long the study will take");
  command
      .add_flag("--dry-run", typed.is_dry_run,
                "Only say what would be run and how long it would take")
      ->excludes("--no-estimate");
}

void add_study_options(CLI::App& command, TypedStudy& typed) {
  add_fit_options(command, typed, kStudyFolderHelp);
  add_estimate_options(command, typed);
  add_shard_options(command, typed.sharing);
}

StudyCommand study_command(const TypedStudy& typed, Study study,
                           const std::vector<std::string>& command_line, const std::string& terms) {
  StudyCommand command;
  command.out = typed.out.empty() ? default_folder(study, terms) : std::filesystem::path(typed.out);
  command.study = std::move(study);
  // Without --cache a study has its own cache, which is removed with its folder.
  if (!typed.cache.empty()) command.cache = typed.cache;
  command.metric = typed.metric;
  command.estimates = !typed.has_no_estimate;
  command.runs = !typed.is_dry_run;
  command.overwrite = typed.overwrite;
  command.sharing = read_sharing(typed.sharing, !typed.has_no_cache);
  command.json = typed.json;
  command.quiet = typed.quiet;
  command.command_line = command_line;
  return command;
}

FitOptions without_models(FitOptions options) {
  auto& assignments = options.config.assignments;
  assignments.insert(assignments.begin(), "run.models=none");
  return options;
}

}  // namespace hardy
