// What processes need that write into one folder without knowing of each other, on one machine or
// on several that share a file system.
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

/// A hidden name beside `file` that nobody else uses: machine, process and 64 random bits, because
/// containers share process numbers and clones of a machine share its name. The name of `file` is
/// no part of it: programs that look for files by a part of their name must not find it.
std::filesystem::path temporary_name(const std::filesystem::path& file);

/// Whether temporary_name() makes such names.
bool is_temporary_name(std::string_view file_name);

/// Removes temporary files and folders in `folder` (not below it) that nobody has touched for a
/// day: what killed processes left. Younger ones may belong to a process that lives, here or
/// elsewhere. What cannot be removed stays.
void remove_old_temporaries(const std::filesystem::path& folder);

/// As write_file_atomically, but a file that is there already stays as it is. Returns whether this
/// call made the file. File systems without hard links get a rename instead, which replaces.
bool write_new_file(const std::filesystem::path& file,
                    const std::vector<std::span<const std::byte>>& parts);

/// How a tensor file meets another of its name.
enum class ExistingFile { kKeep, kReplace };

/// save_tensor_file (hardy/tensor_file.h) with one more text in the metadata. Returns whether the
/// file now holds `contents`: false only for kKeep when there was one.
bool save_tensor_file_as(const std::filesystem::path& file, const TensorFile& contents,
                         const std::string& metadata_name, const std::string& text,
                         ExistingFile existing);

}  // namespace hardy
