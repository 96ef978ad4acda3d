#include "corpus/feature_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "formats/npy.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kFirstBuffer = std::size_t{1} << 16;
constexpr std::size_t kMaxFeatureFile = std::size_t{1} << 30;
constexpr std::int64_t kProbes = 7;
constexpr std::int64_t kChunk = 64;
constexpr std::string_view kSuffix = ".npy";

enum class EntryKind { kFile, kFolder };

/// An open folder: files are opened relative to it, which spares the kernel the path.
class OpenFolder {
 public:
  explicit OpenFolder(const std::filesystem::path& path)
      : number_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

  OpenFolder(OpenFolder&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;

  ~OpenFolder() {
    if (number_ >= 0) ::close(number_);
  }

  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

/// Reads a file into a buffer that grows as needed and is reused. Returns nothing when there is no
/// such file; throws DataError when it cannot be read.
std::optional<std::span<const std::byte>> read_into(int folder, const std::string& name,
                                                    std::vector<std::byte>& buffer) {
  // O_NONBLOCK: a pipe put in place of a file must not stop the program.
  const int number = ::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (number < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
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
    if (name.ends_with(kSuffix)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// One modality while it is read.
struct Source {
  std::string modality;
  std::filesystem::path path;
  OpenFolder folder;
  std::unordered_map<std::string, EntryKind> entries;  ///< by utterance id, from one listing

  Source(std::string name, std::filesystem::path where)
      : modality(std::move(name)), path(std::move(where)), folder(path) {
    if (folder.number() < 0) {
      throw DataError(fmt::format("{}: feature folder cannot be opened: {}", path.string(),
                                  std::strerror(errno)));
    }
    list();
  }

 private:
  void list() {
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(path.c_str()), ::closedir);
    if (!handle) return;
    while (const dirent* entry = ::readdir(handle.get())) {
      std::string name = entry->d_name;
      if (name.starts_with('.')) continue;
      bool is_folder = entry->d_type == DT_DIR;
      if (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) {
        std::error_code ignored;
        is_folder = std::filesystem::is_directory(path / name, ignored);
      }
      // A folder called <uid>.npy is taken for the file that it pretends to be, and then refused.
      if (is_folder && !name.ends_with(kSuffix)) {
        entries.try_emplace(std::move(name), EntryKind::kFolder);
      } else if (name.ends_with(kSuffix)) {
        name.resize(name.size() - kSuffix.size());
        entries[std::move(name)] = EntryKind::kFile;  // a file goes before a folder of its name
      }
    }
  }
};

/// A thread's reusable memory.
struct Scratch {
  std::vector<std::byte> bytes;
  std::vector<float> feature;
  std::vector<float> part;
};

enum class Outcome { kRead, kEmpty, kMissing };

/// Reads single features of one source.
class FeatureReader {
 public:
  FeatureReader(const Source& source, Scratch& scratch) : source_(source), scratch_(scratch) {}

  /// Fills scratch.feature. Throws DataError naming the file.
  Outcome read(const FeatureRequest& request) {
    const auto found = source_.entries.find(request.id);
    if (found == source_.entries.end()) return Outcome::kMissing;
    if (found->second == EntryKind::kFile) return read_file(request.id + std::string(kSuffix));
    if (!request.face.empty()) return read_face(request);
    return read_mean(request.id, list_npy(source_.path / request.id));
  }

 private:
  Outcome read_file(const std::string& name) {
    try {
      const auto bytes = read_into(source_.folder.number(), name, scratch_.bytes);
      if (!bytes) return Outcome::kMissing;
      read_npy_feature(*bytes, (source_.path / name).native(), scratch_.feature);
    } catch (Error& error) {
      const std::string file = (source_.path / name).string();
      const bool names_file = std::string_view(error.what()).starts_with(file);
      if (error.kind() == ErrorKind::kData && !names_file) error.add_context(file);
      throw;
    }
    return scratch_.feature.empty() ? Outcome::kEmpty : Outcome::kRead;
  }

  Outcome read_face(const FeatureRequest& request) {
    // The names of the public feature sets, tried before the folder is listed.
    const Outcome usual = read_file(fmt::format("{}/compress_{}.npy", request.id, request.face));
    if (usual != Outcome::kMissing) return usual;
    const auto names = list_npy(source_.path / request.id);
    std::vector<std::string> mine;
    bool has_faces = false;
    for (const auto& name : names) {
      if (name.find(request.face) != std::string::npos) mine.push_back(name);
      has_faces = has_faces || name.find_first_of("FM") != std::string::npos;
    }
    if (!has_faces) return read_mean(request.id, names);
    if (mine.empty()) return Outcome::kMissing;
    if (mine.size() == 1) return read_file(request.id + "/" + mine[0]);
    throw DataError(fmt::format("{}: {} files hold the letter {} of the speaker; keep one",
                                (source_.path / request.id).string(), mine.size(), request.face));
  }

  Outcome read_mean(const std::string& id, const std::vector<std::string>& names) {
    if (names.empty()) return Outcome::kMissing;
    std::vector<double> sums;
    std::size_t count = 0;
    for (const auto& name : names) {
      if (read_file(id + "/" + name) != Outcome::kRead) continue;
      if (count == 0) sums.assign(scratch_.feature.size(), 0.0);
      if (sums.size() != scratch_.feature.size()) {
        throw DataError(fmt::format("{}: {} values where the files before it have {}",
                                    (source_.path / id / name).string(), scratch_.feature.size(),
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
    return scratch_.feature.empty() ? Outcome::kEmpty : Outcome::kRead;
  }

  const Source& source_;
  Scratch& scratch_;
};

/// The commonest width among a few features spread over the corpus; 0 when none could be read.
std::int64_t probe_width(const Source& source, const std::vector<FeatureRequest>& requests) {
  Scratch scratch;
  std::map<std::size_t, int> votes;
  int probed = 0;
  const auto size = static_cast<std::int64_t>(requests.size());
  // A stride that walks the whole corpus until enough features were found.
  const std::int64_t stride = std::max<std::int64_t>(1, size / kProbes);
  for (std::int64_t start = 0; start < stride && probed < kProbes; ++start) {
    for (std::int64_t i = start; i < size && probed < kProbes; i += stride) {
      try {
        FeatureReader reader(source, scratch);
        if (reader.read(requests[static_cast<std::size_t>(i)]) != Outcome::kRead) continue;
        ++votes[scratch.feature.size()];
        ++probed;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kData) throw;
        continue;  // reported when the whole corpus is read
      }
    }
  }
  const auto best = std::max_element(
      votes.begin(), votes.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
  return best == votes.end() ? 0 : static_cast<std::int64_t>(best->first);
}

/// A problem and the place that orders it.
struct Placed {
  std::size_t modality;
  std::size_t utterance;
  Finding finding;
};

/// Reads rows of the result; one per thread.
class Worker {
 public:
  Worker(const std::vector<Source>& sources, const std::vector<FeatureRequest>& requests,
         std::vector<ModalityData>& result)
      : sources_(sources), requests_(requests), result_(result) {}

  void read(std::size_t m, std::size_t i) {
    ModalityData& modality = result_[m];
    const auto width = static_cast<std::size_t>(modality.width);
    try {
      const Outcome outcome = FeatureReader(sources_[m], scratch_).read(requests_[i]);
      if (outcome == Outcome::kMissing) {
        return add(m, i, Severity::kWarning, "missing-file", "there is no feature file",
                   "extract it; until then the modality counts as missing there");
      }
      modality.present[i] = 1;
      if (outcome == Outcome::kEmpty) {
        return add(m, i, Severity::kNote, "empty-feature", "the array is empty",
                   "zeros are used, as the public readers do");
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kData) throw;
      return add(m, i, Severity::kError, "unreadable-file", error.what(), "extract it again");
    }
    if (scratch_.feature.size() != width) {
      return add(
          m, i, Severity::kError, "wrong-width",
          fmt::format("it has {} values, the others have {}", scratch_.feature.size(), width),
          "extract it again with the same model as the others");
    }
    std::copy(scratch_.feature.begin(), scratch_.feature.end(),
              modality.features.begin() + static_cast<std::ptrdiff_t>(i * width));
    check_finite(m, i);
  }

  std::vector<Placed>& problems() { return problems_; }

 private:
  void check_finite(std::size_t m, std::size_t i) {
    const auto bad = std::find_if(scratch_.feature.begin(), scratch_.feature.end(),
                                  [](float x) { return !std::isfinite(x); });
    if (bad == scratch_.feature.end()) return;
    add(m, i, Severity::kError, "not-finite",
        fmt::format("value {} is {}", bad - scratch_.feature.begin(), *bad), "extract it again");
  }

  void add(std::size_t m, std::size_t i, Severity severity, const char* kind,
           const std::string& what, const char* remedy) {
    const std::string where = fmt::format("{} of {}", sources_[m].path.string(), requests_[i].id);
    problems_.push_back({m, i, {severity, kind, where, what, remedy}});
  }

  const std::vector<Source>& sources_;
  const std::vector<FeatureRequest>& requests_;
  std::vector<ModalityData>& result_;
  Scratch scratch_;
  std::vector<Placed> problems_;
};

/// Lets `jobs` threads read all rows, a chunk at a time.
void read_all(std::vector<Worker>& workers, std::size_t modalities, std::int64_t size) {
  const std::int64_t chunks = (size + kChunk - 1) / kChunk;
  std::atomic<std::int64_t> next{0};
  const auto work = [&](Worker& worker) {
    while (true) {
      const std::int64_t chunk = next.fetch_add(1);
      if (chunk >= chunks * static_cast<std::int64_t>(modalities)) return;
      const auto m = static_cast<std::size_t>(chunk / chunks);
      const std::int64_t first = (chunk % chunks) * kChunk;
      for (std::int64_t i = first; i < std::min(first + kChunk, size); ++i) {
        worker.read(m, static_cast<std::size_t>(i));
      }
    }
  };
  std::vector<std::exception_ptr> failures(workers.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < workers.size(); ++t) {
    threads.emplace_back([&, t] {
      try {
        work(workers[t]);
      } catch (...) {
        failures[t] = std::current_exception();  // rethrown below, in the caller's thread
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

void check_modality(const Source& source, const ModalityData& modality,
                    std::vector<Finding>& findings) {
  const auto size = static_cast<std::int64_t>(modality.present.size());
  const auto found = std::count(modality.present.begin(), modality.present.end(), 1);
  if (2 * found >= size) return;
  findings.push_back(
      {Severity::kError, "wrong-folder", source.path.string(),
       fmt::format("it holds features of only {} of {} utterances ({} entries in all)", found, size,
                   source.entries.size()),
       "probably the wrong folder for these labels: choose others with --features and --labels"});
}

}  // namespace

std::vector<ModalityData> load_feature_folders(const std::vector<FeatureFolder>& folders,
                                               const std::vector<FeatureRequest>& requests,
                                               int jobs, std::vector<Finding>& findings) {
  std::vector<Source> sources;
  std::vector<ModalityData> result;
  for (const auto& [name, path] : folders) {
    const Source& source = sources.emplace_back(name, path);
    ModalityData& modality = result.emplace_back();
    modality.name = name;
    modality.width = std::max<std::int64_t>(1, probe_width(source, requests));
    modality.features.assign(requests.size() * static_cast<std::size_t>(modality.width), 0.0F);
    modality.present.assign(requests.size(), 0);
  }
  std::vector<Worker> workers;
  for (int j = 0; j < std::max(1, jobs); ++j) workers.emplace_back(sources, requests, result);
  read_all(workers, sources.size(), static_cast<std::int64_t>(requests.size()));

  std::vector<Placed> problems;
  for (auto& worker : workers) {
    std::move(worker.problems().begin(), worker.problems().end(), std::back_inserter(problems));
  }
  std::sort(problems.begin(), problems.end(), [](const Placed& x, const Placed& y) {
    return std::pair(x.modality, x.utterance) < std::pair(y.modality, y.utterance);
  });
  for (std::size_t m = 0; m < sources.size(); ++m) check_modality(sources[m], result[m], findings);
  for (auto& problem : problems) findings.push_back(std::move(problem.finding));
  return result;
}

bool is_feature_folder(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::error_code ignored;
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) continue;
    if (name.ends_with(kSuffix) || entry.is_directory(ignored)) return true;
  }
  return false;
}

}  // namespace hardy
