// SHA256SUMS of a folder: checksums of its files when they were written, in the form of `sha256sum
// --check SHA256SUMS`.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hardy {

inline constexpr const char* kChecksumFile = "SHA256SUMS";

/// Writes the list for `names`, paths within the folder. `coming`: texts of files that will be
/// written later. Throws IoError.
void write_checksums(const std::filesystem::path& folder, const std::vector<std::string>& names,
                     const std::map<std::string, std::string>& coming = {});

/// Findings on the files of a list: missing, changed, or a damaged list. Empty without a list.
/// Throws IoError when a file cannot be read.
std::vector<std::string> checksum_findings(const std::filesystem::path& folder);

/// The names in a folder's list, in order; empty without a list or when it is damaged.
std::vector<std::string> listed_files(const std::filesystem::path& folder);

/// The finding on one file of a folder with a list; nothing when it is unchanged or there is no
/// list.
std::optional<std::string> checksum_finding(const std::filesystem::path& folder,
                                            const std::string& name);

/// The same for a file beside its list. Throws ArtifactError naming file and remedy.
void verify_listed_file(const std::filesystem::path& file);

/// The same for a file of a folder with a list, by its path within the folder.
void verify_listed_file(const std::filesystem::path& folder, const std::string& name);

}  // namespace hardy
