// Risk-coverage curves: the share of errors among the answers that are kept when the least
// confident ones are left out (El-Yaniv, Wiener 2010), and the area under them (Geifman, Uziel,
// El-Yaniv 2019).
#pragma once

namespace hardy {

/// Areas under a risk-coverage curve, in [0,1]; NaN for no answer.
struct RiskCoverage {
  double area = 0;    ///< mean over k = 1..n of the share of errors among the k most confident
  double excess = 0;  ///< `area` minus that of a confidence that puts every error last
};

/// Adds up a curve from the most to the least confident answers.
class RiskCoverageSum {
 public:
  /// Adds `count` answers of equal confidence, `errors` of them wrong. Their order is taken at
  /// random, on average. Requires: 0 <= errors <= count, both whole numbers.
  void add(double count, double errors);

  /// The areas of what was added.
  [[nodiscard]] RiskCoverage areas() const;

 private:
  double count_ = 0;
  double errors_ = 0;
  double risks_ = 0;  ///< sum over k of the share of errors among the first k
};

}  // namespace hardy
