#include "base/scratch_array.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"
#include "base/files.h"
#include "base/shared_files.h"

namespace hardy {

ScratchArray::ScratchArray(const std::filesystem::path& folder, std::size_t count) : count_(count) {
  const auto home = folder.empty() ? std::filesystem::temp_directory_path() : folder;
  make_folder(home);
  const auto file = temporary_name(home / "scratch");
  const Descriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (descriptor.number() < 0) throw_write_error(file, errno);
  (void)::unlink(file.c_str());
  const std::size_t bytes = count * sizeof(float);
  // A full disk must be an error here rather than a signal at some later write.
  const int error = ::posix_fallocate(descriptor.number(), 0, static_cast<off_t>(bytes));
  if (error != 0) throw_write_error(file, error);
  void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.number(), 0);
  if (place == MAP_FAILED) throw_write_error(file, errno);
  place_ = static_cast<float*>(place);
}

ScratchArray::~ScratchArray() { ::munmap(place_, count_ * sizeof(float)); }

}  // namespace hardy
