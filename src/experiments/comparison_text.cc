// A comparison of methods as text for a terminal of 80 columns.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/comparison.h"
#include "analysis/short_labels.h"
#include "base/wording.h"
#include "experiments/table_formats.h"
#include "metrics/registry.h"

namespace hardy {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kNameWidth = 22;
constexpr std::size_t kLeastWidth = 8;
constexpr int kIntervalWidth = 16;

std::string decimals(double value, int digits = 4) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

bool has_paper(const MethodTable& table) {
  return std::any_of(table.rows.begin(), table.rows.end(),
                     [](const TableRow& row) { return !std::isnan(row.paper); });
}

std::string braces(const std::string& column) {
  const bool is_pattern = column != "average" && column.find('=') == std::string::npos;
  return is_pattern ? "{" + column + "}" : column;
}

/// One column of the table: its heading and a cell for each line below it, all of one width.
struct TextColumn {
  std::string heading;
  std::vector<std::string> cells;

  [[nodiscard]] std::size_t width() const { return heading.size(); }
};

/// The lines of a table: methods, then gains.
struct TextLine {
  std::string label;
  const TableRow* row = nullptr;    ///< of a method
  const TableGain* gain = nullptr;  ///< of a gain
};

std::vector<TextLine> lines_of(const MethodTable& table) {
  std::vector<TextLine> lines;
  for (const auto& row : table.rows) lines.push_back({method_title(row.method), &row, nullptr});
  if (!table.over_systems.values.empty()) {
    lines.push_back({"gain over best method", nullptr, &table.over_systems});
  }
  if (!table.over_all.values.empty()) {
    lines.push_back({"gain over best of all", nullptr, &table.over_all});
  }
  return lines;
}

std::string value_of(const TextLine& line, std::size_t column) {
  if (line.row != nullptr) return decimals(line.row->cells[column].mean);
  const double gain = line.gain->values[column];
  return std::isnan(gain) ? "-" : fmt::format("{:+.4f}", gain);
}

/// Mark and interval of the summary column.
std::string interval_of(const TextLine& line, std::size_t column) {
  if (line.row == nullptr) return std::string(kIntervalWidth + 2, ' ');
  const auto& cell = line.row->cells[column];
  const auto interval =
      std::isnan(cell.low) ? "" : fmt::format("[{}, {}]", decimals(cell.low), decimals(cell.high));
  return fmt::format("{} {:<{}}", line.row->difference.is_beyond_chance ? "*" : " ", interval,
                     kIntervalWidth);
}

std::vector<TextColumn> columns_of(const MethodTable& table, const std::vector<TextLine>& lines) {
  const auto labels = short_labels(table.columns).labels;
  std::vector<TextColumn> columns;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const auto heading = braces(labels[c]);
    const auto width = std::max(kLeastWidth, heading.size() + 1);
    TextColumn column{fmt::format("{:>{}}", heading, width), {}};
    for (const auto& line : lines) {
      column.cells.push_back(fmt::format("{:>{}}", value_of(line, c), width));
    }
    if (c == summary_column(table)) {
      column.heading += fmt::format("  {:<{}}", "interval", kIntervalWidth);
      for (std::size_t i = 0; i < lines.size(); ++i) column.cells[i] += interval_of(lines[i], c);
    }
    columns.push_back(std::move(column));
  }
  if (!has_paper(table)) return columns;
  TextColumn paper{fmt::format("{:>{}}", "paper", kLeastWidth), {}};
  for (const auto& line : lines) {
    const auto cell = line.row == nullptr ? "" : decimals(line.row->paper);
    paper.cells.push_back(fmt::format("{:>{}}", cell, kLeastWidth));
  }
  columns.push_back(std::move(paper));
  return columns;
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// Columns first to last - 1 below their headings, with the lines' labels.
std::string block_text(const std::vector<TextLine>& lines, const std::vector<TextColumn>& columns,
                       std::size_t first, std::size_t last) {
  std::string heading(kNameWidth, ' ');
  for (auto c = first; c < last; ++c) heading += columns[c].heading;
  std::string text = without_trailing_spaces(heading);
  bool in_controls = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_own = lines[i].row != nullptr && is_control(*lines[i].row);
    if (is_own && !in_controls) text += "controls\n";
    in_controls = is_own;
    std::string line = fmt::format("{:<{}}", lines[i].label, kNameWidth);
    for (auto c = first; c < last; ++c) line += columns[c].cells[i];
    text += without_trailing_spaces(line);
  }
  return text;
}

/// Blocks of as many columns as a line holds.
std::string blocks_text(const std::vector<TextLine>& lines,
                        const std::vector<TextColumn>& columns) {
  std::string text;
  std::size_t first = 0;
  while (first < columns.size()) {
    std::size_t taken = kNameWidth;
    std::size_t last = first;
    while (last < columns.size() && (last == first || taken + columns[last].width() <= kWidth)) {
      taken += columns[last++].width();
    }
    text += (first == 0 ? "" : "\n") + block_text(lines, columns, first, last);
    first = last;
  }
  return text;
}

std::string table_text(const MethodTable& table) {
  const auto lines = lines_of(table);
  const auto summary = summary_column(table);
  std::string text = fmt::format("\n{} track, {}{}\n", table.track, table.metric,
                                 is_higher_better(table.metric) ? "" : " (smaller is better)") +
                     blocks_text(lines, columns_of(table, lines));
  for (const auto& line : lines) {
    if (line.gain == nullptr) continue;
    text += fmt::format("{} ({}: over {})\n", line.label, braces(table.columns[summary]),
                        method_title(line.gain->best[summary]));
  }
  return text + short_labels(table.columns).key;
}

std::string cost_text(const MethodComparison& comparison) {
  std::string text = fmt::format("\n{:<{}}{:<11}{:>13}{:>16}{:>16}\n", "cost", kNameWidth, "track",
                                 "parameters", "training CPU s", "predict ms/utt.");
  for (const auto& cost : comparison.costs) {
    // A method of another program may have parameters that are not known here.
    const auto parameters = cost.parameters > 0 ? fmt::format("{}", cost.parameters) : "-";
    text += fmt::format("{:<{}}{:<11}{:>13}{:>16}{:>16}\n", method_title(cost.method), kNameWidth,
                        cost.track, parameters, decimals(cost.training_cpu_s, 1),
                        decimals(cost.prediction_ms, 3));
  }
  return text;
}

}  // namespace

std::string terms_text(const MethodComparison& comparison) {
  const CompareOptions& options = comparison.options;
  std::string text =
      options.budget > 0
          ? fmt::format(
                "budget: {}at most {} epochs per training stage, stopped after {} without "
                "a better validation loss",
                options.spares_hardymer ? "HARDY-MER its own epochs, the others " : "",
                options.budget, options.patience)
          : std::string("budget: each method's own epochs");
  text += options.points > 0
              ? fmt::format(
                    "; tuning: {} random points each beside the declared settings, first "
                    "seed, by {} on validation\n",
                    options.points, comparison.metric)
              : std::string("; tuning: none, declared settings\n");
  for (const auto& chosen : comparison.chosen) {
    text += fmt::format(
        "  {}: {} points, validation {} (as declared {}): {}\n", method_title(chosen.method),
        chosen.points, decimals(chosen.validation), decimals(chosen.declared_validation),
        chosen.assignments.empty() ? "as declared"
                                   : fmt::format("{}", fmt::join(chosen.assignments, ", ")));
  }
  return text;
}

std::string comparison_text(const MethodComparison& comparison) {
  std::string text = fmt::format("{}: test, mean over {} and {}\n", data_text(comparison),
                                 counted(comparison.folds.size(), "fold"),
                                 counted(comparison.seeds.size(), "seed"));
  text += terms_text(comparison);
  bool has_own = false;
  for (const auto& table : comparison.tables) {
    text += table_text(table);
    has_own = has_own || std::any_of(table.rows.begin(), table.rows.end(),
                                     [](const TableRow& row) { return row.method == kOwnMethod; });
  }
  text += cost_text(comparison);
  text += fmt::format("\ninterval: {:g} %{}\n", 100 * comparison.level,
                      has_own ? "; * = differs from HARDY-MER beyond chance (paired, Holm's "
                                "correction over the rows of the table)"
                              : "; no differences and gains, because HARDY-MER is not compared");
  text += seeds_notice(comparison.seeds.size());
  for (const auto& refusal : comparison.refusals) {
    text += fmt::format("left out: {}: {}\n", method_title(refusal.method), refusal.reason);
  }
  return text;
}

}  // namespace hardy
