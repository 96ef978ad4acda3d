// The options of every command that runs a study.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/fit_options.h"
#include "cli/study_commands.h"

namespace hardy {

/// Options as typed, not yet checked.
struct TypedStudy : FitOptions {
  std::string file;
  std::string experiment;
  std::string metric;
  std::vector<std::string> queries;
  std::string format = "text";
  CompareOptions comparison;
  std::int64_t random = 0;
  std::uint64_t random_seed = 1;
  bool has_no_estimate = false;
  bool is_dry_run = false;
};

/// Adds --no-estimate and --dry-run.
void add_estimate_options(CLI::App& command, TypedStudy& typed);

/// Adds DATA, settings, --out, --no-estimate, --dry-run and the rest.
void add_study_options(CLI::App& command, TypedStudy& typed);

/// Help text of --out.
inline constexpr const char* kStudyFolderHelp =
    "Folder of the study; default runs/<kind>-<8 hex digits>";

/// The command that runs a study; its folder is runs/KIND-8HEXDIGITS by default. `terms`: what the
/// study depends on besides its description.
StudyCommand study_command(const TypedStudy& typed, Study study,
                           const std::vector<std::string>& command_line,
                           const std::string& terms = "");

/// Studies store no models by default: variants are compared, not deployed.
FitOptions without_models(FitOptions options);

}  // namespace hardy
