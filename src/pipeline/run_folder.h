// Run folders: all of their file names, and the rule for reusing one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/csv_file.h"
#include "hardy/errors.h"
#include "hardy/modality.h"
#include "pipeline/folder_owner.h"
#include "pipeline/manifest.h"
#include "pipeline/stage_cache.h"

namespace hardy {

/// Policy for a folder that already holds a run.
enum class ExistingRun {
  kResume,    ///< continue the same run, refuse another one
  kOverwrite  ///< remove its files first
};

/// Identity of a trained model within a run.
struct ModelName {
  std::string track;  ///< "specialist" | "unified"
  Pattern trained;    ///< the specialist's pattern; the complete one for `unified`
  int fold = 0;
  std::int64_t seed = 0;
};

/// Folder for the progress of a run's or study's shards (pipeline/shard_progress.h).
inline constexpr const char* kShardFolder = "shards";

/// Folder of stage results if no cache is given.
inline constexpr const char* kStageFolder = "stages";

/// Whether a folder without manifest may hold this entry and still become a run or study: an owner
/// file, a temporary file, progress and stage results of shards.
bool is_scaffolding(const std::string& file_name);

/// A run folder with a valid manifest (docs/run_folder.md). Immutable; safe from any thread.
class RunFolder {
 public:
  /// Makes the folder and its manifest, or continues one that holds the same run, and owns it
  /// (FolderOwner) while the object or a copy lives. Throws ConfigError when it holds another run
  /// (naming the first difference) or files that are no run at all, before anything is touched;
  /// ArtifactError when its manifest is damaged; IoError, also when another process writes there.
  static RunFolder create(const std::filesystem::path& folder, const RunManifest& manifest,
                          ExistingRun existing);

  /// Throws ArtifactError when `folder` is no run folder or its manifest is damaged.
  static RunFolder open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }

  [[nodiscard]] const RunManifest& manifest() const { return manifest_; }

  [[nodiscard]] std::filesystem::path manifest_file() const { return folder_ / "manifest.json"; }

  [[nodiscard]] std::filesystem::path timings_file() const { return folder_ / "timings.json"; }

  /// Path of the data; absent for the embedded corpus.
  [[nodiscard]] std::filesystem::path location_file() const { return folder_ / "location.json"; }

  [[nodiscard]] std::filesystem::path results_json_file() const { return folder_ / "results.json"; }

  /// The same models on the validation parts, for the selection of settings.
  [[nodiscard]] std::filesystem::path validation_json_file() const {
    return folder_ / "validation.json";
  }

  [[nodiscard]] std::filesystem::path results_csv_file() const { return folder_ / "results.csv"; }

  [[nodiscard]] std::filesystem::path predictions_file() const {
    return folder_ / "predictions.csv";
  }

  [[nodiscard]] std::filesystem::path hardness_file() const { return folder_ / "hardness.csv"; }

  [[nodiscard]] std::filesystem::path supports_file() const { return folder_ / "supports.csv"; }

  [[nodiscard]] std::filesystem::path retrieval_file() const { return folder_ / "retrieval.csv"; }

  [[nodiscard]] std::filesystem::path curves_file() const { return folder_ / "curves.csv"; }

  [[nodiscard]] std::filesystem::path models_folder() const { return folder_ / "models"; }

  /// "models/specialist-a+t-fold0-seed1.safetensors", "models/unified-fold0-seed1.safetensors".
  [[nodiscard]] std::filesystem::path model_file(const ModelName& name) const;

  /// The model files that exist, by name.
  [[nodiscard]] std::vector<std::filesystem::path> models() const;

  /// Whether the run has results.
  [[nodiscard]] bool is_complete() const;

  /// Throws IoError when the folder was created here and is no longer owned (FolderOwner::check).
  void check_owner() const;

  /// Runs `work`, which writes here. Where it cannot write because the folder was removed or taken
  /// over meanwhile, that is the error (check_owner), not the file that happened to be next.
  template <typename Work>
  auto while_owned(const Work& work) const {
    try {
      return work();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kIo) check_owner();
      throw;
    }
  }

 private:
  RunFolder(std::filesystem::path folder, RunManifest manifest,
            std::shared_ptr<const FolderOwner> owner)
      : folder_(std::move(folder)), manifest_(std::move(manifest)), owner_(std::move(owner)) {}

  std::filesystem::path folder_;
  RunManifest manifest_;
  std::shared_ptr<const FolderOwner> owner_;  ///< null if only opened
};

/// Stores the path of a run's data, separate from the contents that equal runs share.
void write_location(const RunFolder& folder, const DataConfig& data);

/// How the data of a run was read, and its path if known: the manifest's settings with the path
/// from location.json (older manifests contain it).
DataConfig data_of(const RunFolder& folder);

/// Hardness of one training utterance under one pattern, a line of hardness.csv.
struct HardnessRow {
  std::string_view utterance;
  int fold = 0;
  std::int64_t seed = 0;
  std::string_view pattern;   ///< label, "a,t"
  double direct = 0;          ///< NaN when not computed
  double indirect = 0;        ///< NaN when not computed
  double score = 0;           ///< in [0,1]
  std::int64_t supports = 0;  ///< number of supports
};

/// One support of a training utterance under one pattern, a line of supports.csv.
struct SupportRow {
  std::string_view utterance;
  int fold = 0;
  std::int64_t seed = 0;
  std::string_view pattern;
  std::int64_t rank = 0;  ///< 1 = nearest
  std::string_view support;
  double distance = 0;  ///< mean over the available modalities
};

CsvFile start_hardness_table(const RunFolder& folder);
void add_row(CsvFile& table, const HardnessRow& row);
CsvFile start_supports_table(const RunFolder& folder);

/// retrieval.csv, for neighbours that were not searched exactly: fold, seed, modality, index, rows,
/// lists, probes, queries, recall.
CsvFile start_retrieval_table(const RunFolder& folder);
void add_row(CsvFile& table, const SupportRow& row);

/// Costs of a method. Training: CPU seconds of the computation, in this run or in the one that
/// filled the cache, without work before an interruption within a stage.
struct RunCosts {
  double shared_cpu_s = 0;  ///< stages shared by several fits
  double specialist_cpu_s = 0;
  double unified_cpu_s = 0;
  double predict_cpu_s = 0;               ///< of this run's predictions, loading models included
  std::int64_t predicted_utterances = 0;  ///< in `predict_cpu_s`
  std::int64_t parameters = 0;            ///< number of stored values of the largest model
};

/// Costs of a run, the only file of a run folder that differs between equal runs.
struct RunTimings {
  std::string started;  ///< UTC, ISO 8601
  std::string finished;
  int jobs = 0;
  double wall_s = 0;
  double cpu_s = 0;
  std::int64_t peak_memory_bytes = 0;
  CacheStatistics cache;
  std::vector<std::pair<std::string, double>> stage_cpu_s;  ///< CPU seconds by stage
  RunCosts costs;
};

void write_timings(const RunFolder& folder, const RunTimings& timings);

}  // namespace hardy
