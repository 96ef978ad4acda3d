// SHA256SUMS of a folder: what its files were when they were written. `sha256sum --check
// SHA256SUMS` reads the same.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hardy {

inline constexpr const char* kChecksumFile = "SHA256SUMS";

/// Writes the list over `names`, paths within the folder. `coming` are texts of files that are
/// about to be written. Throws IoError.
void write_checksums(const std::filesystem::path& folder, const std::vector<std::string>& names,
                     const std::map<std::string, std::string>& coming = {});

/// What is wrong with the files of a list, one finding each: missing, changed, a damaged list.
/// Empty without a list. Throws IoError when a file cannot be read.
std::vector<std::string> checksum_findings(const std::filesystem::path& folder);

/// The names that the list of a folder holds, in its order; empty without one or when it is
/// damaged.
std::vector<std::string> listed_files(const std::filesystem::path& folder);

/// What is wrong with one file of a folder that has a list; nothing when it is what was written, or
/// there is no list.
std::optional<std::string> checksum_finding(const std::filesystem::path& folder,
                                            const std::string& name);

/// The same for a file beside its list. Throws ArtifactError that names file and remedy.
void verify_listed_file(const std::filesystem::path& file);

}  // namespace hardy
