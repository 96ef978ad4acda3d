#include "corpus/feature_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/foreign.h"
#include "formats/npy.h"
#include "formats/npy_cells.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kFirstBuffer = std::size_t{1} << 16;
constexpr std::size_t kMaxFeatureFile = std::size_t{1} << 30;
constexpr std::string_view kSuffix = ".npy";

bool is_link(int folder, const std::string& name) {
  char target = 0;
  return ::readlinkat(folder, name.c_str(), &target, 1) > 0;
}

/// Reads a file into a reused buffer that grows as needed. Returns nothing if there is no such
/// file; throws DataError when it is unreadable.
std::optional<std::span<const std::byte>> read_into(int folder, const std::string& name,
                                                    std::vector<std::byte>& buffer) {
  // O_NONBLOCK: a pipe in place of a file must not block the program.
  const int number = ::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (number < 0) {
    const bool is_absent = errno == ENOENT || errno == ENOTDIR;
    if (is_absent && !is_link(folder, name)) return std::nullopt;
    if (is_absent) throw DataError("it is a link that leads nowhere; restore what it points to");
    throw DataError(fmt::format("it cannot be opened: {}", std::strerror(errno)));
  }
  std::size_t size = 0;
  int error = 0;
  while (true) {
    if (size == buffer.size()) buffer.resize(std::max(kFirstBuffer, 2 * buffer.size()));
    const ssize_t got = ::read(number, buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
    if (size < buffer.size()) break;  // a short read of a regular file is its end
    if (size > kMaxFeatureFile) error = EFBIG;
    if (error != 0) break;
  }
  ::close(number);
  if (error != 0) throw DataError(fmt::format("it cannot be read: {}", std::strerror(error)));
  return std::span<const std::byte>(buffer.data(), size);
}

/// Names of the .npy files in a folder, sorted.
std::vector<std::string> list_npy(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::string name = entry.path().filename().string();
    if (name.ends_with(kSuffix) && !is_side_file(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

OpenFolder::OpenFolder(const std::filesystem::path& path)
    : number_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

OpenFolder::~OpenFolder() {
  if (number_ >= 0) ::close(number_);
}

FeatureSource::FeatureSource(std::string name, std::filesystem::path where)
    : modality(std::move(name)), path(std::move(where)), folder(path) {
  if (folder.number() < 0) {
    throw DataError(fmt::format("{}: feature folder cannot be opened: {}", path.string(),
                                std::strerror(errno)));
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(path.c_str()), ::closedir);
  if (!handle) return;
  while (const dirent* entry = ::readdir(handle.get())) {
    const std::string file = entry->d_name;
    if (is_side_file(file)) continue;
    bool is_folder = entry->d_type == DT_DIR;
    if (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) {
      std::error_code ignored;
      is_folder = std::filesystem::is_directory(path / file, ignored);
    }
    const bool is_array = file.ends_with(kSuffix);
    if (!is_array && !is_folder) continue;
    require_readable_name(path, file);
    // A folder called UID.npy is treated as the file and then refused.
    if (is_folder && !is_array) {
      entries.try_emplace(normal_form(file), FeatureEntry{EntryKind::kFolder, file});
    } else {
      // A file takes precedence over a folder of its name.
      const std::string id = file.substr(0, file.size() - kSuffix.size());
      entries[normal_form(id)] = {EntryKind::kFile, file};
    }
  }
}

FeatureOutcome FeatureReader::read(const FeatureRequest& request) {
  bad_cell_.clear();
  left_out_ = 0;
  const auto found = source_.entries.find(request.id);
  if (found == source_.entries.end()) return FeatureOutcome::kMissing;
  const FeatureEntry& entry = found->second;
  if (entry.kind == EntryKind::kFile) return read_file(entry.name);
  if (!request.face.empty()) return read_face(request, entry.name);
  return read_mean(entry.name, list_npy(source_.path / entry.name));
}

FeatureOutcome FeatureReader::read_file(const std::string& name) {
  try {
    const auto bytes = read_into(source_.folder.number(), name, scratch_.bytes);
    if (!bytes) return FeatureOutcome::kMissing;
    read_npy_feature(*bytes, (source_.path / name).native(), scratch_.feature);
    return finish(*bytes, name);
  } catch (const DataError& error) {
    const std::string what = error.what();
    const std::string file = (source_.path / name).string();
    throw DataError(what.starts_with(file) ? what : fmt::format("{}: {}", file, what));
  }
}

/// Handles unusable values.
FeatureOutcome FeatureReader::finish(std::span<const std::byte> bytes, const std::string& name) {
  auto& feature = scratch_.feature;
  if (feature.empty()) return FeatureOutcome::kEmpty;
  const bool is_fine = std::all_of(feature.begin(), feature.end(),
                                   [](float x) { return is_usable(x, kLargestFeature); });
  if (is_fine) return FeatureOutcome::kRead;
  const std::string file = (source_.path / name).string();
  if (bad_ == BadFeatures::kMissing) return FeatureOutcome::kUnusable;
  if (bad_ == BadFeatures::kSkipFrames) {
    left_out_ += read_usable_frames(bytes, file, kLargestFeature, feature);
    return feature.empty() ? FeatureOutcome::kUnusable : FeatureOutcome::kRead;
  }
  if (!bad_cell_.empty()) return FeatureOutcome::kRead;
  const auto cell = find_bad_cell(bytes, file, kLargestFeature);
  bad_cell_ = fmt::format("{}: {}", name, cell ? cell->text() : "its mean is beyond float32");
  return FeatureOutcome::kRead;
}

FeatureOutcome FeatureReader::read_face(const FeatureRequest& request, const std::string& folder) {
  // The file names of the public feature sets, tried before the folder is listed.
  const auto usual = read_file(fmt::format("{}/compress_{}.npy", folder, request.face));
  if (usual != FeatureOutcome::kMissing) return usual;
  const auto names = list_npy(source_.path / folder);
  std::vector<std::string> mine;
  bool has_faces = false;
  for (const auto& name : names) {
    if (name.find(request.face) != std::string::npos) mine.push_back(name);
    has_faces = has_faces || name.find_first_of("FM") != std::string::npos;
  }
  if (!has_faces) return read_mean(folder, names);
  if (mine.empty()) return FeatureOutcome::kMissing;
  if (mine.size() == 1) return read_file(folder + "/" + mine[0]);
  throw DataError(fmt::format("{}: {} files hold the letter {} of the speaker; keep one",
                              (source_.path / folder).string(), mine.size(), request.face));
}

FeatureOutcome FeatureReader::read_mean(const std::string& folder,
                                        const std::vector<std::string>& names) {
  if (names.empty()) return FeatureOutcome::kMissing;
  std::vector<double> sums;
  std::size_t count = 0;
  bool is_unusable = false;
  for (const auto& name : names) {
    const auto outcome = read_file(folder + "/" + name);
    if (outcome == FeatureOutcome::kUnusable) {
      if (bad_ == BadFeatures::kMissing) return outcome;
      is_unusable = true;
    }
    if (outcome != FeatureOutcome::kRead) continue;
    if (count == 0) sums.assign(scratch_.feature.size(), 0.0);
    if (sums.size() != scratch_.feature.size()) {
      throw DataError(fmt::format("{}: {} values where the files before it have {}",
                                  (source_.path / folder / name).string(), scratch_.feature.size(),
                                  sums.size()));
    }
    for (std::size_t d = 0; d < sums.size(); ++d) {
      sums[d] += static_cast<double>(scratch_.feature[d]);
    }
    ++count;
  }
  scratch_.feature.clear();
  for (const double sum : sums) {
    scratch_.feature.push_back(static_cast<float>(sum / static_cast<double>(count)));
  }
  if (!scratch_.feature.empty()) return FeatureOutcome::kRead;
  return is_unusable ? FeatureOutcome::kUnusable : FeatureOutcome::kEmpty;
}

}  // namespace hardy
