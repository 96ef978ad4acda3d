// A file read through the page cache: processes that use the same model share its memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace hardy {

/// A whole file, mapped read-only. Files of ours are replaced by renaming, never changed in place;
/// one that another program truncates while it is mapped ends the process. Movable; const methods
/// are thread-safe.
class MappedFile {
 public:
  /// Throws ArtifactError when the file is missing, empty or no regular file, IoError when the
  /// system refuses.
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace hardy
