#include "experiments/table_formats.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/comparison.h"
#include "analysis/latex.h"
#include "base/files.h"
#include "base/json_number.h"
#include "experiments/study_results.h"
#include "formats/csv.h"
#include "hardy/errors.h"
#include "hardy/version.h"
#include "metrics/tally.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kTableFormat = 1;

std::string fixed(double value, int digits = 4) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

std::string csv_number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

Json json_of(const MethodTable& table, const TableRow& row) {
  Json cells = Json::array();
  for (std::size_t c = 0; c < row.cells.size(); ++c) {
    cells.push_back({{"condition", table.columns[c]},
                     {"mean", json_number(row.cells[c].mean)},
                     {"low", json_number(row.cells[c].low)},
                     {"high", json_number(row.cells[c].high)}});
  }
  Json json = {{"method", row.method},
               {"title", method_title(row.method)},
               {"is_control", is_control(row)},
               {"cells", cells},
               {"paper", json_number(row.paper)}};
  if (row.method != kOwnMethod) {
    json["difference"] = {{"value", json_number(row.difference.difference)},
                          {"low", json_number(row.difference.low)},
                          {"high", json_number(row.difference.high)},
                          {"p", json_number(row.difference.p)},
                          {"corrected_p", json_number(row.difference.corrected_p)},
                          {"beyond_chance", row.difference.is_beyond_chance}};
  }
  return json;
}

Json json_of(const TableGain& gain) {
  Json values = Json::array();
  for (std::size_t c = 0; c < gain.values.size(); ++c) {
    values.push_back({{"value", json_number(gain.values[c])}, {"over", gain.best[c]}});
  }
  return values;
}

Json json_of(const MethodTable& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows) rows.push_back(json_of(table, row));
  return {{"track", table.track},
          {"metric", table.metric},
          {"columns", table.columns},
          {"rows", rows},
          {"gain_over_methods", json_of(table.over_systems)},
          {"gain_over_all", json_of(table.over_all)}};
}

std::string latex_row(const MethodComparison& comparison, const MethodTable& table,
                      const TableRow& row) {
  std::string text = latex_text(method_title(row.method));
  std::string below;
  for (std::size_t c = 0; c < row.cells.size(); ++c) {
    double best = row.cells[c].mean;
    for (const auto& other : table.rows) {
      const double mean = other.cells[c].mean;
      if (std::isnan(mean)) continue;
      best = is_higher_better(table.metric) ? std::max(best, mean) : std::min(best, mean);
    }
    const auto mean = latex_number(table.metric, row.cells[c].mean);
    text +=
        fmt::format(" & {}{}", row.cells[c].mean == best ? "\\textbf{" + mean + "}" : mean,
                    c == summary_column(table) && row.difference.is_beyond_chance ? "$^*$" : "");
    below += " & ";
    if (c != summary_column(table) || std::isnan(row.cells[c].low)) continue;
    below += fmt::format("{{\\scriptsize [{}, {}]}}", latex_number(table.metric, row.cells[c].low),
                         latex_number(table.metric, row.cells[c].high));
  }
  for (const auto& cost : comparison.costs) {
    if (cost.method != row.method || cost.track != table.track) continue;
    text += fmt::format(" & {:.2f} & {} & {}", static_cast<double>(cost.parameters) / 1e6,
                        fixed(cost.training_cpu_s, 0), fixed(cost.prediction_ms, 2));
  }
  return text + " \\\\\n" + below + " & & & \\\\\n";
}

std::string latex_gain(const MethodTable& table, const char* label, const TableGain& gain) {
  if (gain.values.empty()) return "";
  std::string text = label;
  for (const double value : gain.values) {
    const auto number = latex_number(table.metric, value);
    text += fmt::format(" & {}{}", value > 0 ? "+" : "", number);
  }
  return text + " & & & \\\\\n";
}

std::string latex_of(const MethodComparison& comparison, const MethodTable& table) {
  std::string text =
      fmt::format("\\begin{{table}}\n\\centering\n\\begin{{tabular}}{{l{}}}\n\\hline\nmethod",
                  std::string(table.columns.size() + 3, 'r'));
  for (const auto& column : table.columns) {
    text += column == "average" ? " & average" : fmt::format(" & \\{{{}\\}}", latex_text(column));
  }
  text += " & M par. & train s & ms/utt. \\\\\n\\hline\n";
  bool in_controls = false;
  for (const auto& row : table.rows) {
    if (is_control(row) && !in_controls) text += "\\hline\n";
    in_controls = is_control(row);
    text += latex_row(comparison, table, row);
  }
  text += "\\hline\n" + latex_gain(table, "gain over best method", table.over_systems) +
          latex_gain(table, "gain over best of all", table.over_all);
  return text + fmt::format(
                    "\\hline\n\\end{{tabular}}\n\\caption{{{}, {} track, on {}: mean over {} "
                    "folds and {} seeds, {:g} \\% interval below the average; $^*$ differs from "
                    "HARDY-MER beyond chance (Holm over this table).}}\n\\end{{table}}\n",
                    latex_text(table.metric), table.track, latex_text(data_text(comparison)),
                    comparison.folds.size(), comparison.seeds.size(), 100 * comparison.level);
}

}  // namespace

const std::vector<std::string>& table_formats() {
  static const std::vector<std::string> formats = {"text", "csv", "json", "latex"};
  return formats;
}

std::string comparison_in(const std::string& format, const MethodComparison& comparison) {
  if (format == "csv") return comparison_csv(comparison);
  if (format == "json") return comparison_json(comparison);
  if (format == "latex") return comparison_latex(comparison);
  return comparison_text(comparison);
}

std::string comparison_csv(const MethodComparison& comparison) {
  std::string text =
      "track,metric,method,control,condition,mean,low,high,paper,hardymer_minus_method,"
      "difference_low,difference_high,p,corrected_p,beyond_chance,parameters,training_cpu_s,"
      "prediction_ms\n";
  for (const auto& table : comparison.tables) {
    for (const auto& row : table.rows) {
      for (std::size_t c = 0; c < row.cells.size(); ++c) {
        const auto& one = row.cells[c];
        text += fmt::format("{},{},{},{},{},{},{},{}", table.track, table.metric, row.method,
                            is_control(row) ? "yes" : "no", csv_field(table.columns[c]),
                            csv_number(one.mean), csv_number(one.low), csv_number(one.high));
        if (c != summary_column(table)) {
          text += ",,,,,,,,,,\n";
          continue;
        }
        const auto& d = row.difference;
        const bool is_compared = !std::isnan(d.difference);
        text += fmt::format(",{},{},{},{},{},{},{}", csv_number(row.paper),
                            csv_number(d.difference), csv_number(d.low), csv_number(d.high),
                            csv_number(d.p), csv_number(d.corrected_p),
                            is_compared ? (d.is_beyond_chance ? "yes" : "no") : "");
        for (const auto& cost : comparison.costs) {
          if (cost.method != row.method || cost.track != table.track) continue;
          text += fmt::format(",{},{},{}", cost.parameters, csv_number(cost.training_cpu_s),
                              csv_number(cost.prediction_ms));
        }
        text += "\n";
      }
    }
  }
  return text;
}

std::string comparison_json(const MethodComparison& comparison) {
  Json tables = Json::array();
  for (const auto& table : comparison.tables) tables.push_back(json_of(table));
  Json costs = Json::array();
  for (const auto& cost : comparison.costs) {
    costs.push_back({{"method", cost.method},
                     {"title", method_title(cost.method)},
                     {"track", cost.track},
                     {"parameters", cost.parameters},
                     {"training_cpu_s", json_number(cost.training_cpu_s)},
                     {"prediction_ms", json_number(cost.prediction_ms)}});
  }
  Json refusals = Json::array();
  for (const auto& refusal : comparison.refusals) {
    refusals.push_back({{"method", refusal.method}, {"reason", refusal.reason}});
  }
  Json chosen = Json::array();
  for (const auto& choice : comparison.chosen) {
    chosen.push_back({{"method", choice.method},
                      {"points", choice.points},
                      {"set", choice.assignments},
                      {"validation", json_number(choice.validation)},
                      {"declared_validation", json_number(choice.declared_validation)}});
  }
  const CompareOptions& options = comparison.options;
  const Json json = {{"format", kTableFormat},
                     {"program_version", program_version()},
                     {"command_line", comparison.command_line},
                     {"data",
                      {{"name", comparison.data_name},
                       {"is_synthetic", comparison.is_synthetic},
                       {"checksum", comparison.data_checksum}}},
                     {"folds", comparison.folds},
                     {"seeds", comparison.seeds},
                     {"level", comparison.level},
                     {"budget",
                      {{"epochs", options.budget},
                       {"patience", options.budget > 0 ? options.patience : 0},
                       {"spares_hardymer", options.spares_hardymer}}},
                     {"tuning",
                      {{"points", options.points},
                       {"random_seed", options.random_seed},
                       {"metric", comparison.metric},
                       {"chosen", chosen}}},
                     {"terms", terms_text(comparison)},
                     {"left_out", refusals},
                     {"tables", tables},
                     {"costs", costs}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string comparison_latex(const MethodComparison& comparison) {
  std::string text;
  for (const auto& table : comparison.tables) text += latex_of(comparison, table);
  return text;
}

void write_comparison(const std::filesystem::path& folder, const MethodComparison& comparison) {
  write_file_atomically(folder / "compare.txt", comparison_text(comparison));
  write_file_atomically(folder / "compare.csv", comparison_csv(comparison));
  write_file_atomically(folder / "compare.tex", comparison_latex(comparison));
  write_file_atomically(folder / "compare.json", comparison_json(comparison));
  seal_study(folder);
}

}  // namespace hardy
