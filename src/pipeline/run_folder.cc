#include "pipeline/run_folder.h"

#include <algorithm>
#include <array>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/checksum.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "base/shared_files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr std::size_t kMaxManifestBytes = std::size_t{16} << 20;
/// In the order of removal: results first, so that a folder never has results of another manifest.
constexpr std::array kFiles = {"results.json",    "SHA256SUMS",      "results.csv",
                               "validation.json", "predictions.csv", "hardness.csv",
                               "supports.csv",    "retrieval.csv",   "curves.csv",
                               "timings.json",    "location.json",   kManifest};
constexpr const char* kModelExtension = ".safetensors";

void remove_file(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  if (error)
    throw IoError(fmt::format("{}: cannot be removed: {}", file.string(), error.message()));
}

std::vector<fs::path> model_files(const fs::path& models) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(models, ignored)) {
    const bool is_hidden = entry.path().filename().string().starts_with('.');
    if (!is_hidden && entry.path().extension() == kModelExtension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Removes hardy's files from a run folder; other files stay.
void remove_run(const fs::path& folder) {
  for (const char* name : kFiles) {
    if (std::string_view(name) != kManifest) remove_file(folder / name);
  }
  for (const auto& file : model_files(folder / "models")) remove_file(file);
  // The manifest goes last: an interrupted removal is still recognised as a run folder.
  remove_file(folder / kManifest);
}

/// Letters, digits, '-' and '_' as they are, other bytes as %XX: one file name per label.
std::string file_name_of(const std::string& label) {
  std::string name;
  for (const char letter : label) {
    const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
    if (letter == ',') {
      name += '+';
    } else if (is_plain) {
      name += letter;
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return name;
}

RunManifest load_manifest(const fs::path& folder) {
  const fs::path file = folder / kManifest;
  try {
    return parse_manifest(read_text_file(file, kMaxManifestBytes), file.string());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ArtifactError(error.what());
  }
}

/// Throws ConfigError when the folder must not be changed; changes nothing.
void check_place(const fs::path& folder, const RunManifest& manifest, ExistingRun existing) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    throw ConfigError(
        fmt::format("{}: is a file, not a folder; choose another --out", folder.string()));
  }
  if (fs::exists(folder / kManifest, error)) {
    if (existing == ExistingRun::kOverwrite) return;
    if (const auto difference = manifest_difference(load_manifest(folder), manifest)) {
      throw ConfigError(fmt::format(
          "{}: holds another run: {}; give the same settings to continue it, choose another "
          "folder with --out, or replace it with --overwrite",
          folder.string(), *difference));
    }
    return;
  }
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_scaffolding(entry.path().filename().string())) continue;
    throw ConfigError(fmt::format(
        "{}: is not empty and holds no {}, so it is no run folder and is left alone; choose "
        "another folder with --out",
        folder.string(), kManifest));
  }
}

}  // namespace

bool is_scaffolding(const std::string& file_name) {
  return file_name == FolderOwner::kFile || file_name == kShardFolder ||
         file_name == kStageFolder || is_temporary_name(file_name);
}

RunFolder RunFolder::create(const fs::path& folder, const RunManifest& manifest,
                            ExistingRun existing) {
  check_place(folder, manifest, existing);
  make_folder(folder);
  auto owner = std::make_shared<const FolderOwner>(folder);
  // Again, because another process may have written between the check and the claim.
  check_place(folder, manifest, existing);
  remove_old_temporaries(folder);
  remove_old_temporaries(folder / "models");
  std::error_code error;
  const fs::path file = folder / kManifest;
  if (fs::exists(file, error)) {
    if (existing == ExistingRun::kResume) return {folder, load_manifest(folder), owner};
    remove_run(folder);
  }
  write_file_atomically(file, manifest_json(manifest));
  return {folder, manifest, owner};
}

RunFolder RunFolder::open(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw ArtifactError(
        fmt::format("{}: no such folder; give a folder that `hardy run` or `hardy "
                    "train` wrote",
                    folder.string()));
  }
  if (!fs::exists(folder / kManifest, error)) {
    throw ArtifactError(
        fmt::format("{}: holds no {}, so it is no run folder; give a folder that "
                    "`hardy run` or `hardy train` wrote",
                    folder.string(), kManifest));
  }
  verify_listed_file(folder / kManifest);
  return {folder, load_manifest(folder), nullptr};
}

fs::path RunFolder::model_file(const ModelName& name) const {
  const std::string pattern =
      name.track == "unified"
          ? ""
          : "-" + file_name_of(pattern_label(name.trained, manifest_.modality_names));
  return models_folder() / fmt::format("{}{}-fold{}-seed{}{}", name.track, pattern, name.fold,
                                       name.seed, kModelExtension);
}

std::vector<fs::path> RunFolder::models() const { return model_files(models_folder()); }

bool RunFolder::is_complete() const {
  std::error_code error;
  return fs::exists(results_json_file(), error);
}

void RunFolder::check_owner() const {
  if (owner_) owner_->check();
}

void write_location(const RunFolder& folder, const DataConfig& data) {
  if (data.path.empty()) return;
  const auto whole = [](const std::string& path) {
    return path.empty() ? path : fs::absolute(path).lexically_normal().string();
  };
  const nlohmann::ordered_json json = {{"path", whole(data.path)}, {"labels", whole(data.labels)}};
  const auto replacing = nlohmann::ordered_json::error_handler_t::replace;
  write_file_atomically(folder.location_file(), json.dump(2, ' ', false, replacing) + "\n");
}

DataConfig data_of(const RunFolder& folder) {
  DataConfig data = folder.manifest().config.data;
  std::error_code error;
  if (!data.path.empty() || !fs::exists(folder.location_file(), error)) return data;
  try {
    const auto json =
        nlohmann::json::parse(read_text_file(folder.location_file(), kMaxManifestBytes));
    json.at("path").get_to(data.path);
    json.at("labels").get_to(data.labels);
  } catch (const nlohmann::json::exception& problem) {
    throw ArtifactError(fmt::format("{}: damaged: {}; say where the data lies on the command line",
                                    folder.location_file().string(), problem.what()));
  }
  return data;
}

CsvFile start_hardness_table(const RunFolder& folder) {
  return {folder.hardness_file(),
          {"utterance", "fold", "seed", "pattern", "direct", "indirect", "score", "supports"}};
}

void add_row(CsvFile& table, const HardnessRow& row) {
  table.add(row.utterance).add(std::int64_t{row.fold}).add(row.seed).add(row.pattern);
  table.add(row.direct).add(row.indirect).add(row.score).add(row.supports);
  table.end_row();
}

CsvFile start_supports_table(const RunFolder& folder) {
  return {folder.supports_file(),
          {"utterance", "fold", "seed", "pattern", "rank", "support", "distance"}};
}

CsvFile start_retrieval_table(const RunFolder& folder) {
  return {folder.retrieval_file(),
          {"fold", "seed", "modality", "index", "rows", "lists", "probes", "queries", "recall"}};
}

void add_row(CsvFile& table, const SupportRow& row) {
  table.add(row.utterance).add(std::int64_t{row.fold}).add(row.seed).add(row.pattern);
  table.add(row.rank).add(row.support).add(row.distance);
  table.end_row();
}

void write_timings(const RunFolder& folder, const RunTimings& timings) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::object();
  for (const auto& [stage, seconds] : timings.stage_cpu_s) stages[stage] = seconds;
  // The clock may have been set back meanwhile.
  const std::string finished = std::max(timings.started, timings.finished);
  nlohmann::ordered_json json = {{"started", timings.started},
                                 {"finished", finished},
                                 {"jobs", timings.jobs},
                                 {"wall_s", timings.wall_s},
                                 {"cpu_s", timings.cpu_s},
                                 {"peak_memory_bytes", timings.peak_memory_bytes},
                                 {"cache",
                                  {{"hits", timings.cache.hits},
                                   {"misses", timings.cache.misses},
                                   {"damaged", timings.cache.damaged},
                                   {"bytes_read", timings.cache.bytes_read},
                                   {"bytes_written", timings.cache.bytes_written}}},
                                 {"stage_cpu_s", stages},
                                 {"training_cpu_s",
                                  {{"shared", timings.costs.shared_cpu_s},
                                   {"specialist", timings.costs.specialist_cpu_s},
                                   {"unified", timings.costs.unified_cpu_s}}},
                                 {"prediction",
                                  {{"cpu_s", timings.costs.predict_cpu_s},
                                   {"utterances", timings.costs.predicted_utterances}}},
                                 {"parameters", timings.costs.parameters}};
  // SHA256SUMS cannot list this file: it differs between equal runs.
  json["sha256"] = sha256(json.dump());
  write_file_atomically(folder.timings_file(), json.dump(2) + "\n");
}

}  // namespace hardy
