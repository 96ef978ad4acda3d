// Exclusive write access to a folder: refuses a second writer, on this machine or another one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace hardy {

/// Contents of a folder's owner file.
struct OwnerRecord {
  std::string host;
  int pid = 0;
  std::string boot;           ///< id of the machine's boot, so that a restart ends every owner
  std::string pid_namespace;  ///< process numbers are valid within it only
  std::string process_start;  ///< distinguishes a process from a later one with its number
  std::string nonce;          ///< random, unique to this owner
};

/// Interval between an owner's signs of life, and the silence after which it counts as dead.
struct OwnerTimes {
  std::chrono::milliseconds beat{10'000};
  std::chrono::milliseconds stale{90'000};
};

/// Owns a folder for one writer during its lifetime: `FOLDER/owner.json`, touched by a separate
/// thread. Advisory: processes that do not see each other's files in time (a broken network) may
/// both own it, so `check` is called again before results are written.
class FolderOwner {
 public:
  static constexpr const char* kFile = "owner.json";

  /// Claims an existing folder. The file of a dead owner (its process on this machine has ended, or
  /// it has been silent for too long) is replaced. Throws IoError naming a live owner, and when the
  /// operating system refuses.
  explicit FolderOwner(std::filesystem::path folder, OwnerTimes times = {});

  FolderOwner(const FolderOwner&) = delete;
  FolderOwner& operator=(const FolderOwner&) = delete;

  /// Releases the folder.
  ~FolderOwner();

  /// Throws IoError when the folder is no longer owned by this object: removed, moved, or taken
  /// over by another writer.
  void check() const;

  /// Throws IoError when a live writer owns the folder; does nothing without one, or without a
  /// folder.
  static void refuse_if_owned(const std::filesystem::path& folder, OwnerTimes times = {});

 private:
  bool try_create();
  void beat();

  std::filesystem::path folder_;
  OwnerTimes times_;
  OwnerRecord record_;
  int descriptor_ = -1;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_ending_ = false;
  std::thread heart_;
};

}  // namespace hardy
