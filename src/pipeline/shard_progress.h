// Progress of the shards of a run or study: one small file per shard, written by its process, read
// by `hardy status` and by the collecting process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/progress.h"
#include "pipeline/shard.h"

namespace hardy {

/// Contents of a shard's file.
struct ShardState {
  Shard shard;
  std::string state;  ///< "running" | "done" | "interrupted" | "failed"
  std::string host;
  std::int64_t pid = 0;
  std::string started;        ///< UTC, ISO 8601
  std::int64_t restarts = 0;  ///< number of earlier starts of the shard
  std::int64_t done = 0;      ///< fits, or groups of stages; in all variants
  std::int64_t total = 0;
  double fraction = 0;   ///< estimated cost done of the work in progress
  double spent_s = 0;    ///< wall time of this process
  std::string current;   ///< name of the last change
  std::string problem;   ///< of a failed shard
  double silence_s = 0;  ///< since the file was written, by the file system's clock
};

/// Silence in seconds after which a running shard counts as lost.
inline constexpr double kShardSilence_s = 120;

/// Writes the file of one shard every few seconds and when the state changes. All shards use one
/// folder; a second process of the same shard is harmless.
class ShardProgress final : public Progress {
 public:
  /// `inner` also receives all calls; it must outlive the object.
  ShardProgress(const std::filesystem::path& folder, const Shard& shard, Progress& inner);
  ~ShardProgress() override;

  /// Sets the number of units of work, over all variants.
  void expect(std::int64_t total);

  /// Counts one finished unit.
  void count_done();

  /// Sets the final state: "done", or "interrupted" or "failed" with the reason. Throws IoError.
  void end(const std::string& state, const std::string& problem = "");

  void start(const std::string& phase) override;
  void update(double done, double total, const std::string& current) override;
  void note(const std::string& line) override;
  void finish() override;

 private:
  void write() const;
  void tick();

  std::filesystem::path file_;
  Progress& inner_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;  // guards the members below
  ShardState state_;
  bool is_ending_ = false;
  std::condition_variable wake_;
  std::thread writer_;
};

/// The files of all shards below a run's or study's folder, by part, count and index. Damaged ones
/// are left out.
std::vector<ShardState> read_shard_states(const std::filesystem::path& folder);

/// Writes the fits that a collecting process missed, with their shards, to
/// FOLDER/shards/missing.json; an empty list removes the file.
void write_missing(const std::filesystem::path& folder, const std::vector<MissingFit>& missing);
std::vector<MissingFit> read_missing(const std::filesystem::path& folder);

/// A few lines: the number of missing fits, the first of them, and their shards.
std::string missing_text(const std::filesystem::path& folder,
                         const std::vector<MissingFit>& missing);

}  // namespace hardy
