// How far each shard of a run or study is: one small file per shard, written by its process, read
// by `hardy status` and by the process that collects.
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

/// What a shard's file says.
struct ShardState {
  Shard shard;
  std::string state;  ///< "running" | "done" | "interrupted" | "failed"
  std::string host;
  std::int64_t pid = 0;
  std::string started;        ///< UTC, ISO 8601
  std::int64_t restarts = 0;  ///< how often the shard was begun before
  std::int64_t done = 0;      ///< fits, or groups of stages; in all variants
  std::int64_t total = 0;
  double fraction = 0;   ///< of the estimated cost of what is in progress
  double spent_s = 0;    ///< wall time of this process
  std::string current;   ///< what just moved
  std::string problem;   ///< of a failed shard
  double silence_s = 0;  ///< since the file was written, by the file system's clock
};

/// A running shard whose file has not been written for so long is lost.
inline constexpr double kShardSilence_s = 120;

/// Writes the file of one shard every few seconds and when the state changes. The folder is shared
/// by all shards; a second process of the same shard does no harm.
class ShardProgress final : public Progress {
 public:
  /// `inner` also receives everything; it must outlive the object.
  ShardProgress(const std::filesystem::path& folder, const Shard& shard, Progress& inner);
  ~ShardProgress() override;

  /// `total` units of work are there, over all variants.
  void expect(std::int64_t total);

  /// One unit is finished.
  void count_done();

  /// The last word: "done", or "interrupted" or "failed" with the reason. Throws IoError.
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
  mutable std::mutex mutex_;  // guards what follows
  ShardState state_;
  bool is_ending_ = false;
  std::condition_variable wake_;
  std::thread writer_;
};

/// The files of all shards below a run's or study's folder, by part, count and index. Damaged ones
/// are left out.
std::vector<ShardState> read_shard_states(const std::filesystem::path& folder);

/// Keeps what a collecting process missed as <folder>/shards/missing.json, with whose it was; an
/// empty list removes the file.
void write_missing(const std::filesystem::path& folder, const std::vector<MissingFit>& missing);
std::vector<MissingFit> read_missing(const std::filesystem::path& folder);

/// A few lines: how many fits are missing, the first of them, and which shards had them.
std::string missing_text(const std::filesystem::path& folder,
                         const std::vector<MissingFit>& missing);

}  // namespace hardy
