// Who writes into a folder: keeps a second writer out, on this machine or on another.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace hardy {

/// What the owner file of a folder says.
struct OwnerRecord {
  std::string host;
  int pid = 0;
  std::string boot;           ///< of the machine's current run, so that a restart ends every owner
  std::string pid_namespace;  ///< process numbers mean something within it only
  std::string process_start;  ///< tells a process from a later one with its number
  std::string nonce;          ///< random, of this owner alone
};

/// How often an owner says that it lives, and how long after its last word it counts as dead.
struct OwnerTimes {
  std::chrono::milliseconds beat{10'000};
  std::chrono::milliseconds stale{90'000};
};

/// Holds a folder for one writer while it lives: `<folder>/owner.json`, touched by a thread of its
/// own. Advisory: processes that cannot see each other's files in time (a cut network) may both
/// believe that they own it, so `check` is asked again before results are written.
class FolderOwner {
 public:
  static constexpr const char* kFile = "owner.json";

  /// Claims an existing folder. The file of an owner that is gone (its process on this machine has
  /// ended, or it has been silent for too long) is replaced. Throws IoError naming the owner that
  /// lives, and when the system refuses.
  explicit FolderOwner(std::filesystem::path folder, OwnerTimes times = {});

  FolderOwner(const FolderOwner&) = delete;
  FolderOwner& operator=(const FolderOwner&) = delete;

  /// Gives the folder back.
  ~FolderOwner();

  /// Throws IoError when the folder is no longer this object's: removed, moved away, or taken over
  /// by another writer.
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
