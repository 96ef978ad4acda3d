#include "base/checksum_list.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/checksum.h"
#include "base/files.h"
#include "base/utf8.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigits = 64;
constexpr std::size_t kMaxListBytes = std::size_t{64} << 20;

struct ChecksumList {
  std::vector<std::pair<std::string, std::string>> entries;  ///< name, digest
  std::string problem;                                       ///< empty = well-formed
};

bool is_digest(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
  });
}

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(file, ignored));
}

/// Whether a name stays inside the folder.
bool is_inside(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() &&
         std::find(path.begin(), path.end(), "..") == path.end();
}

ChecksumList read_list(const fs::path& folder) {
  ChecksumList list;
  std::error_code ignored;
  if (!fs::is_regular_file(folder / kChecksumFile, ignored)) {
    list.problem = fmt::format("{}: not a regular file", kChecksumFile);
    return list;
  }
  const std::string text = read_text_file(folder / kChecksumFile, kMaxListBytes);
  std::string_view rest = text;
  for (std::size_t number = 1; !rest.empty() && list.problem.empty(); ++number) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    const bool is_whole = end != rest.npos && line.size() > kDigits + 2 &&
                          is_digest(line.substr(0, kDigits)) && line.substr(kDigits, 2) == "  ";
    std::string name(is_whole ? line.substr(kDigits + 2) : "");
    const bool is_new = std::none_of(list.entries.begin(), list.entries.end(),
                                     [&](const auto& entry) { return entry.first == name; });
    if (!is_whole || !is_inside(name) || !is_new) {
      list.problem =
          fmt::format("{}, line {}: damaged, or a name is given twice", kChecksumFile, number);
      break;
    }
    list.entries.emplace_back(std::move(name), line.substr(0, kDigits));
    rest.remove_prefix(end + 1);
  }
  if (list.entries.empty() && list.problem.empty()) {
    list.problem = fmt::format("{}: empty", kChecksumFile);
  }
  return list;
}

std::optional<std::string> finding(const fs::path& folder, const std::string& name,
                                   const std::string& digest) {
  if (!is_there(folder / name)) return fmt::format("{}: missing", shown(name));
  if (!fs::is_regular_file(folder / name) || sha256_file(folder / name) != digest) {
    return fmt::format("{}: not what was written (its SHA-256 differs from {})", shown(name),
                       kChecksumFile);
  }
  return std::nullopt;
}

}  // namespace

void write_checksums(const fs::path& folder, const std::vector<std::string>& names,
                     const std::map<std::string, std::string>& coming) {
  std::map<std::string, std::string> digests;
  for (const auto& name : names) digests[name] = sha256_file(folder / name);
  for (const auto& [name, text] : coming) digests[name] = sha256(text);
  std::string text;
  for (const auto& [name, digest] : digests) text += fmt::format("{}  {}\n", digest, name);
  write_file_atomically(folder / kChecksumFile, text);
}

std::vector<std::string> checksum_findings(const fs::path& folder) {
  if (!is_there(folder / kChecksumFile)) return {};
  const ChecksumList list = read_list(folder);
  if (!list.problem.empty()) return {list.problem};
  std::vector<std::string> findings;
  for (const auto& [name, digest] : list.entries) {
    if (auto found = finding(folder, name, digest)) findings.push_back(std::move(*found));
  }
  return findings;
}

std::vector<std::string> listed_files(const fs::path& folder) {
  std::vector<std::string> names;
  if (!is_there(folder / kChecksumFile)) return names;
  const ChecksumList list = read_list(folder);
  for (const auto& entry : list.entries) names.push_back(entry.first);
  return list.problem.empty() ? names : std::vector<std::string>{};
}

std::optional<std::string> checksum_finding(const fs::path& folder, const std::string& name) {
  if (!is_there(folder / kChecksumFile)) return std::nullopt;
  const ChecksumList list = read_list(folder);
  if (!list.problem.empty()) return list.problem;
  for (const auto& [listed, digest] : list.entries) {
    if (listed == name) return finding(folder, name, digest);
  }
  return fmt::format("{}: not among the files of {}", shown(name), kChecksumFile);
}

void verify_listed_file(const fs::path& file) {
  verify_listed_file(file.parent_path(), file.filename().string());
}

void verify_listed_file(const fs::path& folder, const std::string& name) {
  if (const auto found = checksum_finding(folder, name)) {
    throw ArtifactError(fmt::format(
        "{}: damaged: {}; `hardy check` names everything that is, running again writes it anew",
        (folder / name).string(), *found));
  }
}

}  // namespace hardy
