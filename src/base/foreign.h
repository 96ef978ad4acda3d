// Recognises files whose contents do not match their name: failed downloads, files of other
// programs, and side files of operating systems.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace hardy {

/// "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`" for contents that are
/// clearly not text, a .npy file or a plain pickle; "" when nothing is recognised. Reads the first
/// bytes only.
std::string foreign_contents(std::span<const std::byte> bytes);
std::string foreign_contents(std::string_view bytes);

/// The same of the beginning of a file; "" as well when it cannot be read.
std::string foreign_file(const std::filesystem::path& file);

/// Whether a name belongs to a file or folder that an operating system left beside the data: a name
/// that starts with a dot (._x, .DS_Store, .ipynb_checkpoints), `__MACOSX`, `Thumbs.db`,
/// `desktop.ini`. Readers ignore such entries.
bool is_side_file(std::string_view name);

}  // namespace hardy
