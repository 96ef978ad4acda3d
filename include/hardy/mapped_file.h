/// @file
/// A file read through the page cache.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace hardy {

/// Where the bytes of a file are kept.
enum class Residence {
  kMapped,  ///< in the page cache; truncating the file meanwhile ends the process
  kCopied   ///< in memory of this process, independent of later changes to the file
};

/// A whole file, read-only. hardy replaces files by renaming and never changes one in place; where
/// other programs may write to the file, use Residence::kCopied. Movable; const methods are
/// thread-safe.
class MappedFile {
 public:
  /// Throws ArtifactError when the file is missing, empty or no regular file, IoError when the
  /// system refuses.
  explicit MappedFile(const std::filesystem::path& file, Residence residence = Residence::kMapped);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;             ///< Leaves `other` without bytes.
  MappedFile& operator=(MappedFile&& other) noexcept;  ///< Swaps the files.
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// The contents; valid as long as this object.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Releases the pages of a part of bytes(); that part must not be read again.
  void release(std::span<const std::byte> part);

 private:
  void read_whole(int descriptor, char* place, const std::filesystem::path& file);

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace hardy
