// The few distributions that intervals and tests need; Boost.Math behind plain functions.
#pragma once

namespace hardy {

/// The value below which a standard normal draw stays with probability p. Range: 0 < p < 1.
double normal_quantile(double p);

/// The same for Student's t. Range: 0 < p < 1, freedom > 0.
double t_quantile(double p, double freedom);

/// Probability that |T| exceeds |t|. Range: freedom > 0; t finite.
double two_sided_t_probability(double t, double freedom);

}  // namespace hardy
