// A comparison of methods as people, spreadsheets, programs and papers read it.
#pragma once

#include <filesystem>
#include <string>

#include "experiments/method_table.h"

namespace hardy {

/// "text", "csv", "json", "latex".
const std::vector<std::string>& table_formats();

/// In one of these formats. Range: `format` is one of table_formats().
std::string comparison_in(const std::string& format, const MethodComparison& comparison);

/// A table per track and headline metric, what each method costs, what was tuned and left out.
std::string comparison_text(const MethodComparison& comparison);

/// One line per track, metric, method and condition; the difference and costs stand in the lines
/// of the column that stands for all conditions.
std::string comparison_csv(const MethodComparison& comparison);

std::string comparison_json(const MethodComparison& comparison);

/// A table environment per track and metric; needs no package.
std::string comparison_latex(const MethodComparison& comparison);

/// Writes compare.txt, compare.csv, compare.json and compare.tex.
void write_comparison(const std::filesystem::path& folder, const MethodComparison& comparison);

}  // namespace hardy
