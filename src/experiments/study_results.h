// What a study found out, variant by variant; validation and test kept apart.
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
  std::string folder;  ///< its run folder, relative to the study's
  Results test;
  Results validation;            ///< no scores where the folds have no validation part
  std::string results_checksum;  ///< SHA-256 of results.json
  double stage_cpu_s = 0;        ///< CPU time that this run of the study spent on it
  bool was_complete = false;     ///< found finished
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

/// A variant's place by validation.
struct RankedVariant {
  std::size_t variant = 0;    ///< index into StudyResult::variants
  double value = 0;           ///< mean over the tracks
  double seed_deviation = 0;  ///< mean over the tracks; NaN with one seed
  std::vector<double> by_track;
};

/// Which way is better: errors are to be small.
bool is_smaller_better(const std::string& metric);

/// The headline metric that rankings and comparisons use unless told otherwise: WA, or accuracy.
std::string first_metric(const StudyResult& result);

/// The variants by `metric` on validation, averaged over conditions ("average", or the only
/// condition there is) and tracks, best first, equals in the study's order. Never reads test
/// results. Throws ConfigError for an unknown metric, DataError when there is no validation part.
std::vector<RankedVariant> rank_by_validation(const StudyResult& result, const std::string& metric);

/// A metric's value in tables: four digits, "-" for NaN.
std::string metric_text(double value);

/// The ranking as a table for people.
std::string ranking_table(const StudyResult& result, const std::string& metric);

/// A table of all variants on the test parts: a row per variant, track and headline metric, a
/// column per condition and the average.
std::string study_table(const StudyResult& result);

/// study.json: description, provenance, and every summary of every variant. Of a sweep the test
/// results are left out: points are chosen by validation alone. Holds no times.
std::string study_json(const StudyResult& result);

/// Writes study.json, validation.csv, and test.csv (a sweep: ranking.csv) and timings.json.
void write_study(const std::filesystem::path& folder, const StudyResult& result);

}  // namespace hardy
