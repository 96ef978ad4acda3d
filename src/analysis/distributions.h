// Distributions for intervals and tests; Boost.Math behind plain functions.
#pragma once

namespace hardy {

/// Quantile of the standard normal distribution. Range: 0 < p < 1.
double normal_quantile(double p);

/// Quantile of Student's t. Range: 0 < p < 1, freedom > 0.
double t_quantile(double p, double freedom);

/// Probability that |T| exceeds |t|. Range: freedom > 0; t finite.
double two_sided_t_probability(double t, double freedom);

}  // namespace hardy
