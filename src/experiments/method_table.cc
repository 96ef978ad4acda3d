#include "experiments/method_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "analysis/bootstrap.h"
#include "analysis/compare_runs.h"
#include "experiments/reproduce.h"
#include "hardy/errors.h"
#include "metrics/tally.h"
#include "pipeline/check_run.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// A method's finished run with its resampled numbers.
struct MethodRun {
  std::string method;
  FinishedRun run;
  std::vector<Resampled> numbers;

  [[nodiscard]] const Resampled* find(const std::string& track, const std::string& condition,
                                      const std::string& metric) const {
    for (const auto& number : numbers) {
      if (number.track == track && number.condition == condition && number.metric == metric) {
        return &number;
      }
    }
    return nullptr;
  }
};

/// The method of a study's variant; "" for a variant of another experiment.
std::string method_of(const VariantResult& variant) {
  const auto& label = variant.variant.label;
  if (label == "default") return kOwnMethod;
  for (const auto& method : declared_methods()) {
    if (method.name == label) return label;
  }
  return "";
}

std::vector<MethodRun> read_runs(const fs::path& folder, const StudyResult& result,
                                 const BootstrapOptions& bootstrap) {
  std::vector<std::string> methods;
  std::vector<fs::path> folders;
  for (const auto& method : in_table_order({})) {
    for (const auto& variant : result.variants) {
      if (method_of(variant) != method) continue;
      methods.push_back(method);
      folders.push_back(folder / variant.folder);
    }
  }
  check(!methods.empty(), "a comparison without methods");
  auto finished = read_finished_runs(folders);
  std::vector<MethodRun> runs;
  for (std::size_t i = 0; i < finished.size(); ++i) {
    if (!runs.empty()) {
      // All variants of a study have the same folds and seeds; throws if one was replaced.
      static_cast<void>(common_ground(runs.front().run.predictions, runs.front().run.name,
                                      finished[i].predictions, finished[i].name));
    }
    auto numbers = resample(finished[i].predictions, bootstrap);
    runs.push_back({methods[i], std::move(finished[i]), std::move(numbers)});
  }
  return runs;
}

/// The summary column: the average, or the first one.
std::string overall_column(const std::vector<std::string>& columns) {
  const auto average = std::find(columns.begin(), columns.end(), "average");
  return average == columns.end() ? columns.front() : *average;
}

TableRow row_of(const MethodRun& run, const MethodTable& table) {
  TableRow row;
  row.method = run.method;
  for (const auto& column : table.columns) {
    const auto* summary = run.run.results.find(table.track, column, table.metric);
    row.cells.push_back(summary == nullptr ? TableCell{}
                                           : TableCell{summary->mean, summary->low, summary->high});
  }
  row.paper = paper_average(run.run.results, run.method == kOwnMethod ? "default" : run.method,
                            table.metric);
  return row;
}

/// Holm's correction over the rows of this table only.
void add_differences(MethodTable& table, const std::vector<MethodRun>& runs,
                     const BootstrapOptions& bootstrap) {
  const auto own = std::find_if(runs.begin(), runs.end(),
                                [](const MethodRun& run) { return run.method == kOwnMethod; });
  if (own == runs.end()) return;
  const auto column = overall_column(table.columns);
  const auto* first = own->find(table.track, column, table.metric);
  std::vector<Pair> pairs;
  std::vector<TableRow*> rows;
  for (auto& row : table.rows) {
    if (row.method == kOwnMethod || first == nullptr) continue;
    const auto run = std::find_if(runs.begin(), runs.end(),
                                  [&](const MethodRun& r) { return r.method == row.method; });
    const auto* second = run->find(table.track, column, table.metric);
    if (second == nullptr) continue;
    pairs.push_back({kOwnMethod, row.method, table.track + ", " + column + ", " + table.metric,
                     *first, *second});
    rows.push_back(&row);
  }
  const auto comparisons = compare(pairs, bootstrap);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Comparison& c = comparisons[i];
    rows[i]->difference = {c.difference, c.interval.low, c.interval.high,
                           c.p,          c.corrected_p,  c.is_beyond_chance};
  }
}

/// HARDY-MER against the best of the rows for which `counts` is true.
template <typename Counts>
TableGain gain_of(const MethodTable& table, const Counts& counts) {
  TableGain gain;
  const bool is_higher = is_higher_better(table.metric);
  const auto own = std::find_if(table.rows.begin(), table.rows.end(),
                                [](const TableRow& row) { return row.method == kOwnMethod; });
  if (own == table.rows.end()) return gain;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const TableRow* best = nullptr;
    for (const auto& row : table.rows) {
      const double mean = row.cells[c].mean;
      if (row.method == kOwnMethod || !counts(row) || std::isnan(mean)) continue;
      const bool is_better =
          best == nullptr || (is_higher ? mean > best->cells[c].mean : mean < best->cells[c].mean);
      if (is_better) best = &row;
    }
    if (best == nullptr && c == 0) return gain;
    const double lead = best == nullptr ? kNoNumber : own->cells[c].mean - best->cells[c].mean;
    gain.values.push_back(is_higher ? lead : -lead);
    gain.best.push_back(best == nullptr ? "" : best->method);
  }
  return gain;
}

/// Costs of a method's run folder, a row per track; unknown numbers stay NaN.
void add_costs(const MethodRun& run, std::vector<MethodCost>& costs) {
  try {
    const auto json = read_timings(run.run.folder / "timings.json");
    for (const auto& track : run.run.results.tracks) {
      MethodCost cost{.method = run.method, .track = track};
      const auto& training = json.at("training_cpu_s");
      cost.training_cpu_s = training.at("shared").get<double>() + training.at(track).get<double>();
      const auto utterances = json.at("prediction").at("utterances").get<double>();
      if (utterances > 0) {
        cost.prediction_ms = 1000 * json.at("prediction").at("cpu_s").get<double>() / utterances;
      }
      json.at("parameters").get_to(cost.parameters);
      costs.push_back(cost);
    }
  } catch (const nlohmann::json::exception& error) {
    throw ArtifactError((run.run.folder / "timings.json").string() + ": damaged: " + error.what() +
                        "; delete this run folder and give the command again");
  }
}

}  // namespace

std::size_t summary_column(const MethodTable& table) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), "average");
  return found == table.columns.end() ? 0 : static_cast<std::size_t>(found - table.columns.begin());
}

bool is_control(const TableRow& row) { return declared_method(row.method).is_control; }

std::string data_text(const MethodComparison& comparison) {
  const bool says_so = comparison.data_name.find("synthetic") != std::string::npos;
  return comparison.data_name + (comparison.is_synthetic && !says_so ? " (synthetic)" : "");
}

std::string method_title(const std::string& method) { return declared_method(method).title; }

MethodComparison compare_methods(const fs::path& folder, const StudyResult& result,
                                 const CompareOptions& options, std::vector<Refusal> refusals) {
  const BootstrapOptions bootstrap;
  const auto runs = read_runs(folder, result, bootstrap);
  const Results& first = runs.front().run.results;
  MethodComparison comparison;
  comparison.data_name = first.data_name;
  comparison.is_synthetic = first.is_synthetic;
  comparison.data_checksum = result.data_checksum;
  comparison.folds = first.folds;
  comparison.seeds = first.seeds;
  comparison.level = bootstrap.level;
  comparison.options = options;
  comparison.command_line = result.command_line;
  comparison.refusals = std::move(refusals);
  for (const auto& track : first.tracks) {
    for (const auto& metric : first.headline) {
      MethodTable table;
      table.track = track;
      table.metric = metric;
      table.columns = table_columns(first);
      for (const auto& run : runs) table.rows.push_back(row_of(run, table));
      add_differences(table, runs, bootstrap);
      const auto is_system = [](const TableRow& row) {
        return !declared_method(row.method).is_control;
      };
      table.over_systems = gain_of(table, is_system);
      if (!std::all_of(table.rows.begin(), table.rows.end(), is_system)) {
        table.over_all = gain_of(table, [](const TableRow&) { return true; });
      }
      comparison.tables.push_back(std::move(table));
    }
  }
  for (const auto& run : runs) add_costs(run, comparison.costs);
  return comparison;
}

}  // namespace hardy
