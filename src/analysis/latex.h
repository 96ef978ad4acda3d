// What every LaTeX table of results needs.
#pragma once

#include <string>

namespace hardy {

/// Text with what LaTeX would read as a command made harmless.
std::string latex_text(const std::string& text);

/// Shares as percent, other metrics in their own unit; "--" when undefined.
std::string latex_number(const std::string& metric, double value);

}  // namespace hardy
