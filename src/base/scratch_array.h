// Numbers of a computation that are too many for memory: in a file without a name, so that they
// cost page cache, and nothing remains of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace hardy {

/// A mapped file of `count` zeros, gone with the object or the process. Neither copied nor moved.
class ScratchArray {
 public:
  /// In `folder`, which is made when it is missing; without one where the system keeps temporary
  /// files. count >= 1. Throws IoError, e.g. when the disk has no room for all of it.
  ScratchArray(const std::filesystem::path& folder, std::size_t count);
  ~ScratchArray();
  ScratchArray(const ScratchArray&) = delete;
  ScratchArray& operator=(const ScratchArray&) = delete;

  [[nodiscard]] std::span<float> values() const { return {place_, count_}; }

 private:
  float* place_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace hardy
