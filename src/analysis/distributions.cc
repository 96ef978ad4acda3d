#include "analysis/distributions.h"

#include <cmath>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace hardy {

double normal_quantile(double p) { return boost::math::quantile(boost::math::normal(), p); }

double t_quantile(double p, double freedom) {
  return boost::math::quantile(boost::math::students_t(freedom), p);
}

double two_sided_t_probability(double t, double freedom) {
  return 2 * boost::math::cdf(boost::math::students_t(freedom), -std::abs(t));
}

}  // namespace hardy
