#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/shared_files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

std::string reason() { return std::strerror(errno); }

template <typename Container>
Container read_whole(const std::filesystem::path& file, std::size_t max_bytes) {
  // Without O_NONBLOCK opening a named pipe waits for its writer; on regular files it has no
  // effect.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (descriptor.number() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw DataError(fmt::format("{}: no such file", file.string()));
    }
    throw IoError(fmt::format("{}: cannot be opened: {}", file.string(), reason()));
  }

  struct stat status {};

  if (::fstat(descriptor.number(), &status) != 0) {
    throw IoError(fmt::format("{}: {}", file.string(), reason()));
  }
  if (!S_ISREG(status.st_mode)) {
    throw DataError(fmt::format("{}: not a regular file", file.string()));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > max_bytes) {
    throw DataError(fmt::format("{}: {} bytes are more than the {} this reader accepts",
                                file.string(), size, max_bytes));
  }
  Container bytes(size, typename Container::value_type{});
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(descriptor.number(), bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(fmt::format("{}: reading failed: {}", file.string(), reason()));
    if (got == 0) break;  // the file shrank during the read
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

/// `text` with the temporary path replaced by the final one.
std::string with_final_name(std::string text, const std::string& temporary,
                            const std::string& final_name) {
  for (std::size_t at = text.find(temporary); at != std::string::npos;
       at = text.find(temporary, at + final_name.size())) {
    text.replace(at, temporary.size(), final_name);
  }
  return text;
}

/// Writes everything to a new file and flushes it to the disk. Returns 0, or a value of errno after
/// removing the file.
int write_whole(const std::filesystem::path& file,
                const std::vector<std::span<const std::byte>>& parts) {
  Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (descriptor.number() < 0) return errno;
  const auto fail = [&](int error) {
    descriptor.close();
    ::unlink(file.c_str());
    return error;
  };
  for (auto left : parts) {
    while (!left.empty()) {
      const ssize_t put = ::write(descriptor.number(), left.data(), left.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail(errno);
      left = left.subspan(static_cast<std::size_t>(put));
    }
  }
  if (::fsync(descriptor.number()) != 0 && errno != EINVAL) return fail(errno);
  if (descriptor.close() != 0) return fail(errno);
  return 0;
}

/// Writes everything to a temporary file beside `file` and returns its name.
std::filesystem::path write_beside(const std::filesystem::path& file,
                                   const std::vector<std::span<const std::byte>>& parts) {
  const auto temporary = temporary_name(file);
  constexpr int kTries = 3;
  int error = 0;
  for (int i = 0; i < kTries; ++i) {
    if (file.has_parent_path()) make_folder(file.parent_path());
    error = write_whole(temporary, parts);
    // Another process may have removed the empty folder since (`hardy cache clear`).
    if (error != ENOENT) break;
  }
  if (error != 0) throw_write_error(file, error);
  return temporary;
}

/// Renames, or removes `temporary` and throws the error of writing `file`.
void put_in_place(const std::filesystem::path& temporary, const std::filesystem::path& file) {
  if (::rename(temporary.c_str(), file.c_str()) == 0) return;
  const int error = errno;
  ::unlink(temporary.c_str());
  throw_write_error(file, error);
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& file, std::size_t max_bytes) {
  return read_whole<std::vector<std::byte>>(file, max_bytes);
}

std::string read_text_file(const std::filesystem::path& file, std::size_t max_bytes) {
  return read_whole<std::string>(file, max_bytes);
}

void throw_write_error(const std::filesystem::path& file, int error) {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) hint = "; free some space or choose another folder";
  if (error == EROFS || error == EACCES || error == EPERM) {
    hint = "; choose a folder that you may write to";
  }
  if (error == EBUSY || error == EXDEV) hint = "; choose a new folder, not a mounted one";
  if (error == EISDIR || error == ENOTEMPTY || error == EEXIST || error == ENOTDIR) {
    hint = "; move away what is in the way, or choose another folder";
  }
  if (error == EFBIG) hint = "; raise the limit of file sizes (ulimit -f) or choose another folder";
  throw IoError(
      fmt::format("{}: cannot be written: {}{}", file.string(), std::strerror(error), hint));
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw_write_error(folder, error.value());
}

void write_file_atomically(const std::filesystem::path& file,
                           const std::vector<std::span<const std::byte>>& parts) {
  const auto temporary = write_beside(file, parts);
  put_in_place(temporary, file);
}

bool write_new_file(const std::filesystem::path& file,
                    const std::vector<std::span<const std::byte>>& parts) {
  const auto temporary = write_beside(file, parts);
  // rename would replace a file in use: on NFS its readers would lose it (ESTALE).
  if (::link(temporary.c_str(), file.c_str()) == 0) {
    ::unlink(temporary.c_str());
    return true;
  }
  if (errno == EEXIST) {
    ::unlink(temporary.c_str());
    return false;
  }
  // No hard links on this file system (FAT, some network file systems): replacing is the only way.
  put_in_place(temporary, file);
  return true;
}

void write_folder_atomically(const std::filesystem::path& folder,
                             const std::function<void(const std::filesystem::path&)>& fill) {
  // "out/" is "out".
  const auto target = folder.has_filename() ? folder : folder.parent_path();
  auto whole = std::filesystem::absolute(target).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // the path is "."
  if (target.has_parent_path()) make_folder(target.parent_path());
  remove_old_temporaries(whole.parent_path());
  const auto temporary = temporary_name(whole);
  try {
    if (::mkdir(temporary.c_str(), 0777) != 0) throw_write_error(target, errno);
    fill(temporary);
    if (::rename(temporary.c_str(), whole.c_str()) != 0) throw_write_error(target, errno);
  } catch (const Error& error) {
    std::error_code ignored;
    std::filesystem::remove_all(temporary, ignored);
    if (error.kind() != ErrorKind::kIo) throw;
    throw IoError(with_final_name(error.what(), temporary.string(), target.string()));
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(temporary, ignored);
    throw;
  }
}

void write_file_atomically(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  write_file_atomically(file, std::vector{bytes});
}

void write_file_atomically(const std::filesystem::path& file, std::string_view text) {
  write_file_atomically(file, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace hardy
