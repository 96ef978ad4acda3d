// Class probabilities in the orders needed for areas under ROC and risk-coverage curves of
// resampled utterances.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "metrics/risk_coverage.h"

namespace hardy {

/// A scored utterance.
struct AreaRow {
  std::size_t cluster = 0;  ///< index of its cluster
  std::size_t truth = 0;    ///< index of its class
};

/// The probabilities of one cell's scored utterances, sorted once per class and once by confidence,
/// so that the areas of any resample of clusters take one pass.
class AreaTable {
 public:
  AreaTable() = default;

  /// Shapes: rows [n], probabilities [n, classes] row-major.
  AreaTable(std::span<const AreaRow> rows, std::span<const float> probabilities,
            std::size_t classes);

  [[nodiscard]] bool is_empty() const { return by_class_.empty(); }

  /// `auroc` of docs/metrics.md (probability_metrics) with each utterance counted as often as
  /// `weights` says of its cluster; NaN when fewer than two classes remain. Shapes: weights
  /// [clusters].
  [[nodiscard]] double area(std::span<const double> weights) const;

  /// `aurc` and `excess_aurc` likewise; NaN when no utterance remains.
  [[nodiscard]] RiskCoverage risk(std::span<const double> weights) const;

 private:
  /// [n] of each class, by ascending probability: 4 * cluster, + 2 if it is the utterance's class,
  /// + 1 if its probability is larger than that of the entry before.
  std::vector<std::vector<std::uint32_t>> by_class_;
  /// [n] by descending confidence: 4 * cluster, + 2 if the answer is wrong, + 1 if the confidence
  /// is smaller than that of the entry before.
  std::vector<std::uint32_t> by_confidence_;
};

}  // namespace hardy
