#include "experiments/study_results.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "analysis/short_labels.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "base/json_number.h"
#include "base/wording.h"
#include "formats/csv_file.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "hardy/version.h"
#include "metrics/registry.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

bool is_sweep(const StudyResult& result) { return result.study.kind == "sweep"; }

/// The summary column: the average, or the only condition.
std::string overall_condition(const Results& results) {
  for (const auto& summary : results.summaries) {
    if (summary.condition == "average") return "average";
  }
  return results.summaries.empty() ? "" : results.summaries.front().condition;
}

std::string text_of(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json summaries_json(const Results& results) {
  Json list = Json::array();
  for (const auto& summary : results.summaries) {
    list.push_back({{"track", summary.track},
                    {"condition", summary.condition},
                    {"metric", summary.metric},
                    {"mean", json_number(summary.mean)},
                    {"seed_deviation", json_number(summary.seed_deviation)},
                    {"fold_deviation", json_number(summary.fold_deviation)}});
  }
  return list;
}

void write_summaries(const std::filesystem::path& file, const StudyResult& result,
                     Results VariantResult::*part) {
  CsvFile csv(file, {"variant", "track", "condition", "metric", "mean", "deviation_over_seeds",
                     "deviation_over_folds"});
  for (const auto& variant : result.variants) {
    for (const auto& summary : (variant.*part).summaries) {
      csv.add(variant.variant.label).add(summary.track).add(summary.condition).add(summary.metric);
      csv.add(summary.mean).add(summary.seed_deviation).add(summary.fold_deviation);
      csv.end_row();
    }
  }
  csv.commit();
}

void write_ranking(const std::filesystem::path& file, const StudyResult& result,
                   const std::string& metric) {
  CsvFile csv(file, {"rank", "variant", "metric", "validation", "deviation_over_seeds"});
  std::int64_t rank = 0;
  for (const auto& ranked : rank_by_validation(result, metric)) {
    csv.add(++rank).add(result.variants[ranked.variant].variant.label).add(metric);
    csv.add(ranked.value).add(ranked.seed_deviation);
    csv.end_row();
  }
  csv.commit();
}

std::string timings_json(const StudyResult& result) {
  Json variants = Json::array();
  for (const auto& variant : result.variants) {
    variants.push_back({{"label", variant.variant.label},
                        {"was_complete", variant.was_complete},
                        {"stage_cpu_s", variant.stage_cpu_s},
                        {"cache_hits", variant.cache.hits},
                        {"cache_misses", variant.cache.misses}});
  }
  return text_of({{"wall_s", result.wall_s}, {"variants", variants}});
}

bool has_validation(const StudyResult& result) {
  return std::all_of(
      result.variants.begin(), result.variants.end(),
      [](const VariantResult& variant) { return !variant.validation.scores.empty(); });
}

/// The test results, or the validation results of a study that only validates.
const Results& any_results(const StudyResult& result) {
  const VariantResult& first = result.variants.front();
  return first.test.scores.empty() ? first.validation : first.test;
}

std::size_t label_width(const StudyResult& result) {
  std::size_t width = 8;
  for (const auto& variant : result.variants) {
    width = std::max(width, variant.variant.label.size() + 2);
  }
  return width;
}

}  // namespace

std::string metric_text(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.4f}", value);
}

bool is_smaller_better(const std::string& metric) { return !is_higher_better(metric); }

std::string first_metric(const StudyResult& result) {
  check(!result.variants.empty(), "a study without variants");
  const auto& headline = any_results(result).headline;
  return headline.empty() ? "wa" : headline.front();
}

std::vector<RankedVariant> rank_by_validation(const StudyResult& result,
                                              const std::string& metric) {
  std::vector<RankedVariant> ranking;
  for (std::size_t v = 0; v < result.variants.size(); ++v) {
    const Results& results = result.variants[v].validation;
    if (results.scores.empty()) {
      throw DataError(fmt::format(
          "variant '{}' has no validation results, so nothing can be ranked honestly; choose a "
          "split with a validation part (protocol.validation)",
          result.variants[v].variant.label));
    }
    RankedVariant ranked;
    ranked.variant = v;
    std::vector<double> deviations;
    for (const auto& track : results.tracks) {
      const auto* summary = results.find(track, overall_condition(results), metric);
      if (summary == nullptr) {
        throw ConfigError(fmt::format("metric '{}' is unknown here; there are {}", metric,
                                      fmt::join(results.metrics, ", ")));
      }
      ranked.by_track.push_back(summary->mean);
      deviations.push_back(summary->seed_deviation);
    }
    ranked.value = mean_and_deviation(ranked.by_track).mean;
    ranked.seed_deviation = mean_and_deviation(deviations).mean;
    ranking.push_back(std::move(ranked));
  }
  const double sign = is_smaller_better(metric) ? 1 : -1;
  const auto key = [&](const RankedVariant& ranked) {
    return std::isnan(ranked.value) ? HUGE_VAL : sign * ranked.value;  // undefined ones last
  };
  std::stable_sort(ranking.begin(), ranking.end(),
                   [&](const auto& x, const auto& y) { return key(x) < key(y); });
  return ranking;
}

std::string ranking_table(const StudyResult& result, const std::string& metric) {
  const auto ranking = rank_by_validation(result, metric);
  const Results& first = result.variants.front().validation;
  std::string text = fmt::format(
      "{}{}: validation {} ({}), best first; test results are not shown "
      "because nothing may be chosen by them\n",
      first.data_name, first.is_synthetic ? " (synthetic)" : "", metric, overall_condition(first));
  const auto width = label_width(result);
  text += fmt::format("{:>4}  {:<{}}{:>9}", "rank", "variant", width, "mean");
  if (first.tracks.size() > 1) {
    for (const auto& track : first.tracks) text += fmt::format("{:>13}", track);
  }
  text += first.seeds.size() > 1 ? "  deviation over seeds\n" : "\n";
  std::int64_t rank = 0;
  for (const auto& ranked : ranking) {
    text += fmt::format("{:>4}  {:<{}}{:>9}", ++rank, result.variants[ranked.variant].variant.label,
                        width, metric_text(ranked.value));
    if (ranked.by_track.size() > 1) {
      for (const double value : ranked.by_track) text += fmt::format("{:>13}", metric_text(value));
    }
    if (!std::isnan(ranked.seed_deviation)) text += fmt::format("  ±{:.4f}", ranked.seed_deviation);
    text += '\n';
  }
  return text;
}

std::string study_table(const StudyResult& result) {
  const Results& first = result.variants.front().test;
  std::vector<std::string> columns;
  for (const auto& summary : first.summaries) {
    if (std::find(columns.begin(), columns.end(), summary.condition) == columns.end()) {
      columns.push_back(summary.condition);
    }
  }
  const auto width = label_width(result);
  std::string text =
      fmt::format("{}{}: test, {}, mean over folds and seeds\n", first.data_name,
                  first.is_synthetic ? " (synthetic)" : "", counted(first.seeds.size(), "seed"));
  text += fmt::format("{:<{}}{:<12}{:<12}", "variant", width, "track", "metric");
  const ShortLabels headings = short_labels(columns);
  for (const auto& heading : headings.labels) text += fmt::format("{:>9}", heading);
  text += '\n';
  for (const auto& track : first.tracks) {
    for (const auto& metric : first.headline) {
      for (const auto& variant : result.variants) {
        text += fmt::format("{:<{}}{:<12}{:<12}", variant.variant.label, width, track, metric);
        for (const auto& column : columns) {
          const auto* summary = variant.test.find(track, column, metric);
          text += fmt::format("{:>9}", metric_text(summary == nullptr ? NAN : summary->mean));
        }
        text += '\n';
      }
    }
  }
  return text + headings.key;
}

std::string study_json(const StudyResult& result) {
  Json variants = Json::array();
  for (const auto& variant : result.variants) {
    Json json = {{"label", variant.variant.label},
                 {"set", variant.variant.assignments},
                 {"folder", variant.folder},
                 {"results_sha256", variant.results_checksum},
                 {"validation", summaries_json(variant.validation)}};
    if (!is_sweep(result)) json["test"] = summaries_json(variant.test);
    variants.push_back(std::move(json));
  }
  const Results& first = any_results(result);
  Json json = {{"format", kFormat},
               {"kind", result.study.kind},
               {"title", result.study.title},
               {"program_version", program_version()},
               {"command_line", result.command_line},
               {"data",
                {{"name", first.data_name},
                 {"is_synthetic", first.is_synthetic},
                 {"checksum", result.data_checksum}}},
               {"seeds", result.study.base.run.seeds},
               {"folds", first.folds},
               {"metrics", first.metrics},
               {"headline", first.headline}};
  if (is_sweep(result) && has_validation(result)) {
    const auto metric = first_metric(result);
    Json ranking = Json::array();
    for (const auto& ranked : rank_by_validation(result, metric)) {
      ranking.push_back({{"variant", result.variants[ranked.variant].variant.label},
                         {"validation", json_number(ranked.value)},
                         {"seed_deviation", json_number(ranked.seed_deviation)}});
    }
    json["ranked_by"] = metric;
    json["ranking"] = ranking;
  }
  json["variants"] = variants;
  return text_of(json);
}

void write_study(const std::filesystem::path& folder, const StudyResult& result) {
  write_summaries(folder / "validation.csv", result, &VariantResult::validation);
  if (is_sweep(result)) {
    if (has_validation(result)) {
      write_ranking(folder / "ranking.csv", result, first_metric(result));
    }
  } else {
    write_summaries(folder / "test.csv", result, &VariantResult::test);
  }
  write_file_atomically(folder / "study.json", study_json(result));
  write_file_atomically(folder / "timings.json", timings_json(result));
  seal_study(folder);
}

void seal_study(const std::filesystem::path& folder) {
  constexpr std::array kTables = {
      "audit.csv",        "compare.csv",      "compare.json",  "compare.tex", "compare.txt",
      "leak.csv",         "ranking.csv",      "study.json",    "study.toml",  "test.csv",
      "reproduction.csv", "reproduction.txt", "validation.csv"};
  std::vector<std::string> names;
  for (const char* name : kTables) {
    if (std::filesystem::exists(folder / name)) names.emplace_back(name);
  }
  write_checksums(folder, names);
}

}  // namespace hardy
