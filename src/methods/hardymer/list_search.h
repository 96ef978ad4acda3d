// Nearest rows by inverted lists, for databases too large for all pairs: rows are divided among the
// lists of the nearest of L centres, and a query is compared with the rows of a few lists. Each
// list is multiplied with all of its queries at once, a matrix product instead of scattered reads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "methods/hardymer/row_source.h"

namespace hardy {

/// Parameters and recall of a search by lists.
struct ListSearchReport {
  std::int64_t rows = 0;
  std::int64_t lists = 0;
  std::int64_t probes = 0;   ///< lists searched per query
  std::int64_t queries = 0;  ///< queries whose exact neighbours were computed for comparison
  double recall = 1;         ///< share of the exact K nearest that was found
};

/// The k nearest rows of each row in Euclidean distance, the row itself left out.
struct ListSearchResult {
  std::vector<std::int64_t> nearest;  ///< [n, k], nearest first, ties by row; -1 where short
  ListSearchReport report;
};

/// Called between parts of a search that take about a second; throws to end it.
using StopCheck = std::function<void()>;

/// Searches rows in themselves. Looks into as many lists as it takes to find, of 500
/// rows spread evenly, at least `least_recall` of the exact k nearest: 1, 2, 4, ... up to all,
/// which is exact. Deterministic. k >= 1. Uses one thread.
ListSearchResult search_by_lists(const RowSource& rows, std::int64_t k, double least_recall,
                                 const StopCheck& check_stop = {});

}  // namespace hardy
