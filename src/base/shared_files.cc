#include "base/shared_files.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryPrefix = ".hardy-tmp-";

bool is_plain_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '-';
}

}  // namespace

std::string host_name() {
  constexpr std::size_t kMostLetters = 32;
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "unknown";
  std::string name(buffer.data());
  std::replace_if(
      name.begin(), name.end(), [](char letter) { return !is_plain_letter(letter); }, '-');
  return name.empty() ? "unknown" : name.substr(0, kMostLetters);
}

std::string random_hex() {
  std::uint64_t bits = 0;
  // getrandom(2) returns eight bytes without interruption.
  if (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
    throw IoError(fmt::format("no random bits from the system: {}", std::strerror(errno)));
  }
  return fmt::format("{:016x}", bits);
}

fs::path temporary_name(const fs::path& file) {
  return file.parent_path() /
         fmt::format("{}{}-{}-{}", kTemporaryPrefix, host_name(), ::getpid(), random_hex());
}

bool is_temporary_name(std::string_view file_name) {
  return file_name.starts_with(kTemporaryPrefix);
}

void remove_old_temporaries(const fs::path& folder) {
  using std::chrono::hours;
  const auto limit = fs::file_time_type::clock::now() - hours(24);
  std::error_code ignored;
  std::vector<fs::path> old;
  fs::directory_iterator entries(folder, ignored);
  for (; !ignored && entries != fs::directory_iterator(); entries.increment(ignored)) {
    if (!is_temporary_name(entries->path().filename().string())) continue;
    std::error_code gone;
    const auto touched = entries->last_write_time(gone);
    if (!gone && touched < limit) old.push_back(entries->path());
  }
  for (const auto& path : old) fs::remove_all(path, ignored);
}

}  // namespace hardy
