// Whole files in, whole files out: nothing half-written is ever visible under its final name.
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
/// a partial file nor the temporary one.
/// The parts follow each other in the file; large contents need no copy in one piece.
void write_file_atomically(const std::filesystem::path& file,
                           const std::vector<std::span<const std::byte>>& parts);
void write_file_atomically(const std::filesystem::path& file, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& file, std::string_view text);

/// Creates a folder of many files: `fill` writes into a temporary folder beside `folder`, which is
/// then renamed. `folder` may exist when it is empty. Creates missing parent folders. On a failure
/// nothing else stays, and an IoError names the path below `folder`, never the temporary one. What
/// killed processes left beside it more than a day ago is removed.
/// Throws IoError when the system refuses, and whatever `fill` throws.
void write_folder_atomically(const std::filesystem::path& folder,
                             const std::function<void(const std::filesystem::path&)>& fill);

/// Throws the IoError of an entry that could not be written, with what the user can do about it.
/// `error` is a value of errno.
[[noreturn]] void throw_write_error(const std::filesystem::path& file, int error);

/// Creates a folder and its parents. Throws IoError naming the folder and the reason.
void make_folder(const std::filesystem::path& folder);

}  // namespace hardy
