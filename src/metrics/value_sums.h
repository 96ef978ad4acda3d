// Sums over utterances from which the metrics of real values follow.
#pragma once

#include <cstddef>
#include <span>

namespace hardy {

/// Numbers of a row of sums: count, |error|, x, y, xx, yy, xy, where x is the truth and y the
/// prediction.
inline constexpr std::size_t kValueSums = 7;

/// Adds one utterance. Shapes: sums [kValueSums].
void add_value(std::span<double> sums, double truth, double predicted);

/// Mean absolute error; NaN without utterances. Shapes: sums [kValueSums], as below.
double mean_error_of(std::span<const double> sums);

/// Pearson's r; NaN for fewer than two utterances or where one side is constant.
double correlation_of(std::span<const double> sums);

/// Lin's concordance; NaN for fewer than two or where both sides are the same constant.
double concordance_of(std::span<const double> sums);

}  // namespace hardy
