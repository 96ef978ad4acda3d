// The options of every command that trains: corpus, settings, shortcuts for settings, where to
// write.
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

/// What the user typed, before it is checked.
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

/// Adds DATA and all options. `out_help` says what --out is.
void add_fit_options(CLI::App& command, FitOptions& typed, const std::string& out_help);

/// Adds --missing alone.
void add_missing_option(CLI::App& command, FitOptions& typed);

/// Adds --json and --quiet alone.
void add_output_options(CLI::App& command, FitOptions& typed);

/// The settings that the options make, validated. Throws ConfigError; DataError when the corpus's
/// folder is none.
Config fit_config(const FitOptions& typed);

/// The same over settings that are there already; --preset and --config are not read.
Config fit_config_over(const Config& base, const FitOptions& typed);

/// The stage cache: the user's own unless told otherwise; empty for --no-cache.
std::filesystem::path fit_cache(const FitOptions& typed);

/// Throws DataError when `path` is neither empty nor an existing folder or file.
void check_data_folder(const std::string& path);

}  // namespace hardy
