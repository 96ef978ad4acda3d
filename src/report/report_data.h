// Contents of a report, gathered from run folders and study folders.
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

/// One run in a report. The JSON parts are read by the page's script.
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
  std::vector<std::string> notices;  ///< parts that could not be shown
};

/// Tables or points of a study beside its runs.
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
  nlohmann::ordered_json explanations =
      nlohmann::ordered_json::array();  ///< output of `hardy explain`
  std::string command;                  ///< command that makes the report again
};

/// Reads run folders, and folders whose subfolders are run folders (studies). Throws ArtifactError
/// when a folder is neither, or damaged or unfinished, and DataError when the runs are of different
/// corpora.
ReportData read_report_data(const std::vector<std::filesystem::path>& folders,
                            const std::string& command);

/// Reads the output of `hardy explain --json`: one explanation per file, in order, with the file's
/// name. Throws ArtifactError for a file with other contents.
nlohmann::ordered_json read_explanations(const std::vector<std::filesystem::path>& files);

/// The report as JSON for the page.
nlohmann::ordered_json report_json(const ReportData& data);

}  // namespace hardy
