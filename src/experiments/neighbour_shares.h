// Figure 3 in numbers and points: the share of neighbours with the label of the query, and maps of
// a query among its neighbours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// Share of the K nearest training utterances with the label of the query (for real values: its
/// sign), by one modality.
struct NeighbourShare {
  std::string part;  ///< part of the queries: "training" | "test"
  std::string modality;
  std::string features;  ///< "plain" | "tuned" | "tuned - plain"
  std::int64_t utterances = 0;
  double share = 0;  ///< mean over utterances
  double low = 0;    ///< interval by resampling dialogues
  double high = 0;
};

/// A point of a map.
struct MapPoint {
  std::string modality;
  std::string features;  ///< "plain" | "tuned"
  double x = 0;
  double y = 0;
  std::int64_t utterance = 0;
  std::string role;   ///< "query" | "neighbour" | "other"
  std::string query;  ///< query of a neighbour; the first one if it has several
};

struct NeighbourMaps {
  std::string data_name;
  bool is_synthetic = false;
  std::int64_t seed = 0;
  std::int64_t k = 0;
  double level = 0.95;
  std::string fold;  ///< fold of the maps
  std::vector<std::string> queries;
  std::vector<NeighbourShare> shares;  ///< over all folds
  std::vector<MapPoint> points;
};

/// Label for the comparison: the class, or the sign of a value (-1, 0, 1).
int neighbour_label(const Corpus& corpus, std::int64_t utterance);

/// Utterance -> its shares of neighbours with its own label, one per fold in which it is a query.
using SharesOfUtterances = std::map<std::int64_t, std::vector<double>>;

/// The mean over utterances (each the mean over its folds) with an interval over resampled
/// dialogues; NaN without utterances, or with fewer than two dialogues. Part, modality and features
/// are left empty.
NeighbourShare summarise_shares(const Corpus& corpus, const SharesOfUtterances& shares,
                                double level);

inline constexpr const char* kNeighbourDifference = "tuned - plain";

/// first - second, utterance by utterance. Requires: both have the same utterances and folds.
SharesOfUtterances paired_difference(const SharesOfUtterances& first,
                                     const SharesOfUtterances& second);

/// The shares as a text table.
std::string neighbour_text(const NeighbourMaps& maps);

/// Writes tsne.csv, neighbours.csv and neighbours.txt into a study folder.
void write_neighbour_maps(const std::filesystem::path& folder, const NeighbourMaps& maps,
                          const Corpus& corpus);

}  // namespace hardy
