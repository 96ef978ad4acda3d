// Stage results, stored under the SHA-256 of everything they depend on. Any work that needs the
// same scaling, hardness or pretraining again (another condition, a sweep, a resumed run) reads it
// here.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hardy/errors.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// The key of a stage's result: 64 hex digits that depend on every argument and on nothing else.
/// `version` is incremented when the stage's code changes its numbers; `inputs` are config
/// sections, data checksums, fold lists, seeds and keys of earlier stages, in a fixed order.
std::string stage_key(const std::string& stage, int version,
                      const std::vector<std::string>& inputs);

/// Default interval between checkpoints, i.e. the largest loss of work by a kill.
inline constexpr double kCheckpointInterval_s = 30;

/// Statistics of a cache since it was opened.
struct CacheStatistics {
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  std::int64_t damaged = 0;  ///< unusable entries, computed again
  std::int64_t bytes_read = 0;
  std::int64_t bytes_written = 0;
};

/// Policy for a missing result.
enum class MissingResult {
  kCompute,
  kRefuse  ///< throw MissingStage
};

/// Thrown for a requested result that the cache does not hold and that must not be computed.
class MissingStage : public ArtifactError {
 public:
  using ArtifactError::ArtifactError;
};

/// A content-addressed store: `FOLDER/first 2 digits of key/KEY.safetensors`, and `KEY.checkpoint`
/// for a stage in progress. Entries appear whole or not at all and carry their key; one that is
/// damaged, unreadable or of another key counts as absent. Any number of threads and processes may
/// share a folder, on any file system: a stored entry is not replaced, and nothing is removed
/// because it looks damaged. With an empty folder, results are kept in memory for the lifetime of
/// the object and checkpoints are not kept.
class StageCache {
 public:
  /// Does not access the disk: the first store creates the folder. `checkpoint_interval_s`: seconds
  /// between two checkpoints of a stage; 0 = every epoch.
  explicit StageCache(std::filesystem::path folder,
                      double checkpoint_interval_s = kCheckpointInterval_s,
                      MissingResult missing = MissingResult::kCompute);

  StageCache(const StageCache&) = delete;
  StageCache& operator=(const StageCache&) = delete;

  /// The stored result; nothing without a usable one.
  std::optional<TensorFile> find(const std::string& key);

  /// Stores a result unless a usable one exists, and removes the key's checkpoint. Throws IoError
  /// (full disk, read-only folder).
  void store(const std::string& key, const TensorFile& contents);

  /// The stored result; otherwise the result of `compute`, which is then stored. Of several callers
  /// with one key the first computes and the others wait; a failure is thrown to all of them and
  /// not stored. `compute` may request other keys, never its own. Throws MissingStage instead of
  /// computing under MissingResult::kRefuse.
  TensorFile get_or_compute(const std::string& key, const std::function<TensorFile()>& compute);

  /// State of a stage in progress: written periodically, removed by `store`.
  std::optional<TensorFile> find_checkpoint(const std::string& key);
  void store_checkpoint(const std::string& key, const TensorFile& contents);
  void drop_checkpoint(const std::string& key);

  [[nodiscard]] CacheStatistics statistics() const;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  [[nodiscard]] double checkpoint_interval_s() const { return checkpoint_interval_s_; }

 private:
  struct Computation;

  [[nodiscard]] std::filesystem::path file_of(const std::string& key, const char* extension) const;
  std::optional<TensorFile> load(const std::filesystem::path& file, const std::string& key);
  void note_written(const std::filesystem::path& file);
  TensorFile compute_as_first(const std::string& key, const std::function<TensorFile()>& compute,
                              Computation& mine);

  std::filesystem::path folder_;
  double checkpoint_interval_s_;
  MissingResult missing_;
  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  CacheStatistics statistics_;
  std::map<std::string, std::shared_ptr<Computation>> running_;
  std::map<std::string, TensorFile> in_memory_;  // only without a folder
};

/// Contents of a cache folder.
struct CacheContents {
  std::int64_t results = 0;
  std::int64_t checkpoints = 0;
  std::int64_t bytes = 0;
};

/// Counts the entries; all zero when the folder does not exist.
CacheContents cache_contents(const std::filesystem::path& folder);

/// Removes the entries and left-over temporary files, nothing else in the folder. Returns what was
/// removed. Throws IoError when the operating system refuses.
CacheContents clear_cache(const std::filesystem::path& folder);

}  // namespace hardy
