// The report as one HTML file that needs nothing beside itself.
#pragma once

#include <string>

#include "report/report_data.h"

namespace hardy {

/// Whether the program holds the charting library; without it pages have tables only.
bool has_charts();

/// The whole page. Equal data give equal bytes.
std::string report_page(const ReportData& data);

/// Text that may stand inside a <script> element: "<" becomes an escape that JSON knows.
std::string script_safe_json(const nlohmann::ordered_json& json);

}  // namespace hardy
