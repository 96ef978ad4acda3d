#include "pipeline/stage_cache.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/checksum.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr const char* kResultExtension = ".safetensors";
constexpr const char* kCheckpointExtension = ".checkpoint";
constexpr std::size_t kKeyDigits = 64;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
  });
}

enum class EntryKind { kForeign, kResult, kCheckpoint, kTemporary };

/// What a file below a cache folder is, by its name; only names we give count as ours.
EntryKind kind_of(const std::string& name) {
  const bool is_hidden = name.starts_with('.');
  const std::string_view rest = std::string_view(name).substr(is_hidden ? 1 : 0);
  if (rest.size() <= kKeyDigits || !is_hex(rest.substr(0, kKeyDigits))) return EntryKind::kForeign;
  const std::string_view extension = rest.substr(kKeyDigits);
  if (is_hidden) {
    return extension.find(".tmp-") != std::string_view::npos ? EntryKind::kTemporary
                                                             : EntryKind::kForeign;
  }
  if (extension == kResultExtension) return EntryKind::kResult;
  return extension == kCheckpointExtension ? EntryKind::kCheckpoint : EntryKind::kForeign;
}

/// Calls `visit(entry, kind)` for each of our files.
template <typename Visit>
void visit_entries(const std::filesystem::path& folder, Visit&& visit) {
  namespace fs = std::filesystem;
  if (folder.empty() || !fs::is_directory(folder)) return;
  try {
    for (const auto& group : fs::directory_iterator(folder)) {
      const std::string name = group.path().filename().string();
      if (name.size() != 2 || !is_hex(name) || !group.is_directory()) continue;
      for (const auto& entry : fs::directory_iterator(group)) {
        const EntryKind kind = kind_of(entry.path().filename().string());
        if (kind != EntryKind::kForeign && entry.is_regular_file()) visit(entry, kind);
      }
    }
  } catch (const fs::filesystem_error& error) {
    throw IoError(fmt::format("cache {}: {}", folder.string(), error.what()));
  }
}

void count(CacheContents& contents, const std::filesystem::directory_entry& entry, EntryKind kind) {
  if (kind == EntryKind::kResult) ++contents.results;
  if (kind == EntryKind::kCheckpoint) ++contents.checkpoints;
  std::error_code gone;  // another process may have removed it meanwhile
  const auto size = entry.file_size(gone);
  if (!gone) contents.bytes += static_cast<std::int64_t>(size);
}

std::int64_t size_on_disk(const std::filesystem::path& file) {
  std::error_code gone;
  const auto size = std::filesystem::file_size(file, gone);
  return gone ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

/// A result being computed, shared by the caller that computes and those that wait.
struct StageCache::Computation {
  bool is_done = false;
  std::exception_ptr failure;
  std::optional<TensorFile> result;
};

std::string stage_key(const std::string& stage, int version,
                      const std::vector<std::string>& inputs) {
  Sha256 digest;
  digest.add(stage).add(std::to_string(version)).add(std::to_string(inputs.size()));
  for (const auto& input : inputs) digest.add(input);
  return digest.hex();
}

StageCache::StageCache(std::filesystem::path folder, double checkpoint_interval_s)
    : folder_(std::move(folder)), checkpoint_interval_s_(checkpoint_interval_s) {}

std::filesystem::path StageCache::file_of(const std::string& key, const char* extension) const {
  check(key.size() == kKeyDigits && is_hex(key), "a cache key is not 64 hex digits");
  return folder_ / key.substr(0, 2) / (key + extension);
}

std::optional<TensorFile> StageCache::load(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  try {
    TensorFile contents = load_tensor_file(file);
    const std::lock_guard lock(mutex_);
    statistics_.bytes_read += size_on_disk(file);
    return contents;
  } catch (const Error& error) {
    // kData: not a regular file, or removed in the meantime: as good as absent.
    if (error.kind() == ErrorKind::kArtifact) {
      std::filesystem::remove(file, ignored);
      const std::lock_guard lock(mutex_);
      ++statistics_.damaged;
    } else if (error.kind() != ErrorKind::kData) {
      throw;
    }
  }
  return std::nullopt;
}

void StageCache::save(const std::filesystem::path& file, const TensorFile& contents) {
  save_tensor_file(file, contents);
  const std::lock_guard lock(mutex_);
  statistics_.bytes_written += size_on_disk(file);
}

std::optional<TensorFile> StageCache::find(const std::string& key) {
  const auto file = file_of(key, kResultExtension);
  std::optional<TensorFile> found;
  if (!folder_.empty()) found = load(file);
  const std::lock_guard lock(mutex_);
  const auto kept = in_memory_.find(key);
  if (kept != in_memory_.end()) found = kept->second;
  ++(found ? statistics_.hits : statistics_.misses);
  return found;
}

void StageCache::store(const std::string& key, const TensorFile& contents) {
  const auto file = file_of(key, kResultExtension);
  if (folder_.empty()) {
    const std::lock_guard lock(mutex_);
    in_memory_.insert_or_assign(key, contents);
    return;
  }
  save(file, contents);
  drop_checkpoint(key);
}

TensorFile StageCache::get_or_compute(const std::string& key,
                                      const std::function<TensorFile()>& compute) {
  std::unique_lock lock(mutex_);
  const auto [place, is_first] = running_.try_emplace(key);
  if (is_first) {
    place->second = std::make_shared<Computation>();
    const auto mine = place->second;
    lock.unlock();
    return compute_as_first(key, compute, *mine);
  }
  const auto theirs = place->second;  // outlives its entry in running_
  changed_.wait(lock, [&] { return theirs->is_done; });
  if (theirs->failure) std::rethrow_exception(theirs->failure);
  ++statistics_.hits;
  return *theirs->result;
}

TensorFile StageCache::compute_as_first(const std::string& key,
                                        const std::function<TensorFile()>& compute,
                                        Computation& mine) {
  std::optional<TensorFile> result;
  std::exception_ptr failure;
  try {
    result = find(key);
    if (!result) {
      result = compute();
      store(key, *result);
    }
  } catch (...) {  // handed to the caller below and to everyone who waits
    failure = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    mine.is_done = true;
    mine.failure = failure;
    if (!failure) mine.result = result;
    running_.erase(key);
  }
  changed_.notify_all();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

std::optional<TensorFile> StageCache::find_checkpoint(const std::string& key) {
  const auto file = file_of(key, kCheckpointExtension);
  return folder_.empty() ? std::nullopt : load(file);
}

void StageCache::store_checkpoint(const std::string& key, const TensorFile& contents) {
  const auto file = file_of(key, kCheckpointExtension);
  if (!folder_.empty()) save(file, contents);
}

void StageCache::drop_checkpoint(const std::string& key) {
  const auto file = file_of(key, kCheckpointExtension);
  if (folder_.empty()) return;
  std::error_code error;
  std::filesystem::remove(file, error);
  if (error)
    throw IoError(fmt::format("{}: cannot be removed: {}", file.string(), error.message()));
}

CacheStatistics StageCache::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

CacheContents cache_contents(const std::filesystem::path& folder) {
  CacheContents contents;
  visit_entries(folder, [&](const auto& entry, EntryKind kind) { count(contents, entry, kind); });
  return contents;
}

CacheContents clear_cache(const std::filesystem::path& folder) {
  CacheContents removed;
  std::vector<std::pair<std::filesystem::directory_entry, EntryKind>> entries;
  visit_entries(folder,
                [&](const auto& entry, EntryKind kind) { entries.emplace_back(entry, kind); });
  for (const auto& [entry, kind] : entries) {
    count(removed, entry, kind);
    std::error_code error;
    std::filesystem::remove(entry.path(), error);
    if (error) {
      throw IoError(fmt::format("{}: cannot be removed: {}; check who owns the cache folder",
                                entry.path().string(), error.message()));
    }
    std::filesystem::remove(entry.path().parent_path(), error);  // succeeds once it is empty
  }
  return removed;
}

}  // namespace hardy
