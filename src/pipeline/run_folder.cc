#include "pipeline/run_folder.h"

#include <algorithm>
#include <array>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr std::size_t kMaxManifestBytes = std::size_t{16} << 20;
/// In the order of removal: results first, so that a folder never has results of another manifest.
constexpr std::array kFiles = {"results.json",    "SHA256SUMS",   "results.csv",  "validation.json",
                               "predictions.csv", "hardness.csv", "supports.csv", "curves.csv",
                               "timings.json",    kManifest};
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

/// Removes temporary files that a killed process left; at any other time there are none.
void remove_leftovers(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto is_of = [&](const char* file) {
      return name.starts_with(fmt::format(".{}.tmp-", file));
    };
    if (std::any_of(kFiles.begin(), kFiles.end(), is_of)) leftovers.push_back(entry.path());
  }
  for (const auto& entry : fs::directory_iterator(folder / "models", ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_temporary = name.find(std::string(kModelExtension) + ".tmp-") != name.npos;
    if (name.starts_with('.') && is_temporary) leftovers.push_back(entry.path());
  }
  for (const auto& file : leftovers) remove_file(file);
}

/// Removes what hardy writes into a run folder; anything else there stays.
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

}  // namespace

RunFolder RunFolder::create(const fs::path& folder, const RunManifest& manifest,
                            ExistingRun existing) {
  std::error_code error;
  const fs::path file = folder / kManifest;
  remove_leftovers(folder);
  if (fs::exists(file, error)) {
    if (existing == ExistingRun::kOverwrite) {
      remove_run(folder);
    } else {
      const RunManifest held = load_manifest(folder);
      if (const auto difference = manifest_difference(held, manifest)) {
        throw ConfigError(fmt::format(
            "{}: holds another run: {}; give the same settings to continue it, choose another "
            "folder with --out, or replace it with --overwrite",
            folder.string(), *difference));
      }
      return {folder, held};
    }
  } else if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    throw ConfigError(
        fmt::format("{}: is a file, not a folder; choose another --out", folder.string()));
  } else if (fs::is_directory(folder, error) && !fs::is_empty(folder, error)) {
    throw ConfigError(fmt::format(
        "{}: is not empty and holds no {}, so it is no run folder and is left alone; choose "
        "another folder with --out",
        folder.string(), kManifest));
  }
  write_file_atomically(file, manifest_json(manifest));
  return {folder, manifest};
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
  return {folder, load_manifest(folder)};
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

void add_row(CsvFile& table, const SupportRow& row) {
  table.add(row.utterance).add(std::int64_t{row.fold}).add(row.seed).add(row.pattern);
  table.add(row.rank).add(row.support).add(row.distance);
  table.end_row();
}

void write_timings(const RunFolder& folder, const RunTimings& timings) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::object();
  for (const auto& [stage, seconds] : timings.stage_cpu_s) stages[stage] = seconds;
  const nlohmann::ordered_json json = {{"started", timings.started},
                                       {"finished", timings.finished},
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
  write_file_atomically(folder.timings_file(), json.dump(2) + "\n");
}

}  // namespace hardy
