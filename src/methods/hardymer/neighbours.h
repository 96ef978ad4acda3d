// Similar training utterances per pattern (paper 3.3.2, Eq. 17).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hardy/modality.h"
#include "methods/hardymer/list_search.h"
#include "methods/hardymer/row_source.h"

namespace hardy {

enum class Metric {
  kL2,     ///< Euclidean
  kCosine  ///< inner product of L2-normalised rows
};

/// One modality of the retrieval database: the features of a fold's n training utterances.
struct DatabaseView {
  std::span<const float> features;  ///< [n, d] row-major; [N, d] with `places`
  std::int64_t width = 0;           ///< d
  Metric metric = Metric::kL2;
  /// [n] row of `features` of each utterance, so that a mapped corpus need not be copied; empty =
  /// they are stored in this order.
  std::span<const std::int64_t> places = {};
  RowScaling scaling = {};  ///< of the rows, when they are read
};

/// The K nearest of each utterance under one pattern, nearest first.
struct NeighbourTable {
  std::int64_t k = 0;
  std::vector<std::int64_t> ids;  ///< [n, k] database rows; the first counts[i] of row i are valid
  std::vector<float> distances;   ///< [n, k] mean Euclidean distance over the shared modalities
  std::vector<std::int64_t> counts;  ///< [n] in [0, k]; below k when the database is small
};

/// Search for the candidates of a modality.
enum class SearchKind {
  kExact,  ///< every pair
  kLists   ///< inverted lists (list_search.h); measured recall at least 99 %
};

/// Search of the database in itself. Top-K candidates per modality and their distances are computed
/// once, in batched FAISS searches, and serve every pattern; the ranking is exact. Immutable after
/// construction; safe from several threads.
class NeighbourSearch {
 public:
  /// `present[i]`: modalities of utterance i; in a modality that it lacks, it is neither query nor
  /// candidate. k >= 1 may exceed n - 1; rows are then short. Throws ShapeError when sizes
  /// disagree, and what `check_stop` throws.
  NeighbourSearch(std::vector<DatabaseView> modalities, std::vector<Pattern> present,
                  std::int64_t k, SearchKind kind = SearchKind::kExact,
                  const StopCheck& check_stop = {});

  /// Candidates: union of the top K of each available modality without the query itself; ranked by
  /// the mean Euclidean distance over the modalities available to both, ascending, ties by id; the
  /// first K remain.
  [[nodiscard]] NeighbourTable neighbours(Pattern pattern) const;

  /// The K nearest in the first modality of `order` that query and pattern have, nearest first by
  /// the metric of that modality's index. Distances are Euclidean in that modality.
  [[nodiscard]] NeighbourTable neighbours_in_first(Pattern pattern,
                                                   const std::vector<int>& order) const;

  /// How each modality was searched; empty for SearchKind::kExact.
  [[nodiscard]] const std::vector<ListSearchReport>& reports() const { return reports_; }

  /// The candidates of one query before ranking, ascending by id.
  [[nodiscard]] std::vector<std::int64_t> candidates(std::int64_t query, Pattern pattern) const;

 private:
  /// Distance between a query and one of its candidates.
  [[nodiscard]] double distance(std::int64_t query, std::int64_t id, Pattern pattern) const;
  void measure_candidates();
  void measure_in(std::size_t modality, std::int64_t query);

  std::vector<DatabaseView> modalities_;
  std::vector<Pattern> present_;
  std::int64_t k_;
  std::vector<std::vector<std::int64_t>> nearest_;  ///< [M] of [n, k], -1 where short
  std::vector<ListSearchReport> reports_;           ///< [M] or none
  std::vector<std::int64_t> known_begin_;           ///< [n + 1] into known_
  std::vector<std::int64_t> known_;      ///< candidates of each query in any modality, ascending
  std::vector<double> known_distances_;  ///< [known, M] where both have the modality
};

}  // namespace hardy
