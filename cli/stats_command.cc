#include "cli/stats_command.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "analysis/compare_runs.h"
#include "analysis/comparison_json.h"
#include "analysis/intervals.h"
#include "analysis/pooled.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "analysis/short_labels.h"
#include "base/json_number.h"
#include "base/wording.h"
#include "cli/output.h"
#include "cli/table_style.h"
#include "hardy/errors.h"
#include "hardy/modality.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

struct StatsOptions {
  std::vector<std::string> runs;
  std::vector<std::string> metrics;
  std::string tracks;
  BootstrapOptions bootstrap = {.resamples = 10000, .level = 0.95, .seed = 1};
  bool is_json = false;
  bool are_pairs = false;
  double margin_points = 1;
};

std::string comparison_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json bootstrap_json(const BootstrapOptions& options) {
  return {{"level", options.level}, {"resamples", options.resamples}, {"seed", options.seed}};
}

Json json_of(const RunComparison& row) {
  const Comparison& c = row.comparison;
  Json json = {{"first", c.first_name},
               {"second", c.second_name},
               {"first_track", row.first_track},
               {"second_track", row.second_track},
               {"condition", row.condition},
               {"metric", c.metric},
               {"first_value", json_number(c.first)},
               {"second_value", json_number(c.second)}};
  json.update(difference_json(c));
  json.update({{"folds", c.folds},
               {"folds_better", c.folds_better},
               {"fold_p", json_number(c.fold_p)},
               {"seeds", c.seeds},
               {"seeds_better", c.seeds_better}});
  if (c.margin > 0) {
    json.update({{"margin", c.margin},
                 {"equivalence_p", json_number(c.equivalence_p)},
                 {"corrected_equivalence_p", json_number(c.corrected_equivalence_p)},
                 {"level_within_margin", c.is_level}});
  }
  if (!c.interval.is_computable()) json["not_computable_because"] = c.interval.missing;
  json["verdict"] = verdict(c);
  return json;
}

Json comparisons_json(const std::vector<FinishedRun>& runs, const RunComparisons& results,
                      const BootstrapOptions& options) {
  Json list = Json::array();
  for (const auto& run : runs) {
    list.push_back({{"name", run.name},
                    {"folder", run.folder.string()},
                    {"program_version", run.manifest.program_version},
                    {"data", run.manifest.data_name},
                    {"is_synthetic", run.manifest.is_synthetic},
                    {"data_checksum", run.manifest.data_checksum},
                    {"seeds", run.results.seeds}});
    if (!run.results.defects.empty()) list.back()["defects"] = run.results.defects;
  }
  Json rows = Json::array();
  for (const auto& row : results.rows) rows.push_back(json_of(row));
  return {{"format", 1},
          {"bootstrap", bootstrap_json(options)},
          {"runs", list},
          {"notices", results.notices},
          {"comparisons", rows}};
}

/// "+1.25", in points for shares.
std::string signed_number(const std::string& metric, double value) {
  if (std::isnan(value)) return "-";
  return is_share(metric) ? fmt::format("{:+.2f}", 100 * value) : fmt::format("{:+.4f}", value);
}

std::string plain_number(double value, int digits) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

/// Columns of a comparison, 80 wide with conditions of ten letters.
constexpr const char* kColumns = "  {:<{}}{:>7}{:>8}{:>8} {:>18}{:>7}{:>8}{:>6}{:>6}\n";

std::string line_of(const RunComparison& row, const std::string& condition, std::size_t width) {
  const Comparison& c = row.comparison;
  const std::string interval =
      c.interval.is_computable() ? fmt::format("{} to {}", signed_number(c.metric, c.interval.low),
                                               signed_number(c.metric, c.interval.high))
                                 : "not computable";
  const auto share = [](std::int64_t better, std::int64_t all) {
    return all == 0 ? std::string("-") : fmt::format("{}/{}", better, all);
  };
  return fmt::format(kColumns, condition, width, plain_number(c.first, 4),
                     plain_number(c.second, 4), signed_number(c.metric, c.difference), interval,
                     plain_number(c.p, 4), plain_number(c.corrected_p, 4),
                     share(c.folds_better, c.folds), share(c.seeds_better, c.seeds));
}

std::string heading_of(const RunComparison& row, double level, std::size_t width) {
  const Comparison& c = row.comparison;
  std::string title = fmt::format("{} (A) against {} (B), ", c.first_name, c.second_name);
  if (row.first_track == row.second_track) title += row.first_track + ", ";
  return fmt::format("\n{}{}\n", title, c.metric) +
         fmt::format(kColumns, "condition", width, "A", "B", "A-B",
                     fmt::format("{:g} %", 100 * level), "p", "corr. p", "folds", "seeds");
}

std::string comparisons_text(const std::vector<FinishedRun>& runs, const RunComparisons& results,
                             const BootstrapOptions& options) {
  std::string text;
  for (const auto& run : runs) {
    if (run.manifest.is_synthetic) text += fmt::format("{}: synthetic data\n", run.name);
    if (run.results.defects.empty()) continue;
    text += fmt::format("{}: PUBLISHED DEFECTS ARE ON: {}\n", run.name,
                        fmt::join(run.results.defects, ", "));
  }
  for (const auto& notice : results.notices) text += notice + "\n";
  std::vector<std::string> labels;
  for (const auto& row : results.rows) labels.push_back(row.condition);
  const ShortLabels conditions = short_labels(labels);
  std::size_t width = 10;
  for (const auto& label : conditions.labels) width = std::max(width, label.size() + 1);
  std::string heading;
  std::string verdicts;
  for (std::size_t i = 0; i < results.rows.size(); ++i) {
    const RunComparison& row = results.rows[i];
    const std::string next = heading_of(row, options.level, width);
    if (next != heading) {
      text += verdicts + next;
      verdicts = "\n";
    }
    heading = next;
    text += line_of(row, conditions.labels[i], width);
    verdicts += fmt::format("  {{{}}}: {}\n", row.condition, verdict(row.comparison));
  }
  std::int64_t seeds = 0;
  for (const auto& row : results.rows) seeds = std::max(seeds, row.comparison.seeds);
  return text + verdicts + (conditions.key.empty() ? "" : "\n" + conditions.key) +
         "\ncorr. p: after Holm's correction; folds, seeds: in how many of them A is better.\n" +
         seeds_notice(static_cast<std::size_t>(seeds)) +
         "What the intervals hold and what not: docs/statistics.md\n";
}

Json pooled_json(const PooledRuns& runs, const BootstrapOptions& options) {
  Json rows = Json::array();
  for (const auto& pooled : runs.results) {
    Json parts = Json::array();
    for (const auto& part : pooled.parts) {
      parts.push_back({{"corpus", part.name},
                       {"difference", json_number(part.estimate)},
                       {"low", json_number(part.interval.low)},
                       {"high", json_number(part.interval.high)},
                       {"p", json_number(part.p)},
                       {"knows_training", part.knows_training}});
    }
    rows.push_back({{"first", pooled.first_name},
                    {"second", pooled.second_name},
                    {"first_track", pooled.first_track},
                    {"second_track", pooled.second_track},
                    {"condition", pooled.condition},
                    {"metric", pooled.metric},
                    {"difference", json_number(pooled.estimate)},
                    {"low", json_number(pooled.interval.low)},
                    {"high", json_number(pooled.interval.high)},
                    {"error", json_number(pooled.error)},
                    {"freedom", json_number(pooled.freedom)},
                    {"p", json_number(pooled.p)},
                    {"margin", options.margin},
                    {"equivalence_p", json_number(pooled.equivalence_p)},
                    {"corpora", parts},
                    {"verdict", verdict(pooled, options.level, options.margin)}});
  }
  return {{"format", 1},
          {"bootstrap", bootstrap_json(options)},
          {"notices", runs.notices},
          {"pooled", rows}};
}

std::string pooled_text(const PooledRuns& runs, const BootstrapOptions& options) {
  std::string text;
  for (const auto& notice : runs.notices) text += notice + "\n";
  bool knows_training = true;
  for (const auto& pooled : runs.results) {
    const std::string track = pooled.first_track == pooled.second_track
                                  ? pooled.first_track
                                  : pooled.first_track + " against " + pooled.second_track;
    text += fmt::format("\n{} (A) against {} (B), {}, {}\n", pooled.first_name, pooled.second_name,
                        track,
                        pooled.condition == kAverageLabel ? "average of the incomplete conditions"
                                                          : "complete input");
    std::size_t width = 8;
    for (const auto& part : pooled.parts) width = std::max(width, part.name.size() + 1);
    const auto line = [&](const std::string& name, double estimate, const Interval& interval,
                          double p) {
      const auto range =
          interval.is_computable()
              ? fmt::format("{:+.2f} to {:+.2f}", 100 * interval.low, 100 * interval.high)
              : "not computable";
      text += fmt::format("  {:<{}}{:>8}{:>18}{:>8}\n", name, width,
                          fmt::format("{:+.2f}", 100 * estimate), range, plain_number(p, 4));
    };
    text += fmt::format("  {:<{}}{:>8}{:>18}{:>8}\n", "points", width, "A-B",
                        fmt::format("{:g} %", 100 * options.level), "p");
    for (const auto& part : pooled.parts) {
      line(part.name, part.estimate, part.interval, part.p);
      knows_training = knows_training && part.knows_training;
    }
    line("pooled", pooled.estimate, pooled.interval, pooled.p);
    text += "  " + verdict(pooled, options.level, options.margin) + "\n";
  }
  return text + "\n" + (knows_training ? "" : seeds_notice(1)) +
         "Every corpus counts once; docs/statistics.md has the equations.\n";
}

/// "specialist:unified" -> both tracks of the request.
void read_tracks(const std::string& text, CompareRequest& request) {
  if (text.empty()) return;
  const auto colon = text.find(':');
  request.first_track = text.substr(0, colon);
  request.second_track = colon == std::string::npos ? request.first_track : text.substr(colon + 1);
  if (request.first_track.empty() || request.second_track.empty()) {
    throw ConfigError(
        fmt::format("--tracks {}: write one track, or two as specialist:unified", text));
  }
}

/// Keeps the requested metrics and track. Throws ConfigError for an unknown one.
void choose_rows(Results& results, const StatsOptions& options) {
  const auto require = [](const std::string& name, const std::vector<std::string>& known,
                          const char* option) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    const auto nearest = nearest_name(name, known);
    throw ConfigError(fmt::format("{} {}: this run has {}{}", option, name, fmt::join(known, ", "),
                                  nearest.empty() ? "" : fmt::format("; is it '{}'?", nearest)));
  };
  if (!options.metrics.empty()) results.headline = metrics_named(options.metrics, results.metrics);
  if (options.tracks.empty()) return;
  const std::string track = options.tracks.substr(0, options.tracks.find(':'));
  require(track, results.tracks, "--tracks");
  results.tracks = {track};
}

void print_one(const FinishedRun& run, const StatsOptions& options) {
  Results results = run.results;
  choose_rows(results, options);
  add_intervals(results, run.predictions, options.bootstrap);
  TableStyle style = table_style();
  if (!options.metrics.empty()) style.metrics = results.headline;
  print(options.is_json ? results_json(results) : results_table(results, style));
}

void run_stats(const StatsOptions& options) {
  const auto runs = read_finished_runs({options.runs.begin(), options.runs.end()});
  CompareRequest request;
  request.metrics = options.metrics;
  request.bootstrap = options.bootstrap;
  read_tracks(options.tracks, request);
  if (options.are_pairs) {
    const auto pooled = pool_runs(runs, request);
    print(options.is_json ? comparison_text(pooled_json(pooled, options.bootstrap))
                          : pooled_text(pooled, options.bootstrap));
    return;
  }
  const bool is_within =
      !request.first_track.empty() && request.first_track != request.second_track;
  if (runs.size() == 1 && !is_within) {
    print_one(runs.front(), options);
    return;
  }
  const RunComparisons results = compare_runs(runs, request);
  print(options.is_json ? comparison_text(comparisons_json(runs, results, options.bootstrap))
                        : comparisons_text(runs, results, options.bootstrap));
}

}  // namespace

void add_stats_command(CLI::App& app) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* command =
      app.add_subcommand("stats", "Intervals of a run; is one run better than another?");
  command->add_option("RUN", options->runs, "Run folders; the first is compared with each other")
      ->required();
  command
      ->add_option("--metric,--metrics", options->metrics,
                   "What to show or compare, e.g. wa,ua; default the first metric of the run's "
                   "table (docs/metrics.md)")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--tracks", options->tracks,
                   "One track, or two to be compared: specialist:unified; default every common one")
      ->type_name("A:B");
  command->add_option("--level", options->bootstrap.level, "Coverage of the intervals")
      ->capture_default_str();
  command->add_flag("--pairs", options->are_pairs,
                    "RUN are pairs A1 B1 A2 B2 ..., one for each corpus: their mean difference");
  command
      ->add_option("--margin", options->margin_points,
                   "Differences of shares up to this count as none in the test of equivalence")
      ->type_name("POINTS")
      ->check(CLI::Range(0.01, 50.0))
      ->capture_default_str();
  command->add_option("--resamples", options->bootstrap.resamples, "Resamples of the dialogues")
      ->capture_default_str();
  command->add_option("--seed", options->bootstrap.seed, "Root of the resamples' random streams")
      ->capture_default_str();
  command->add_flag("--json", options->is_json, "Print the result as JSON");
  command->footer(
      "Numbers are paired over folds, seeds and utterances, so the runs must share corpus and\n"
      "split; p-values are corrected for all comparisons of the call (Holm).\n\n"
      "Examples:\n"
      "  hardy stats mosi                               intervals of one run\n"
      "  hardy stats mosi mosi-without-hardness         are they different?\n"
      "  hardy stats mosi --tracks specialist:unified   two tracks of one run\n"
      "  hardy stats --pairs mosi-a mosi-b iemocap-a iemocap-b   a against b over two corpora\n");
  command->callback([options] {
    options->bootstrap.margin = options->margin_points / 100;
    run_stats(*options);
  });
}

}  // namespace hardy
