// Nearest rows by inverted lists, for databases whose every pair is too much: rows are divided
// among the lists of the nearest of L centres, and a query is compared with the rows of a few
// lists. Each list is multiplied at once with all queries that look into it, which costs a product
// a pair instead of a walk through memory.
#pragma once

#include <cstdint>
#include <vector>

#include "methods/hardymer/row_source.h"

namespace hardy {

/// What a search by lists did, and how well it did it.
struct ListSearchReport {
  std::int64_t rows = 0;
  std::int64_t lists = 0;
  std::int64_t probes = 0;   ///< lists that each query looks into
  std::int64_t queries = 0;  ///< whose exact neighbours were compared
  double recall = 1;         ///< share of their exact K nearest that were found
};

/// The k nearest rows of each row in Euclidean distance, the row itself left out.
struct ListSearchResult {
  std::vector<std::int64_t> nearest;  ///< [n, k], nearest first, ties by row; -1 where short
  ListSearchReport report;
};

/// Searches rows in themselves. Looks into as many lists as it takes to find, of 500
/// rows spread evenly, at least `least_recall` of the exact k nearest: 1, 2, 4, ... up to all,
/// which is exact. Deterministic. k >= 1. Uses one thread.
ListSearchResult search_by_lists(const RowSource& rows, std::int64_t k, double least_recall);

}  // namespace hardy
