// A comparison of methods as text, CSV, JSON and LaTeX.
#pragma once

#include <filesystem>
#include <string>

#include "experiments/method_table.h"

namespace hardy {

/// "text", "csv", "json", "latex".
const std::vector<std::string>& table_formats();

/// The comparison in one of these formats. Requires: `format` is one of table_formats().
std::string comparison_in(const std::string& format, const MethodComparison& comparison);

/// A table per track and headline metric within 80 columns, costs of each method, tuned settings
/// and refusals.
std::string comparison_text(const MethodComparison& comparison);

/// Budget and tuning of a comparison, with the chosen settings.
std::string terms_text(const MethodComparison& comparison);

/// One line per track, metric, method and condition; difference and costs are in the lines of the
/// summary column.
std::string comparison_csv(const MethodComparison& comparison);

std::string comparison_json(const MethodComparison& comparison);

/// A table environment per track and metric; needs no package.
std::string comparison_latex(const MethodComparison& comparison);

/// Writes compare.txt, compare.csv, compare.json and compare.tex.
void write_comparison(const std::filesystem::path& folder, const MethodComparison& comparison);

}  // namespace hardy
