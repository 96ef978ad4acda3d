// The options of every command that trains: corpus, settings, shortcuts for settings, output.
#pragma once

#include <filesystem>
#include <string>

#include "cli/config_options.h"
#include "cli/shard_options.h"
#include "hardy/config.h"

namespace CLI {
class App;
}

namespace hardy {

/// Options as typed, not yet checked.
struct FitOptions {
  ConfigOptions config;
  std::string data;
  std::string seeds;
  std::string jobs;
  std::string device;
  std::string conditions;
  std::string missing;
  std::string track;
  std::string method;
  std::string protocol;
  std::string out;
  std::string cache;
  bool has_no_cache = false;
  bool overwrite = false;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  ShardOptions sharing;
};

/// Adds DATA and all options. `out_help`: help text of --out.
void add_fit_options(CLI::App& command, FitOptions& typed, const std::string& out_help);

/// Adds --missing only.
void add_missing_option(CLI::App& command, FitOptions& typed);

/// Adds --json and --quiet only.
void add_output_options(CLI::App& command, FitOptions& typed);

/// The settings of the options, validated. Throws ConfigError; DataError when the corpus's folder
/// does not exist.
Config fit_config(const FitOptions& typed);

/// The same over existing settings; --preset and --config are not read.
Config fit_config_over(const Config& base, const FitOptions& typed);

/// The stage cache: the user's own by default; empty for --no-cache.
std::filesystem::path fit_cache(const FitOptions& typed);

/// Throws DataError when `path` is neither empty nor an existing folder or file.
void check_data_folder(const std::string& path);

}  // namespace hardy
