// One process's shard of a run or of all runs of a study: computes stages and models into the cache
// shared by all shards, and writes nothing else. A collecting process (ProtocolRequest::from_cache)
// then finds everything there.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "pipeline/shard.h"
#include "pipeline/shard_progress.h"
#include "pipeline/stage_cache.h"

namespace hardy {

/// One run that the shard is a part of.
struct ShardVariant {
  std::string label;  ///< label of a study's variant; empty for a run
  Config config;      ///< validated
};

struct ShardRequest {
  Shard shard;
  std::vector<ShardVariant> variants;
  std::filesystem::path cache;  ///< shared by all shards
  double checkpoint_interval_s = kCheckpointInterval_s;
  const std::atomic<bool>* stop = nullptr;
};

/// Computes the parts of the shard that the cache lacks. Deterministic: two processes with the same
/// shard store the same. Returns the number of fits (groups under ShardPart::kStages) of the shard
/// in the cache. Throws as run_protocol.
std::int64_t run_shard(const ShardRequest& request, const Corpus& corpus, ShardProgress& progress);

}  // namespace hardy
