// The options of commands whose work may be divided among processes: --shard, --part, --from-cache.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "pipeline/shard.h"

namespace CLI {
class App;
}

namespace hardy {

/// What the user typed, before it is checked.
struct ShardOptions {
  std::string shard;
  std::string part;
  bool from_cache = false;
  std::string plan;
};

/// What it means.
struct Sharing {
  std::optional<Shard> shard;  ///< compute this share into the cache and write no results
  bool from_cache = false;     ///< write results of what shares left; compute nothing
  std::filesystem::path plan;  ///< only write what `hardy submit` needs to know, here
};

void add_shard_options(CLI::App& command, ShardOptions& typed);

/// Throws ConfigError for contradictions. `has_cache`: others can read the stage cache.
Sharing read_sharing(const ShardOptions& typed, bool has_cache);

}  // namespace hardy
