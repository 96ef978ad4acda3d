#include "analysis/verify_run.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "analysis/prediction_table.h"
#include "analysis/results_json.h"
#include "base/checksum_list.h"
#include "hardy/errors.h"
#include "hardy/tensor_file.h"
#include "pipeline/check_run.h"

namespace hardy {
namespace {

constexpr const char* kManifestFile = "manifest.json";

/// Runs a step; an error becomes a finding.
template <typename Step>
void try_step(RunVerification& verification, const Step& step) {
  try {
    step();
  } catch (const Error& error) {
    verification.findings.emplace_back(error.what());
  }
}

bool is_same(double x, double y) {
  constexpr double kRounding = 1e-9;
  return std::isnan(x) ? std::isnan(y) : std::abs(x - y) <= kRounding * std::fmax(1, std::abs(x));
}

/// Whether a metric has no values because it is not applicable to the labels.
bool is_withheld(const Results& results, const std::string& metric) {
  return std::any_of(results.not_applicable.begin(), results.not_applicable.end(),
                     [&](const NotApplicable& each) { return each.metric == metric; });
}

void verify_scores(const RunFolder& folder, RunVerification& verification) {
  const Results results = read_results(folder.path());
  const PredictionTable table = read_predictions(folder);
  const auto names = table.metric_names();
  std::vector<double> values(names.size());
  for (const auto& score : results.scores) {
    const auto condition = condition_label(score.condition, results.modality_names);
    const auto place = fmt::format("results.json: {} {{{}}}, fold {}, seed {}", score.track,
                                   condition, score.fold, score.seed);
    const auto* cell = table.find(score.track, condition, score.fold, score.seed);
    if (cell == nullptr) {
      verification.findings.push_back(place + ": predictions.csv has no such predictions");
      continue;
    }
    ++verification.scores;
    const std::vector<double> once(cell->tallies.size() / table.layout.width(), 1.0);
    table.measure(*cell, once, values);
    for (const auto& metric : score.metrics) {
      if (is_withheld(results, metric.name)) continue;
      const auto known = std::find(names.begin(), names.end(), metric.name);
      const double again = known == names.end()
                               ? metric.value
                               : values[static_cast<std::size_t>(known - names.begin())];
      if (is_same(again, metric.value)) continue;
      verification.findings.push_back(fmt::format("{}: {} is {}, the predictions give {}", place,
                                                  metric.name, metric.value, again));
    }
  }
}

}  // namespace

RunVerification verify_run(const std::filesystem::path& path) {
  RunVerification verification;
  if (checksum_finding(path, kManifestFile)) {
    // Without it nothing says what the other files are; all findings are named nevertheless.
    verification.findings = checksum_findings(path);
    verification.files = static_cast<std::int64_t>(listed_files(path).size());
    verification.has_checksums = verification.files > 0;
    return verification;
  }
  const RunFolder folder = RunFolder::open(path);
  verification.is_complete = folder.is_complete();
  verification.findings = run_damage(folder);
  verification.files = static_cast<std::int64_t>(listed_files(path).size());
  verification.has_checksums = verification.files > 0;
  for (const auto& model : folder.models()) {
    try_step(verification, [&] {
      static_cast<void>(load_tensor_file(model));
      ++verification.models;
    });
  }
  std::error_code ignored;
  if (std::filesystem::exists(folder.timings_file(), ignored)) {
    try_step(verification, [&] { static_cast<void>(read_timings(folder.timings_file())); });
  }
  try_step(verification, [&] { static_cast<void>(data_of(folder)); });
  // A training without a test has no scores; damaged files were reported above.
  const bool has_predictions = std::filesystem::exists(folder.predictions_file(), ignored);
  if (verification.is_complete && has_predictions && verification.findings.empty()) {
    try_step(verification, [&] { verify_scores(folder, verification); });
  }
  return verification;
}

bool is_study_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / "study.json", ignored) &&
         !std::filesystem::exists(folder / kManifestFile, ignored);
}

RunVerification verify_study(const std::filesystem::path& folder) {
  RunVerification all;
  all.is_complete = true;
  all.findings = checksum_findings(folder);
  all.files = static_cast<std::int64_t>(listed_files(folder).size());
  all.has_checksums = all.files > 0;
  std::error_code failure;
  std::set<std::filesystem::path> runs;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    std::error_code ignored;
    if (std::filesystem::exists(entry.path() / kManifestFile, ignored)) runs.insert(entry.path());
  }
  if (failure) throw IoError(folder.string() + ": cannot be listed: " + failure.message());
  for (const auto& entry : runs) {
    try_step(all, [&] {
      const RunVerification run = verify_run(entry);
      all.is_complete = all.is_complete && run.is_complete;
      all.has_checksums = all.has_checksums && run.has_checksums;
      all.files += run.files;
      all.models += run.models;
      all.scores += run.scores;
      for (const auto& finding : run.findings) {
        all.findings.push_back(entry.filename().string() + "/" + finding);
      }
    });
  }
  return all;
}

}  // namespace hardy
