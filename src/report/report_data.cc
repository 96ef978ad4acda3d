#include "report/report_data.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "analysis/comparison_json.h"
#include "analysis/intervals.h"
#include "analysis/results_json.h"
#include "base/checksum.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "base/json_number.h"
#include "formats/csv.h"
#include "hardy/errors.h"
#include "hardy/version.h"
#include "metrics/registry.h"
#include "pipeline/check_run.h"
#include "pipeline/run_folder.h"
#include "report/run_tables.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMostTableRows = 400;
constexpr const char* kPointsFile = "tsne.csv";
constexpr const char* kComparisonFile = "compare.json";
/// The same numbers as compare.json.
constexpr const char* kComparisonTable = "compare.csv";

std::vector<fs::path> sorted_children(const fs::path& folder) {
  std::vector<fs::path> children;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) children.push_back(entry.path());
  std::sort(children.begin(), children.end());
  return children;
}

bool is_run(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "manifest.json", error);
}

/// Fills a part of the report; damaged or missing files become a notice, the rest is shown.
template <typename Read>
void try_part(ReportedRun& run, const fs::path& file, const Read& read) {
  std::error_code error;
  if (!fs::exists(file, error)) {
    run.notices.push_back(
        fmt::format("{} is missing: what it holds is not shown", file.filename().string()));
    return;
  }
  try {
    read();
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::kArtifact) throw;
    run.notices.push_back(failure.what());
  }
}

Json read_json(const fs::path& file) {
  try {
    return Json::parse(read_text_file(file));
  } catch (const Json::exception& error) {
    throw ArtifactError(fmt::format("{}: damaged: {}", file.string(), error.what()));
  }
}

/// The contents of retrieval.csv as a notice: neighbours that were not searched exactly.
std::string search_notice(const fs::path& file) {
  try {
    const CsvTable table = parse_csv(read_text_file(file), file.string());
    const auto recall = table.column("recall");
    if (!recall || table.rows.empty()) throw ArtifactError(file.string() + ": no recall in it");
    std::vector<std::string> values;
    for (const auto& row : table.rows) values.push_back(row[*recall]);
    std::sort(values.begin(), values.end());  // all in [0, 1]
    return fmt::format(
        "neighbours were searched by inverted lists: recall {} to {} on 500 utterances of each "
        "fold, seed and modality (retrieval.csv)",
        values.front(), values.back());
  } catch (const DataError& error) {
    throw ArtifactError(error.what());
  }
}

ReportedRun read_run(const fs::path& path, const std::string& name) {
  const RunFolder folder = RunFolder::open(path);
  ReportedRun run;
  run.name = name;
  run.folder = path;
  run.manifest = folder.manifest();
  run.results = read_results(path);
  run.results_checksum = sha256(read_text_file(folder.results_json_file()));
  try_part(run, folder.timings_file(), [&] { run.timings = read_timings(folder.timings_file()); });
  try_part(run, folder.curves_file(), [&] { run.curves = curves_json(read_curves(folder)); });
  // Other methods have neither hardness nor retrieval.
  const std::string& method = run.manifest.config.protocol.method;
  if (method != "hardymer" && method != "hardymer_published") return run;
  try_part(run, folder.hardness_file(), [&] { run.hardness = hardness_json(folder); });
  try_part(run, folder.supports_file(), [&] { run.cases = cases_json(folder); });
  std::error_code error;
  if (fs::exists(folder.retrieval_file(), error)) {
    try_part(run, folder.retrieval_file(),
             [&] { run.notices.push_back(search_notice(folder.retrieval_file())); });
  }
  return run;
}

ReportedStudy read_study(const fs::path& folder) {
  ReportedStudy study;
  study.name = folder.lexically_normal().filename().string();
  if (study.name.empty()) study.name = folder.string();
  if (const auto findings = checksum_findings(folder); !findings.empty()) {
    throw ArtifactError(fmt::format("{}: damaged: {}", folder.string(), findings.front()),
                        "`hardy check` names everything that is; the command of the study writes "
                        "it anew");
  }
  std::error_code error;
  if (fs::exists(folder / "study.json", error)) {
    study.description = read_json(folder / "study.json");
  }
  if (fs::exists(folder / kComparisonFile, error)) {
    study.comparison = read_json(folder / kComparisonFile);
    if (!study.comparison.is_object() || !study.comparison.contains("tables")) {
      throw ArtifactError(
          fmt::format("{}: damaged: no comparison; give the command of its study "
                      "again to write it anew",
                      (folder / kComparisonFile).string()));
    }
  }
  for (const auto& file : sorted_children(folder)) {
    if (file.extension() != ".csv") continue;
    if (file.filename() == kComparisonTable && study.comparison.is_object()) continue;
    CsvTable table;
    try {
      table = parse_csv(read_text_file(file), file.string());
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::kData) throw;
      throw ArtifactError(failure.what());
    }
    const std::size_t all = table.rows.size();
    const bool is_points = file.filename() == kPointsFile;
    if (!is_points && all > kMostTableRows) table.rows.resize(kMostTableRows);
    Json json = {{"name", file.filename().string()},
                 {"header", table.header},
                 {"rows", table.rows},
                 {"all_rows", all}};
    (is_points ? study.points : study.tables).push_back(std::move(json));
  }
  return study;
}

std::string kind_of(const ReportedStudy& study) {
  const Json kind =
      study.description.is_object() ? study.description.value("kind", Json()) : Json();
  return kind.is_string() ? kind.get<std::string>() : "";
}

bool is_audit(const ReportedStudy& study) { return kind_of(study).starts_with("audit"); }

/// Puts HARDY-MER, the reference of a comparison, first.
void put_own_first(std::vector<fs::path>& runs) {
  std::stable_partition(runs.begin(), runs.end(), [](const fs::path& run) {
    return run.filename() == "hardymer" || run.filename() == "default";
  });
}

/// Reads runs and studies in the order given; the runs' folders go to `run_folders`.
void list_folders(const std::vector<fs::path>& folders, std::vector<fs::path>& run_folders,
                  std::vector<ReportedStudy>& studies) {
  for (const auto& folder : folders) {
    if (is_run(folder)) {
      run_folders.push_back(folder);
      continue;
    }
    std::error_code error;
    std::vector<fs::path> inside;
    for (const auto& child : sorted_children(folder)) {
      if (is_run(child)) inside.push_back(child);
    }
    if (inside.empty() && !fs::exists(folder / "study.json", error)) {
      static_cast<void>(RunFolder::open(folder));  // throws the reason
    }
    studies.push_back(read_study(folder));
    // Test results of a sweep's points must not be read before one is selected. The runs of an
    // audit have wrong labels or splits on purpose.
    if (kind_of(studies.back()) == "sweep" || is_audit(studies.back())) continue;
    if (studies.back().comparison.is_object()) put_own_first(inside);
    run_folders.insert(run_folders.end(), inside.begin(), inside.end());
  }
  if (run_folders.empty() && std::none_of(studies.begin(), studies.end(), is_audit)) {
    if (!studies.empty()) {
      throw ArtifactError(
          "a sweep alone has no test results to report: name the run folder of the point you chose "
          "by ranking.csv too");
    }
    throw ArtifactError(
        "none of these folders holds a run; give a folder that `hardy run` or `hardy "
        "train` wrote");
  }
}

/// Compares the runs and adds intervals that older results lack. Runs of different corpora are
/// refused; other obstacles become a notice.
void add_statistics(ReportData& data, const std::vector<FinishedRun>& runs) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (data.runs[i].results.intervals.level == 0) {
      add_intervals(data.runs[i].results, runs[i].predictions);
      data.runs[i].notices.emplace_back(
          "its results hold no intervals: made again from its predictions");
    }
  }
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const std::string obstacle = pairing_obstacle(runs[0].predictions, runs[i].predictions);
    if (obstacle.empty()) continue;
    throw DataError(
        fmt::format("{} and {} are of different corpora or splits: {}; make a report of each",
                    runs[0].folder.string(), runs[i].folder.string(), obstacle));
  }
  if (runs.size() < 2) return;
  try {
    data.comparisons = compare_runs(runs, {});
  } catch (const Error& error) {
    data.comparisons.notices.emplace_back(error.what());
  }
}

Json results_part(const Results& results) { return Json::parse(results_json(results)); }

Json json_of(const RunComparison& row) {
  const Comparison& c = row.comparison;
  Json json = {{"first", c.first_name},
               {"second", c.second_name},
               {"track", row.first_track},
               {"condition", row.condition},
               {"metric", c.metric}};
  json.update(difference_json(c));
  json["verdict"] = verdict(c);
  return json;
}

/// Titles and conventions of the metrics of the runs.
Json metrics_json(const ReportData& data) {
  Json metrics = Json::object();
  for (const auto& run : data.runs) {
    for (const auto& name : run.results.metrics) {
      const MetricInfo* info = find_metric(name);
      if (info == nullptr) continue;
      metrics[name] = {{"title", metric_title(name)},
                       {"convention", info->convention},
                       {"is_higher_better", info->is_higher_better},
                       {"is_share", info->is_share}};
    }
  }
  return metrics;
}

}  // namespace

ReportData read_report_data(const std::vector<fs::path>& folders, const std::string& command) {
  ReportData data;
  data.command = command;
  std::vector<fs::path> run_folders;
  list_folders(folders, run_folders, data.studies);
  const auto finished = read_finished_runs(run_folders);
  for (const auto& run : finished) data.runs.push_back(read_run(run.folder, run.name));
  add_statistics(data, finished);
  return data;
}

Json read_explanations(const std::vector<fs::path>& files) {
  Json list = Json::array();
  for (const auto& file : files) {
    Json json;
    try {
      json = read_json(file);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kData) throw;
      throw ArtifactError(error.what());
    }
    for (const char* part : {"id", "prediction", "contributions", "patterns"}) {
      if (json.is_object() && json.contains(part)) continue;
      throw ArtifactError(fmt::format(
          "{}: no explanation ('{}' is missing); write one with `hardy explain MODEL DIR "
          "--utterance ID --json`",
          file.string(), part));
    }
    list.push_back({{"file", file.filename().string()}, {"explanation", std::move(json)}});
  }
  return list;
}

Json report_json(const ReportData& data) {
  Json runs = Json::array();
  for (const auto& run : data.runs) {
    runs.push_back({{"name", run.name},
                    {"folder", run.folder.string()},
                    {"manifest", Json::parse(manifest_json(run.manifest))},
                    {"results", results_part(run.results)},
                    {"results_checksum", run.results_checksum},
                    {"timings", run.timings},
                    {"curves", run.curves},
                    {"hardness", run.hardness},
                    {"cases", run.cases},
                    {"notices", run.notices}});
  }
  Json studies = Json::array();
  for (const auto& study : data.studies) {
    studies.push_back({{"name", study.name},
                       {"description", study.description},
                       {"tables", study.tables},
                       {"points", study.points},
                       {"comparison", study.comparison}});
  }
  Json rows = Json::array();
  for (const auto& row : data.comparisons.rows) rows.push_back(json_of(row));
  return {{"program", "hardy " + program_version()},
          {"command", data.command},
          {"metrics", metrics_json(data)},
          {"runs", runs},
          {"comparisons", {{"rows", rows}, {"notices", data.comparisons.notices}}},
          {"studies", studies},
          {"explanations", data.explanations}};
}

}  // namespace hardy
