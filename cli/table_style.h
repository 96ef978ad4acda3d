// How tables look on this standard output.
#pragma once

#include <string>
#include <vector>

#include "analysis/results_text.h"

namespace hardy {

/// The terminal's width, or COLUMNS, or 80; colour on a terminal unless NO_COLOR is set or TERM is
/// "dumb".
TableStyle table_style();

/// The metrics that `typed` names among `known`; "all" stands for every one. Throws ConfigError.
std::vector<std::string> metrics_named(const std::vector<std::string>& typed,
                                       const std::vector<std::string>& known);

/// Names of every metric there is, families by their own name ("recall.<class>").
std::vector<std::string> metric_names();

}  // namespace hardy
