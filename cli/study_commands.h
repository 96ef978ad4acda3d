// `hardy study`, `hardy sweep`, `hardy reproduce` and `hardy compare`: options and their execution,
// as in training_commands.h.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/shard_options.h"
#include "experiments/method_comparison.h"
#include "experiments/study.h"

namespace CLI {
class App;
}

namespace hardy {

/// One study to run, read and checked as far as possible without loading data.
struct StudyCommand {
  Study study;  ///< of `reproduce`: the base only
  std::string
      experiment;  ///< `reproduce`: name of the experiment; its variants depend on the corpus
  bool only_unified = false;  ///< `reproduce`: specialists in table 1 and the default only
  std::vector<std::string>
      queries;  ///< `reproduce fig3`: ids of utterances; empty = an easy and a hard one
  std::optional<CompareOptions> comparison;  ///< set if methods are compared: the terms
  std::string format;                        ///< `compare`: one of table_formats()
  std::filesystem::path out;
  std::filesystem::path cache;  ///< empty = inside the study's folder
  std::string metric;           ///< sweeps: metric of the ranking; empty = WA or accuracy
  bool estimates = true;        ///< prints an estimate of the duration first
  bool runs = true;             ///< false: estimate only
  bool overwrite = false;
  Sharing sharing;
  bool json = false;
  bool quiet = false;
  std::vector<std::string> command_line;
};

/// Adds the commands. `command_line` is argv.
void add_study_commands(CLI::App& app, const std::vector<std::string>& command_line);

/// Carries the study out, as carry_out(TrainingRequest). Returns the finding of an audit; "" for
/// every other study.
std::string carry_out(const StudyCommand& command);

}  // namespace hardy
