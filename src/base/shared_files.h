// File operations for independent processes that write into one folder, on one machine or on
// several with a common file system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

struct TensorFile;

/// The name of this machine, letters, digits and '-' only; at most 32 characters.
std::string host_name();

/// 16 hex digits from the system's random source.
std::string random_hex();

/// A unique hidden name beside `file`: machine, process and 64 random bits, because containers
/// share process numbers and clones of a machine share its name. It does not contain the name of
/// `file`, so that programs which search for files by a part of their name do not find it.
std::filesystem::path temporary_name(const std::filesystem::path& file);

/// Whether a name is one of temporary_name().
bool is_temporary_name(std::string_view file_name);

/// Removes temporary files and folders in `folder` (not below it) that were not touched for a day,
/// which killed processes left. Younger ones may belong to a live process, here or elsewhere.
/// Entries that cannot be removed stay.
void remove_old_temporaries(const std::filesystem::path& folder);

/// Like write_file_atomically, but an existing file stays unchanged. Returns whether this call
/// created the file. On file systems without hard links a rename replaces the file.
bool write_new_file(const std::filesystem::path& file,
                    const std::vector<std::span<const std::byte>>& parts);

/// Policy for an existing tensor file.
enum class ExistingFile { kKeep, kReplace };

/// save_tensor_file (hardy/tensor_file.h) with one more metadata entry. Returns whether the file
/// now holds `contents`: false only for kKeep with an existing file.
bool save_tensor_file_as(const std::filesystem::path& file, const TensorFile& contents,
                         const std::string& metadata_name, const std::string& text,
                         ExistingFile existing);

}  // namespace hardy
