// Comparison of the methods on one corpus under equal terms: the runs. run_comparison.h executes
// them, method_table.h makes the tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/study.h"

namespace hardy {

/// Methods and terms of a comparison.
struct CompareOptions {
  std::vector<std::string> methods;  ///< declared names; empty = all
  std::int64_t points = 0;           ///< random points of each method's search space; 0 = no tuning
  std::uint64_t random_seed = 1;     ///< seed of those points
  std::string metric;                ///< metric that ranks points; empty = WA or accuracy
  std::int64_t budget = 0;  ///< largest number of epochs of a training stage; 0 = the method's own
  std::int64_t patience = 5;  ///< with a budget: epochs without progress before stopping
  bool spares_hardymer =
      false;  ///< HARDY-MER keeps its own epochs, because other tables share its runs
};

/// The methods in the order of the paper's Table 1, then those added to this program (add_method),
/// controls last. Throws ConfigError for an unknown or repeated name.
std::vector<std::string> in_table_order(const std::vector<std::string>& methods);

/// One variant per method, labelled with its name, under the budget, without the points of tuning.
Study comparison_study(const CompareOptions& options, const Config& base);

/// Applies the budget to every variant of a study whose method differs from the study's own.
void limit_other_methods(const CompareOptions& options, Study& study);

/// The points of tuning: the method's settings, then `points` random ones of its declared search
/// space (fewer if it is smaller). Empty without a search space.
std::vector<Variant> tuning_points(const MethodDeclaration& method, const CompareOptions& options);

}  // namespace hardy
