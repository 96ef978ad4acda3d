// Results of a study by variant; validation and test kept separate.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/study.h"
#include "hardy/results.h"
#include "pipeline/stage_cache.h"

namespace hardy {

/// One finished variant.
struct VariantResult {
  Variant variant;
  std::string folder;  ///< run folder, relative to the study's
  Results test;
  Results validation;            ///< no scores where the folds have no validation part
  std::string results_checksum;  ///< SHA-256 of results.json
  double stage_cpu_s = 0;        ///< CPU time that this run of the study spent on it
  bool was_complete = false;     ///< was finished before
  CacheStatistics cache;
};

/// A finished study.
struct StudyResult {
  Study study;
  std::vector<std::string> command_line;
  std::string data_checksum;
  std::vector<VariantResult> variants;
  double wall_s = 0;
};

/// A variant ranked by validation.
struct RankedVariant {
  std::size_t variant = 0;    ///< index into StudyResult::variants
  double value = 0;           ///< mean over the tracks
  double seed_deviation = 0;  ///< mean over the tracks; NaN with one seed
  std::vector<double> by_track;
};

/// Whether smaller is better, as for errors.
bool is_smaller_better(const std::string& metric);

/// The default metric of rankings and comparisons: WA, or accuracy.
std::string first_metric(const StudyResult& result);

/// The variants ranked by `metric` on validation, averaged over conditions ("average", or the only
/// condition) and tracks, best first, ties in the study's order. Never reads test results. Throws
/// ConfigError for an unknown metric, DataError without a validation part.
std::vector<RankedVariant> rank_by_validation(const StudyResult& result, const std::string& metric);

/// A metric's value in tables: four digits, "-" for NaN.
std::string metric_text(double value);

/// The ranking as a text table.
std::string ranking_table(const StudyResult& result, const std::string& metric);

/// A table of all variants on the test parts: a row per variant, track and headline metric, a
/// column per condition and the average.
std::string study_table(const StudyResult& result);

/// study.json: description, provenance, and every summary of every variant. A sweep contains no
/// test results, because points are selected by validation only. Contains no times.
std::string study_json(const StudyResult& result);

/// Writes SHA256SUMS over the tables and descriptions in the folder of a study, but not over
/// timings.json, which differs between equal studies. Called again after each later table.
void seal_study(const std::filesystem::path& folder);

/// Writes study.json, validation.csv, and test.csv (a sweep: ranking.csv) and timings.json, and
/// seals them.
void write_study(const std::filesystem::path& folder, const StudyResult& result);

}  // namespace hardy
