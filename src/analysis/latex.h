// Helpers of all LaTeX tables of results.
#pragma once

#include <string>

namespace hardy {

/// Text with LaTeX's special characters escaped.
std::string latex_text(const std::string& text);

/// Shares as percent, other metrics in their own unit; "--" when undefined.
std::string latex_number(const std::string& metric, double value);

}  // namespace hardy
