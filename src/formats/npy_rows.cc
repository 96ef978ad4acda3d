// Large .npy files, written by several threads.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <mutex>
#include <thread>

#include "base/descriptor.h"
#include "base/files.h"
#include "formats/npy.h"

namespace hardy {
namespace {

constexpr std::int64_t kRowsOfARun = 512;

void write_at(int descriptor, std::span<const std::byte> bytes, std::size_t offset,
              const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const auto written =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw_write_error(file, written < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::size_t>(written);
  }
}

}  // namespace

void save_npy_rows(const std::filesystem::path& file, std::int64_t rows, std::int64_t width,
                   int jobs,
                   const std::function<void(std::int64_t first, std::span<float> rows)>& fill) {
  Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (descriptor.number() < 0) throw_write_error(file, errno);
  const std::string header = format_npy_header({rows, width});
  write_at(descriptor.number(), std::as_bytes(std::span(header)), 0, file);
  std::atomic<std::int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto write_runs = [&] {
    try {
      std::vector<float> run;
      while (true) {
        const std::int64_t first = next.fetch_add(kRowsOfARun);
        if (first >= rows) return;
        const auto count = std::min(kRowsOfARun, rows - first);
        run.assign(static_cast<std::size_t>(count * width), 0.0F);
        fill(first, run);
        const auto before = static_cast<std::size_t>(first * width) * sizeof(float);
        write_at(descriptor.number(), std::as_bytes(std::span(run)), header.size() + before, file);
      }
    } catch (...) {
      next = rows;  // the other threads stop
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (int job = 1; job < jobs; ++job) threads.emplace_back(write_runs);
  write_runs();
  for (auto& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  const bool is_kept = ::fsync(descriptor.number()) == 0;
  const int error = errno;
  if (!is_kept || descriptor.close() != 0) throw_write_error(file, is_kept ? errno : error);
}

}  // namespace hardy
