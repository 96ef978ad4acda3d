// The means of several runs as tables for papers and programs.
#pragma once

#include <string>

#include "report/report_data.h"

namespace hardy {

/// run,track,condition,metric,mean,seed_deviation,fold_deviation,low,high; one line per summary.
std::string report_csv(const ReportData& data);

/// The runs' summaries and the comparisons, without parts that only a page draws.
std::string report_tables_json(const ReportData& data);

/// A LaTeX table environment per headline metric: a row per run and track, a column per condition;
/// shares in percent, below each mean its interval, the best mean of a column in bold. Needs no
/// package.
std::string report_latex(const ReportData& data);

}  // namespace hardy
