// The report as one self-contained HTML file.
#pragma once

#include <string>

#include "report/report_data.h"

namespace hardy {

/// Whether the program contains the charting library; without it pages have tables only.
bool has_charts();

/// The whole page. Equal data give equal bytes.
std::string report_page(const ReportData& data);

/// Text for a <script> element: "<" becomes a JSON escape.
std::string script_safe_json(const nlohmann::ordered_json& json);

}  // namespace hardy
