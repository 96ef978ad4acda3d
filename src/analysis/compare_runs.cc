#include "analysis/compare_runs.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/intervals.h"
#include "analysis/results_json.h"
#include "base/utf8.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "hardy/modality.h"
#include "metrics/registry.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// The smallest number of resamples that `resample` accepts; enough for estimates.
constexpr std::int64_t kForEstimates = 100;

/// Names go into tables and pages, which are UTF-8 and one line a row.
std::string shown_name(const fs::path& folder) {
  return without_controls(readable(folder.string()));
}

std::vector<std::string> short_run_names(const std::vector<fs::path>& folders) {
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const auto& folder : folders) {
    const fs::path whole = folder.lexically_normal();
    const fs::path last = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
    names.push_back(shown_name(last));
    seen.insert(names.back());
  }
  if (seen.size() == folders.size() && !seen.contains(".") && !seen.contains("..")) return names;
  names.clear();
  for (const auto& folder : folders) names.push_back(shown_name(folder));
  return names;
}

FinishedRun read_run(const fs::path& folder, const std::string& name) {
  const RunFolder opened = RunFolder::open(folder);
  FinishedRun run{name, folder, opened.manifest(), read_results(folder), read_predictions(opened)};
  const std::string wrong =
      disagreement(run.results, resample(run.predictions, {.resamples = kForEstimates}));
  if (!wrong.empty()) {
    throw ArtifactError(
        fmt::format("{}: damaged, or written by another version: {}; run again to write it anew",
                    folder.string(), wrong));
  }
  return run;
}

bool has(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::vector<std::string> metrics_of(const FinishedRun& run, const CompareRequest& request) {
  if (request.metrics.empty()) return {run.results.headline.front()};
  std::vector<std::string> metrics;
  for (const auto& metric : request.metrics) {
    metrics.push_back(metric_named(metric, run.predictions.metric_names()));
  }
  return metrics;
}

void check_track(const FinishedRun& run, const std::string& track) {
  if (has(run.results.tracks, track)) return;
  throw ConfigError(
      fmt::format("track '{}': {} has {}", track, run.name, fmt::join(run.results.tracks, ", ")));
}

/// Pairs of tracks to compare.
std::vector<std::pair<std::string, std::string>> tracks_of(const FinishedRun& first,
                                                           const FinishedRun& second,
                                                           const CompareRequest& request) {
  if (!request.first_track.empty()) {
    check_track(first, request.first_track);
    check_track(second, request.second_track);
    return {{request.first_track, request.second_track}};
  }
  std::vector<std::pair<std::string, std::string>> tracks;
  for (const auto& track : first.results.tracks) {
    if (has(second.results.tracks, track)) tracks.emplace_back(track, track);
  }
  if (tracks.empty()) {
    throw ConfigError(fmt::format("{} has the tracks {} and {} has {}: say which to compare",
                                  first.name, fmt::join(first.results.tracks, ", "), second.name,
                                  fmt::join(second.results.tracks, ", ")));
  }
  return tracks;
}

/// Collects the pairs of two runs.
class PairCollector {
 public:
  PairCollector(const FinishedRun& first, const FinishedRun& second, const CompareRequest& request,
                std::vector<std::string>& notices)
      : first_(first), second_(second), request_(request), notices_(notices) {
    const CommonGround ground =
        common_ground(first.predictions, first.name, second.predictions, second.name);
    if (!ground.notice.empty()) notices.push_back(ground.notice);
    if (first.manifest.data_checksum != second.manifest.data_checksum) {
      notices.push_back(fmt::format(
          "{} and {} have equal test utterances and labels but differ in the rest of their data",
          first.name, second.name));
    }
    first_numbers_ =
        resample(restricted_to(first.predictions, ground.folds, ground.seeds), request.bootstrap);
    second_numbers_ =
        resample(restricted_to(second.predictions, ground.folds, ground.seeds), request.bootstrap);
  }

  std::vector<PairedNumber> collect() {
    std::vector<PairedNumber> pairs;
    const bool is_alone = &first_ == &second_;
    for (const auto& [one, other] : tracks_of(first_, second_, request_)) {
      const std::string track = one == other ? one : one + " against " + other;
      for (const auto& metric : metrics_of(first_, request_)) {
        for (const Resampled& number : first_numbers_) {
          if (number.track != one || number.metric != metric) continue;
          const Resampled* twin = find(other, number.condition, metric);
          if (twin == nullptr || !is_same_mean(one, other, number.condition)) continue;
          Pair pair = {is_alone ? one : first_.name, is_alone ? other : second_.name,
                       fmt::format("{}, {{{}}}, {}", track, number.condition, metric), number,
                       *twin};
          pairs.push_back({one, other, number.condition, std::move(pair)});
        }
      }
    }
    return pairs;
  }

 private:
  [[nodiscard]] const Resampled* find(const std::string& track, const std::string& condition,
                                      const std::string& metric) const {
    for (const Resampled& number : second_numbers_) {
      if (number.track == track && number.condition == condition && number.metric == metric) {
        return &number;
      }
    }
    return nullptr;
  }

  /// Labels of the conditions of a mean on this track.
  static std::set<std::string> members_of(const std::string& mean, const FinishedRun& run,
                                          const std::vector<Resampled>& numbers,
                                          const std::string& track) {
    const auto area = mean.find("=area");
    const std::string masks = area == std::string::npos ? "" : mean.substr(0, area + 1);
    std::set<std::string> labels;
    for (const auto& number : numbers) {
      const std::string& label = number.condition;
      const bool is_pattern = label.find('=') == std::string::npos;
      const bool is_member = masks.empty() ? is_pattern && label != kAverageLabel &&
                                                 label != run.predictions.complete()
                                           : label.starts_with(masks);
      if (number.track == track && is_member) labels.insert(label);
    }
    return labels;
  }

  /// Whether two means cover the same conditions; others cannot be paired.
  [[nodiscard]] bool is_same_mean(const std::string& one, const std::string& other,
                                  const std::string& condition) {
    if (condition != kAverageLabel && !condition.ends_with("=area")) return true;
    if (members_of(condition, first_, first_numbers_, one) ==
        members_of(condition, second_, second_numbers_, other)) {
      return true;
    }
    notices_.push_back(
        fmt::format("the {} of {} and {} are over different conditions and not compared",
                    condition == kAverageLabel ? "averages" : "areas", first_.name, second_.name));
    return false;
  }

  const FinishedRun& first_;
  const FinishedRun& second_;
  const CompareRequest& request_;
  std::vector<std::string>& notices_;
  std::vector<Resampled> first_numbers_;
  std::vector<Resampled> second_numbers_;
};

}  // namespace

std::vector<FinishedRun> read_finished_runs(const std::vector<fs::path>& folders) {
  const auto names = short_run_names(folders);
  std::vector<FinishedRun> runs;
  for (std::size_t i = 0; i < folders.size(); ++i) runs.push_back(read_run(folders[i], names[i]));
  return runs;
}

std::vector<PairedNumber> paired_numbers(const FinishedRun& first, const FinishedRun& second,
                                         const CompareRequest& request,
                                         std::vector<std::string>& notices) {
  return PairCollector(first, second, request, notices).collect();
}

RunComparisons compare_runs(const std::vector<FinishedRun>& runs, const CompareRequest& request) {
  check(!runs.empty(), "no run to compare");
  RunComparisons results;
  std::vector<Pair> pairs;
  for (std::size_t i = runs.size() == 1 ? 0 : 1; i < runs.size(); ++i) {
    for (auto& number : paired_numbers(runs.front(), runs[i], request, results.notices)) {
      results.rows.push_back({number.first_track, number.second_track, number.condition, {}});
      pairs.push_back(std::move(number.pair));
    }
  }
  const auto comparisons = compare(pairs, request.bootstrap);
  for (std::size_t i = 0; i < comparisons.size(); ++i) results.rows[i].comparison = comparisons[i];
  return results;
}

}  // namespace hardy
