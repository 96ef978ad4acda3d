#include "hardy/feature_array.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

[[noreturn]] void refuse_mapping(const std::filesystem::path& file) {
  throw IoError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
}

}  // namespace

/// What changes when a file is written or replaced.
struct MappedFileState {
  dev_t device = 0;
  ino_t number = 0;
  off_t size = 0;
  timespec written = {};

  bool operator==(const MappedFileState& other) const {
    return device == other.device && number == other.number && size == other.size &&
           written.tv_sec == other.written.tv_sec && written.tv_nsec == other.written.tv_nsec;
  }
};

static MappedFileState state_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

/// A private mapping: what is hidden changes here, not in the file.
struct FeatureArray::Mapping {
  Mapping(const std::filesystem::path& path, std::size_t offset, std::size_t count) : file(path) {
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));

    struct stat status {};

    if (descriptor.number() < 0 || ::fstat(descriptor.number(), &status) != 0) refuse_mapping(file);
    check(offset % sizeof(float) == 0, "numbers of a mapped file lie at a multiple of four");
    bytes = offset + count * sizeof(float);
    if (!S_ISREG(status.st_mode) || static_cast<std::size_t>(status.st_size) < bytes) {
      throw IoError(fmt::format("{}: became shorter while it was read", file.string()));
    }
    state = state_of(status);
    place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                   descriptor.number(), 0);
    if (place == MAP_FAILED) refuse_mapping(file);
  }

  ~Mapping() { ::munmap(place, bytes); }

  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::filesystem::path file;
  MappedFileState state;
  void* place = nullptr;
  std::size_t bytes = 0;
};

FeatureArray FeatureArray::map(const std::filesystem::path& file, std::size_t offset,
                               std::size_t count) {
  FeatureArray array;
  const auto mapping = std::make_shared<const Mapping>(file, offset, count);
  array.mapped_ = reinterpret_cast<const float*>(static_cast<const char*>(mapping->place) + offset);
  array.mapping_ = mapping;
  array.count_ = count;
  return array;
}

void FeatureArray::hide(std::size_t first, std::size_t count) {
  check(first <= size() && count <= size() - first, "a range of the array");
  float* numbers = is_mapped() ? const_cast<float*>(mapped_) : values_.data();
  std::fill_n(numbers + first, count, 0.0F);
}

void FeatureArray::require_unchanged() const {
  if (!is_mapped()) return;

  struct stat status {};

  if (::stat(mapping_->file.c_str(), &status) == 0 && state_of(status) == mapping_->state) return;
  throw DataError(
      fmt::format("{}: was changed while it was in use, so results would mix two corpora; start "
                  "again",
                  mapping_->file.string()));
}

std::vector<float>& FeatureArray::own() {
  if (is_mapped()) *this = std::vector<float>(mapped_, mapped_ + count_);
  return values_;
}

bool operator==(const FeatureArray& x, const FeatureArray& y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end());
}

}  // namespace hardy
