// `hardy run`, `train` and `evaluate`: options and their execution. The light program checks them
// and executes hardy-trainer, which does the work.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/shard_options.h"
#include "corpus/class_map.h"
#include "hardy/config.h"

namespace CLI {
class App;
}

namespace hardy {

/// One training command, read and checked as far as possible without loading data.
struct TrainingRequest {
  std::string command;                        ///< "run" | "train" | "evaluate"
  Config config;                              ///< validated; for `evaluate` only `data` is read
  std::optional<int> fold;                    ///< `train`: 0-based
  std::filesystem::path run_or_model;         ///< `evaluate`: a run folder or a model file
  std::string conditions;                     ///< `evaluate`: empty = those of the run
  std::vector<std::string> data_assignments;  ///< `evaluate`: --set over the run's data settings
  ClassMap map;                               ///< `evaluate`: classes of other names
  bool by_target_statistics = false;          ///< `evaluate`
  std::filesystem::path all_data;             ///< `train`: a run whose settings are refitted
  std::filesystem::path out;                  ///< run folder; empty = runs/<corpus>-<8 hex digits>
  std::filesystem::path cache;                ///< stage cache; empty = inside the run folder
  bool overwrite = false;
  double checkpoint_interval_s = 0;  ///< `run`, `train`: seconds between two checkpoints
  std::vector<std::string> metrics;  ///< of the table; empty = the first headline
  Sharing sharing;                   ///< `run`
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  std::vector<std::string> command_line;  ///< argv of this process
};

/// Adds the three commands. `command_line` is argv.
void add_training_commands(CLI::App& app, const std::vector<std::string>& command_line);

/// Carries the request out. Two implementations: exec_trainer.cc replaces this process by
/// hardy-trainer and does not return; trainer.cc does the work.
void carry_out(const TrainingRequest& request);

}  // namespace hardy
