// The methods of this program on one corpus, under equal terms: which runs that takes. How they are
// run is in run_comparison.h, what is made of them in method_table.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/study.h"

namespace hardy {

/// What is compared, and on which terms.
struct CompareOptions {
  std::vector<std::string> methods;  ///< declared names; empty = all
  std::int64_t points = 0;           ///< random points of each method's search space; 0 = no tuning
  std::uint64_t random_seed = 1;     ///< of those points
  std::string metric;                ///< what ranks points; empty = WA or accuracy
  std::int64_t budget = 0;           ///< most epochs of a training stage; 0 = the method's own
  std::int64_t patience = 5;         ///< with a budget: epochs without progress before a stop
  bool spares_hardymer = false;  ///< HARDY-MER keeps its own epochs: other tables share its runs
};

/// The methods in the order of the paper's Table 1, then those that were added to this program
/// (add_method), controls last. Throws ConfigError for an unknown name or one that comes twice.
std::vector<std::string> in_table_order(const std::vector<std::string>& methods);

/// One variant per method, labelled with its name, under the budget. Without the points: what
/// tuning chooses is known later.
Study comparison_study(const CompareOptions& options, const Config& base);

/// Sets the budget for every variant of a study whose method differs from the study's own.
void limit_other_methods(const CompareOptions& options, Study& study);

/// The points that tuning tries: the settings that the method has anyway, then `points` random
/// ones of its declared search space (fewer when that is smaller). Empty when it declares none.
std::vector<Variant> tuning_points(const MethodDeclaration& method, const CompareOptions& options);

}  // namespace hardy
