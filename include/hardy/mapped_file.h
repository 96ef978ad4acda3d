// A file read through the page cache.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace hardy {

/// Where the bytes of a file are kept.
enum class Residence {
  kMapped,  ///< in the page cache; a file that somebody truncates meanwhile ends the process
  kCopied   ///< in memory of this process, whatever happens to the file
};

/// A whole file, read-only. Files of ours are replaced by renaming, never changed in place; who
/// cannot trust that others do the same takes a copy. Movable; const methods are thread-safe.
class MappedFile {
 public:
  /// Throws ArtifactError when the file is missing, empty or no regular file, IoError when the
  /// system refuses.
  explicit MappedFile(const std::filesystem::path& file, Residence residence = Residence::kMapped);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Gives the memory of a part of bytes() back; nobody may read that part any more.
  void release(std::span<const std::byte> part);

 private:
  void read_whole(int descriptor, char* place, const std::filesystem::path& file);

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace hardy
