// Embedded files of a report page.
#pragma once

#include <string_view>

namespace hardy {

std::string_view report_script();

/// What the script needs first: colours, anchors, sorting, downloads.
std::string_view report_controls();

std::string_view report_style();

/// The charting library (d3, then Observable Plot) with licence notes; empty when the program was
/// built without it.
std::string_view chart_base_library();
std::string_view chart_library();

}  // namespace hardy
