// Figure 3: the effect of feature tuning on neighbourhoods, from the tuned features of a finished
// run.
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
  Config config;                     ///< settings of a finished HARDY-MER run
  std::filesystem::path run;         ///< run folder; its hardness.csv gives the default queries
  std::filesystem::path cache;       ///< stage cache of the run, with the tuned features
  std::vector<std::string> queries;  ///< ids of utterances; empty = the easiest and the hardest
  std::int64_t background = 500;     ///< other training utterances on each map
  const std::atomic<bool>* stop = nullptr;
};

/// Uses the first seed; shares over all folds, maps of the first fold in which every query is a
/// training utterance. Training queries are compared as in the curriculum, without themselves;
/// tuning was trained with their labels, so test utterances are queries too. Throws ConfigError
/// when no training part has all queries, and as the stages.
NeighbourMaps map_neighbours(const MapRequest& request, const Corpus& corpus, Progress& progress);

}  // namespace hardy
