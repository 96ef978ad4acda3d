#include "corpus/feature_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/assembler.h"
#include "corpus/feature_folder.h"
#include "corpus/find_features.h"
#include "corpus/label_table.h"
#include "corpus/table_columns.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// Folders that never contain features, although they may contain label files.
fs::path place_of_features(const fs::path& root) {
  std::error_code ignored;
  return fs::is_directory(root / "features", ignored) ? root / "features" : root;
}

std::vector<fs::path> label_tables_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    const std::string name = entry.path().filename().string();
    if (is_label_table_name(name) && entry.is_regular_file(ignored)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The one label table, or those of the parts of a split.
std::vector<fs::path> choose_tables(const DataConfig& config) {
  const fs::path root = config.path;
  std::error_code ignored;
  if (!config.labels.empty()) {
    if (fs::exists(config.labels, ignored)) return {config.labels};
    if (fs::exists(root / config.labels, ignored)) return {root / config.labels};
    throw DataError(fmt::format("{}: no such label file", config.labels));
  }
  const auto files = label_tables_of(root);
  if (files.size() == 1) return files;
  std::set<std::string> parts;
  std::vector<std::string> names;
  for (const auto& file : files) {
    names.push_back(file.filename().string());
    parts.insert(part_in_name(names.back()));
  }
  const bool is_split = parts.size() == files.size() && !parts.contains("");
  if (!files.empty() && is_split) return files;
  throw ConfigError(fmt::format("{}: several label tables ({}); choose one with --labels",
                                root.string(), fmt::join(names, ", ")));
}

/// The naming scheme of the records that matches most files.
std::size_t best_naming(const std::vector<TableRecord>& records, const fs::path& folder) {
  std::set<std::string> stored;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    stored.insert(normal_form(entry.path().stem().string()));
  }
  const std::size_t choices = records.empty() ? 0 : records[0].names.size();
  std::size_t best = 0;
  std::size_t most = 0;
  for (std::size_t c = 0; c < choices; ++c) {
    std::size_t found = 0;
    for (const auto& record : records) {
      found += c < record.names.size() && stored.contains(normal_form(record.names[c])) ? 1U : 0U;
    }
    if (found > most) {
      most = found;
      best = c;
    }
  }
  return best;
}

/// Reports two utterances at one position of a dialogue: their order would be that of the rows.
void check_positions(const std::vector<TableRecord>& records, CorpusAssembler& assembler) {
  std::map<std::tuple<std::string_view, Part, std::int64_t>, const std::string*> taken;
  for (const auto& [record, names] : records) {
    const auto [place, is_new] =
        taken.try_emplace({record.dialogue, record.part, record.order}, &record.id);
    if (is_new || *place->second == record.id) continue;  // equal ids are reported elsewhere
    assembler.add_finding({Severity::kError, "bad-position", "utterance " + record.id,
                           fmt::format("position {} of dialogue '{}' is taken by '{}'",
                                       record.order, record.dialogue, *place->second),
                           "correct the column, or remove it where the rows are in order"});
  }
}

/// Reads the requested label; with the task "labels" or "values" all of them.
void add_labels(const TableColumns& columns, const DataConfig& config, CorpusAssembler& assembler) {
  const auto names = columns.label_names();
  PlainSettings settings;
  const bool wants_several = config.task == "labels" || config.task == "values";
  settings.task = config.task == "binary" || wants_several ? "regression" : config.task;
  settings.unlabelled = unlabelled_marks(config.unlabelled);
  const std::string wanted = config.label.empty() || wants_several ? names[0] : config.label;
  if (std::find(names.begin(), names.end(), wanted) == names.end()) {
    throw ConfigError(fmt::format("{}: no column '{}' holds labels; there are {}", config.path,
                                  wanted, fmt::join(names, ", ")));
  }
  const std::string listed = "," + config.label + ",";
  for (const auto& name : names) {
    if (!wants_several && name != wanted) continue;
    TableLabels labels = columns.label(name, settings);
    const bool is_sound =
        std::none_of(labels.findings.begin(), labels.findings.end(),
                     [](const Finding& f) { return f.severity == Severity::kError; });
    // Of several, columns that are not numeric throughout are left out unless they are listed.
    const bool is_asked = !wants_several || listed.find("," + name + ",") != std::string::npos;
    if (!is_sound && !is_asked) continue;
    for (auto& finding : labels.findings) assembler.add_finding(std::move(finding));
    assembler.add_label({name, std::move(labels.labels), {}, std::move(labels.class_names), true});
  }
  if (wants_several || names.size() < 2) return;
  assembler.add_finding(
      {Severity::kNote, "several-labels", config.path,
       fmt::format("label '{}' is read of the columns {}", wanted, fmt::join(names, ", ")),
       "choose another one with --label NAME, or --set data.label=NAME"});
}

}  // namespace

bool is_feature_table(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored) || label_tables_of(folder).empty()) return false;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".pkl") return false;
  }
  for (const auto& entry : fs::directory_iterator(place_of_features(folder), ignored)) {
    std::error_code unread;
    if (entry.is_directory(unread) && is_feature_folder(entry.path())) return true;
  }
  return false;
}

Reading read_feature_table(const DataConfig& given, int jobs) {
  DataConfig config = given;
  config.label = lower_case(given.label);  // columns are found in any case
  const fs::path root = config.path;
  require_mean(config);
  const LabelTable table = load_label_tables(choose_tables(config));
  const TableColumns columns(table, table.files[0]);
  const auto folders = find_feature_folders(place_of_features(root), config.modalities);
  std::vector<TableRecord> records;
  for (std::size_t row = 0; row < table.table.rows.size(); ++row) {
    records.push_back(columns.record(row));
  }
  const std::size_t naming = best_naming(records, folders[0].folder);
  std::vector<FeatureRequest> requests;
  CorpusAssembler assembler(root.string(), SequenceRules::from(config));
  check_positions(records, assembler);
  for (auto& [record, names] : records) {
    const std::string& name = names[std::min(naming, names.size() - 1)];
    if (name.empty() || name.find('/') != std::string::npos) {
      throw DataError(
          fmt::format("{}: utterance id '{}' cannot be a file name", root.string(), name));
    }
    requests.push_back({normal_form(name), ""});
    assembler.add(std::move(record));
  }
  if (config.label != kNoLabel) add_labels(columns, config, assembler);
  std::vector<Finding> findings;
  auto modalities =
      load_feature_folders(folders, requests, jobs, bad_features_of(config.not_finite), findings);
  for (auto& finding : findings) assembler.add_finding(std::move(finding));
  for (auto& modality : modalities) assembler.add_vectors(std::move(modality));
  columns.add_findings(assembler);
  return assembler.finish(config, fs::weakly_canonical(root).filename().string(),
                          columns.title() + "; sequences reduced to their mean over frames");
}

}  // namespace hardy
