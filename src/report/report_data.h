// What a report shows, gathered from run folders and study folders.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/compare_runs.h"
#include "hardy/results.h"
#include "pipeline/manifest.h"

namespace hardy {

/// One run as a report shows it. JSON parts are what the page's script reads.
struct ReportedRun {
  std::string name;
  std::filesystem::path folder;
  RunManifest manifest;
  Results results;
  std::string results_checksum;  ///< SHA-256 of results.json
  nlohmann::ordered_json timings = nullptr;
  nlohmann::ordered_json curves = nlohmann::ordered_json::array();
  nlohmann::ordered_json hardness = nlohmann::ordered_json::array();  ///< by pattern
  nlohmann::ordered_json cases = nlohmann::ordered_json::array();     ///< hardest, easiest
  std::vector<std::string> notices;                                   ///< what could not be shown
};

/// A table or points that a study left beside its runs.
struct ReportedStudy {
  std::string name;
  nlohmann::ordered_json description = nullptr;  ///< study.json
  nlohmann::ordered_json tables = nlohmann::ordered_json::array();
  nlohmann::ordered_json points = nlohmann::ordered_json::array();  ///< of t-SNE maps
  nlohmann::ordered_json comparison = nullptr;                      ///< compare.json
};

struct ReportData {
  std::vector<ReportedRun> runs;
  std::vector<ReportedStudy> studies;
  RunComparisons comparisons;  ///< the first run against each of the others
  nlohmann::ordered_json explanations = nlohmann::ordered_json::array();  ///< of `hardy explain`
  std::string command;  ///< how to make the report again
};

/// Reads run folders, and folders whose subfolders are run folders (studies). Throws ArtifactError
/// when a folder is neither, or damaged or unfinished, and DataError when the runs are of different
/// corpora.
ReportData read_report_data(const std::vector<std::filesystem::path>& folders,
                            const std::string& command);

/// What `hardy explain --json` wrote: one explanation per file, in order, with its file's name.
/// Throws ArtifactError for a file that holds something else.
nlohmann::ordered_json read_explanations(const std::vector<std::filesystem::path>& files);

/// All of it for the page.
nlohmann::ordered_json report_json(const ReportData& data);

}  // namespace hardy
