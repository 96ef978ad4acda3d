#include "hardy/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& file) {
  if (errno == ENOENT || errno == ENOTDIR) {
    throw ArtifactError(fmt::format("{}: no such file", file.string()));
  }
  throw IoError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file, Residence residence) {
  // Opening a named pipe must not wait for its writer.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (descriptor.number() < 0) refuse(file);

  struct stat status {};

  if (::fstat(descriptor.number(), &status) != 0) refuse(file);
  if (!S_ISREG(status.st_mode)) {
    throw ArtifactError(fmt::format("{}: not a regular file", file.string()));
  }
  if (status.st_size == 0) throw ArtifactError(fmt::format("{}: the file is empty", file.string()));
  size_ = static_cast<std::size_t>(status.st_size);
  const bool is_copy = residence == Residence::kCopied;
  void* place = ::mmap(nullptr, size_, is_copy ? PROT_READ | PROT_WRITE : PROT_READ,
                       is_copy ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE,
                       is_copy ? -1 : descriptor.number(), 0);
  if (place == MAP_FAILED) refuse(file);
  data_ = static_cast<const std::byte*>(place);
  if (is_copy) read_whole(descriptor.number(), static_cast<char*>(place), file);
}

void MappedFile::read_whole(int descriptor, char* place, const std::filesystem::path& file) {
  std::size_t done = 0;
  while (done < size_) {
    const auto count = ::read(descriptor, place + done, size_ - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const bool is_short = count == 0;
      const int reason = errno;
      ::munmap(place, size_);
      data_ = nullptr;
      errno = reason;
      if (!is_short) refuse(file);
      throw ArtifactError(fmt::format("{}: became shorter while it was read", file.string()));
    }
    done += static_cast<std::size_t>(count);
  }
}

void MappedFile::release(std::span<const std::byte> part) {
  // Only whole pages are released; pages shared with other parts stay.
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<std::size_t>(part.data() - data_);
  const std::size_t first = (offset + page - 1) / page * page;
  const std::size_t end = (offset + part.size()) / page * page;
  if (first >= end) return;
  // A failure keeps the memory, which is harmless.
  (void)::madvise(const_cast<std::byte*>(data_) + first, end - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace hardy
