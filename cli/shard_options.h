// The options of commands whose work can be divided among processes: --shard, --part, --from-cache.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "pipeline/shard.h"

namespace CLI {
class App;
}

namespace hardy {

/// Options as typed, not yet checked.
struct ShardOptions {
  std::string shard;
  std::string part;
  bool from_cache = false;
  std::string plan;
};

/// The checked options.
struct Sharing {
  std::optional<Shard> shard;  ///< compute this shard into the cache and write no results
  bool from_cache = false;     ///< write the results of the shards; compute nothing
  std::filesystem::path plan;  ///< only write the data for `hardy submit` to this file
};

void add_shard_options(CLI::App& command, ShardOptions& typed);

/// Throws ConfigError for contradictions. `has_cache`: other processes can read the stage cache.
Sharing read_sharing(const ShardOptions& typed, bool has_cache);

}  // namespace hardy
