// Finished vectors on disk, so that an interrupted extraction continues and runs share their
// vectors. Internal to media/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "media/worker.h"

namespace hardy {

class VectorStore {
 public:
  /// An empty folder stores nothing.
  explicit VectorStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The stored result of a key (hex digits); nothing if there is none or it is damaged.
  [[nodiscard]] std::optional<WorkerResult> find(const std::string& key) const;

  /// Writes atomically. Throws IoError.
  void keep(const std::string& key, const WorkerResult& result) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(const std::string& key) const;

  std::filesystem::path folder_;
};

}  // namespace hardy
