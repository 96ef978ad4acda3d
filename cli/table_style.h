// Style of tables on this standard output.
#pragma once

#include <string>
#include <vector>

#include "analysis/results_text.h"

namespace hardy {

/// The terminal's width, or COLUMNS, or 80; colour on a terminal unless NO_COLOR is set or TERM is
/// "dumb".
TableStyle table_style();

/// The metrics of `typed` among `known`; "all" means every one. Throws ConfigError.
std::vector<std::string> metrics_named(const std::vector<std::string>& typed,
                                       const std::vector<std::string>& known);

/// Names of all metrics, families by their own name ("recall.CLASS").
std::vector<std::string> metric_names();

}  // namespace hardy
