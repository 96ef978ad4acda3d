#include "report/tables.h"

#include <cctype>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/latex.h"
#include "base/wording.h"
#include "formats/csv.h"
#include "metrics/tally.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

std::string csv_number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

double best_of(const ReportData& data, const std::string& column, const std::string& metric) {
  double best = std::nan("");
  for (const auto& run : data.runs) {
    for (const auto& track : run.results.tracks) {
      const Summary* summary = run.results.find(track, column, metric);
      if (summary == nullptr || std::isnan(summary->mean)) continue;
      const bool is_better = is_higher_better(metric) ? summary->mean > best : summary->mean < best;
      if (std::isnan(best) || is_better) best = summary->mean;
    }
  }
  return best;
}

std::string latex_row(const ReportedRun& run, const std::string& track, const std::string& metric,
                      const std::vector<std::string>& columns, const ReportData& data) {
  std::string means = latex_text(run.name + ", " + track);
  std::string intervals;
  bool has_interval = false;
  for (const auto& column : columns) {
    const Summary* summary = run.results.find(track, column, metric);
    const double mean = summary == nullptr ? std::nan("") : summary->mean;
    const std::string text = latex_number(metric, mean);
    const bool is_best = mean == best_of(data, column, metric);
    means += fmt::format(" & {}", is_best ? "\\textbf{" + text + "}" : text);
    intervals += " & ";
    if (summary == nullptr || std::isnan(summary->low)) continue;
    has_interval = true;
    intervals += fmt::format("{{\\scriptsize [{}, {}]}}", latex_number(metric, summary->low),
                             latex_number(metric, summary->high));
  }
  return means + " \\\\\n" + (has_interval ? intervals + " \\\\\n" : "");
}

/// The name of a metric for \label: letters, digits and hyphens.
std::string latex_label(const std::string& metric) {
  std::string label;
  for (const char letter : metric) {
    label += std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '-';
  }
  return label;
}

/// " Published defects are on in x: H1 (...)." for captions; "" when no run has one.
std::string defects_note(const ReportData& data) {
  std::string note;
  for (const auto& run : data.runs) {
    if (run.results.defects.empty()) continue;
    note += fmt::format(" Published defects are on in {}: {}.", run.name,
                        fmt::join(run.results.defects, ", "));
  }
  return note;
}

}  // namespace

std::string report_csv(const ReportData& data) {
  std::string text = "run,track,condition,metric,mean,seed_deviation,fold_deviation,low,high\n";
  for (const auto& run : data.runs) {
    for (const Summary& s : run.results.summaries) {
      text += fmt::format("{},{},{},{},{},{},{},{},{}\n", csv_field(run.name), csv_field(s.track),
                          csv_field(s.condition), csv_field(s.metric), csv_number(s.mean),
                          csv_number(s.seed_deviation), csv_number(s.fold_deviation),
                          csv_number(s.low), csv_number(s.high));
    }
  }
  return text;
}

std::string report_tables_json(const ReportData& data) {
  Json all = report_json(data);
  Json runs = Json::array();
  for (const Json& run : all["runs"]) {
    runs.push_back({{"name", run["name"]},
                    {"folder", run["folder"]},
                    {"data", run["manifest"]["data"]},
                    {"seeds", run["manifest"]["seeds"]},
                    {"results_checksum", run["results_checksum"]},
                    {"intervals", run["results"].value("intervals", Json())},
                    {"summaries", run["results"]["summaries"]}});
  }
  const Json json = {{"program", all["program"]},
                     {"command", all["command"]},
                     {"runs", runs},
                     {"comparisons", all["comparisons"]}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string report_latex(const ReportData& data) {
  const Results& first = data.runs.front().results;
  const auto columns = table_columns(first);
  std::string text = fmt::format("% made by: {}\n", data.command);
  for (const auto& metric : first.headline) {
    const bool is_of_share = is_share(metric);
    text += fmt::format("\\begin{{table}}\n\\centering\n\\begin{{tabular}}{{l{}}}\n\\hline\nrun",
                        std::string(columns.size(), 'r'));
    for (const auto& column : columns) {
      text += column == "average" ? " & average" : fmt::format(" & \\{{{}\\}}", latex_text(column));
    }
    text += " \\\\\n\\hline\n";
    for (const auto& run : data.runs) {
      for (const auto& track : run.results.tracks) {
        text += latex_row(run, track, metric, columns, data);
      }
    }
    text += fmt::format(
        "\\hline\n\\end{{tabular}}\n\\caption{{{} on {}{}: test{}, mean over {} and {}, {:g} \\% "
        "intervals.{}}}\n\\label{{tab:{}}}\n\\end{{table}}\n",
        latex_text(metric_title(metric)), latex_text(first.data_name),
        first.is_synthetic && first.data_name.find("synthetic") == std::string::npos
            ? " (synthetic)"
            : "",
        is_of_share ? ", percent" : "", counted(first.folds.size(), "fold"),
        counted(first.seeds.size(), "seed"), 100 * first.intervals.level,
        latex_text(defects_note(data)), latex_label(metric));
  }
  return text;
}

}  // namespace hardy
