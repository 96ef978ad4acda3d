// One process's share of a run or of all runs of a study: computes stages and models into the cache
// that all shares have in common, and writes nothing else. A collecting process (ProtocolRequest::
// from_cache) then finds everything there.
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

/// One run that the share is a part of.
struct ShardVariant {
  std::string label;  ///< of a study's variant; empty for a run
  Config config;      ///< validated
};

struct ShardRequest {
  Shard shard;
  std::vector<ShardVariant> variants;
  std::filesystem::path cache;  ///< that of all shares
  double checkpoint_interval_s = kCheckpointInterval_s;
  const std::atomic<bool>* stop = nullptr;
};

/// How a run divides.
struct RunDivision {
  std::int64_t groups = 0;          ///< folds x seeds
  std::int64_t fits_per_group = 0;  ///< tracks x conditions
};

RunDivision division_of(const Config& config, const Corpus& corpus);

/// Computes what the share holds and the cache lacks. Deterministic: two processes with the same
/// share store the same. Returns the number of fits (groups under ShardPart::kStages) that are in
/// the cache now. Throws what run_protocol throws.
std::int64_t run_shard(const ShardRequest& request, const Corpus& corpus, ShardProgress& progress);

}  // namespace hardy
