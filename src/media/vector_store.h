// Finished vectors on disk, so that an interrupted extraction goes on where it stopped and runs
// share what they need. Internal to media/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "media/worker.h"

namespace hardy {

class VectorStore {
 public:
  /// An empty folder keeps nothing.
  explicit VectorStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// What was kept under a key (hex digits); nothing when there is none or it is damaged.
  [[nodiscard]] std::optional<WorkerResult> find(const std::string& key) const;

  /// Writes atomically. Throws IoError.
  void keep(const std::string& key, const WorkerResult& result) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(const std::string& key) const;

  std::filesystem::path folder_;
};

}  // namespace hardy
