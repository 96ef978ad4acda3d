// Reading and writing of whole files: no partial file is ever visible under its final name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// Reads a whole regular file. Throws DataError when it is missing, a folder, or larger than
/// `max_bytes`; IoError when the system refuses.
std::vector<std::byte> read_file(const std::filesystem::path& file,
                                 std::size_t max_bytes = std::size_t{1} << 40);

/// The same, as text.
std::string read_text_file(const std::filesystem::path& file,
                           std::size_t max_bytes = std::size_t{1} << 30);

/// Writes `bytes` to a temporary name beside `file`, flushes it to the disk, then renames it.
/// Creates missing parent folders. Throws IoError (full disk, read-only folder) and leaves neither
/// a partial nor a temporary file. The parts follow each other in the file, so that large contents
/// need not be contiguous.
void write_file_atomically(const std::filesystem::path& file,
                           const std::vector<std::span<const std::byte>>& parts);
void write_file_atomically(const std::filesystem::path& file, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& file, std::string_view text);

/// Creates a folder of many files: `fill` writes into a temporary folder beside `folder`, which is
/// then renamed. `folder` may exist if it is empty. Creates missing parent folders. After a failure
/// nothing remains, and an IoError names the path below `folder`, never the temporary one.
/// Temporary files of killed processes beside it are removed once they are a day old. Throws
/// IoError when the operating system refuses, and whatever `fill` throws.
void write_folder_atomically(const std::filesystem::path& folder,
                             const std::function<void(const std::filesystem::path&)>& fill);

/// Throws the IoError of a failed write, with a remedy. `error` is a value of errno.
[[noreturn]] void throw_write_error(const std::filesystem::path& file, int error);

/// Creates a folder and its parents. Throws IoError naming the folder and the reason.
void make_folder(const std::filesystem::path& folder);

}  // namespace hardy
