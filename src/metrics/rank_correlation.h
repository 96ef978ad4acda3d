// Spearman's rank correlation.
#pragma once

#include <span>
#include <vector>

namespace hardy {

/// Ranks from 1; equal values share the mean of their ranks. Requires: no NaN. Shapes: [n] -> [n].
std::vector<double> mean_ranks(std::span<const double> values);

/// Pearson's correlation of the ranks, in [-1, 1]; NaN for fewer than three pairs or when one side
/// is constant. Throws ShapeError when the sizes differ.
double rank_correlation(std::span<const double> x, std::span<const double> y);

}  // namespace hardy
