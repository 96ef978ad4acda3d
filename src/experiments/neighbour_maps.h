// Figure 3: what feature tuning does to neighbourhoods, from the tuned features of a finished run.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/neighbour_shares.h"
#include "hardy/config.h"
#include "hardy/corpus.h"
#include "pipeline/progress.h"

namespace hardy {

struct MapRequest {
  Config config;                     ///< of a finished HARDY-MER run
  std::filesystem::path run;         ///< its folder: hardness.csv names the default queries
  std::filesystem::path cache;       ///< its stage cache: tuned features are there
  std::vector<std::string> queries;  ///< utterances; empty = the easiest and the hardest
  std::int64_t background = 500;     ///< other training utterances on each map
  const std::atomic<bool>* stop = nullptr;
};

/// First seed; shares over all folds, maps of the first fold in which every query is a training
/// utterance. Training utterances ask as the curriculum does, without themselves; tuning has seen
/// their labels, so test utterances ask too. Throws ConfigError for queries that no training part
/// has together, and what the stages throw.
NeighbourMaps map_neighbours(const MapRequest& request, const Corpus& corpus, Progress& progress);

}  // namespace hardy
