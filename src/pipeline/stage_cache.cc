#include "pipeline/stage_cache.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/checksum.h"
#include "base/files.h"
#include "base/shared_files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr const char* kResultExtension = ".safetensors";
constexpr const char* kCheckpointExtension = ".checkpoint";
constexpr std::size_t kKeyDigits = 64;
constexpr const char* kKeyText = "hardy.key";

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
  });
}

enum class EntryKind { kForeign, kResult, kCheckpoint, kTemporary };

/// Kind of a file below a cache folder, by its name; unknown names are not the cache's files.
EntryKind kind_of(const std::string& name) {
  if (is_temporary_name(name)) return EntryKind::kTemporary;
  const bool is_hidden = name.starts_with('.');
  const std::string_view rest = std::string_view(name).substr(is_hidden ? 1 : 0);
  if (rest.size() <= kKeyDigits || !is_hex(rest.substr(0, kKeyDigits))) return EntryKind::kForeign;
  const std::string_view extension = rest.substr(kKeyDigits);
  if (is_hidden) {  // temporary files of hardy 0.1
    return extension.find(".tmp-") != std::string_view::npos ? EntryKind::kTemporary
                                                             : EntryKind::kForeign;
  }
  if (extension == kResultExtension) return EntryKind::kResult;
  return extension == kCheckpointExtension ? EntryKind::kCheckpoint : EntryKind::kForeign;
}

/// Calls `visit(entry, kind)` for each file of the cache.
template <typename Visit>
void visit_entries(const std::filesystem::path& folder, Visit&& visit) {
  namespace fs = std::filesystem;
  if (folder.empty() || !fs::is_directory(folder)) return;
  try {
    for (const auto& group : fs::directory_iterator(folder)) {
      const std::string name = group.path().filename().string();
      if (name.size() != 2 || !is_hex(name) || !group.is_directory()) continue;
      std::error_code gone;  // another process may empty the cache meanwhile
      for (const auto& entry : fs::directory_iterator(group, gone)) {
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

/// Whether a temporary file is too old to belong to a live process.
bool is_left_over(const std::filesystem::directory_entry& entry) {
  std::error_code gone;
  const auto touched = entry.last_write_time(gone);
  return !gone && touched < std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
}

std::int64_t size_on_disk(const std::filesystem::path& file) {
  std::error_code gone;
  const auto size = std::filesystem::file_size(file, gone);
  return gone ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

/// A result in progress, shared by the computing caller and the waiting ones.
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

StageCache::StageCache(std::filesystem::path folder, double checkpoint_interval_s,
                       MissingResult missing)
    : folder_(std::move(folder)),
      checkpoint_interval_s_(checkpoint_interval_s),
      missing_(missing) {}

std::filesystem::path StageCache::file_of(const std::string& key, const char* extension) const {
  check(key.size() == kKeyDigits && is_hex(key), "a cache key is not 64 hex digits");
  return folder_ / key.substr(0, 2) / (key + extension);
}

std::optional<TensorFile> StageCache::load(const std::filesystem::path& file,
                                           const std::string& key) {
  const auto count_damaged = [&] {
    const std::lock_guard lock(mutex_);
    ++statistics_.damaged;
  };
  try {
    const auto bytes = read_file(file);
    TensorFile contents = parse_tensor_file(bytes, file.string());
    const auto held = contents.metadata.find(kKeyText);
    if (held == contents.metadata.end() || held->second != key) {
      count_damaged();  // moved here by a user, or written by hardy 0.1
      return std::nullopt;
    }
    contents.metadata.erase(held);
    const std::lock_guard lock(mutex_);
    statistics_.bytes_read += static_cast<std::int64_t>(bytes.size());
    return contents;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) throw;
    // kData: no such file, or not a regular one. Otherwise damaged, forbidden, or replaced on a
    // server during the read. Not removed: another process may have stored a sound entry by now.
    if (error.kind() != ErrorKind::kData) count_damaged();
  }
  return std::nullopt;
}

void StageCache::note_written(const std::filesystem::path& file) {
  const std::lock_guard lock(mutex_);
  statistics_.bytes_written += size_on_disk(file);
}

std::optional<TensorFile> StageCache::find(const std::string& key) {
  const auto file = file_of(key, kResultExtension);
  std::optional<TensorFile> found;
  if (!folder_.empty()) found = load(file, key);
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
  // If an entry exists, another process has computed the same result; equal keys mean equal
  // results. Only an unusable entry is replaced.
  if (!save_tensor_file_as(file, contents, kKeyText, key, ExistingFile::kKeep) &&
      !load(file, key)) {
    save_tensor_file_as(file, contents, kKeyText, key, ExistingFile::kReplace);
  }
  note_written(file);
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
    if (!result && missing_ == MissingResult::kRefuse) {
      throw MissingStage(fmt::format("the cache {} holds no entry {}", folder_.string(), key));
    }
    if (!result) {
      result = compute();
      store(key, *result);
    }
  } catch (...) {  // passed to the caller below and to all waiting callers
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
  return folder_.empty() ? std::nullopt : load(file, key);
}

void StageCache::store_checkpoint(const std::string& key, const TensorFile& contents) {
  const auto file = file_of(key, kCheckpointExtension);
  if (folder_.empty()) return;
  save_tensor_file_as(file, contents, kKeyText, key, ExistingFile::kReplace);
  note_written(file);
}

void StageCache::drop_checkpoint(const std::string& key) {
  const auto file = file_of(key, kCheckpointExtension);
  if (folder_.empty()) return;
  std::error_code ignored;  // a remaining checkpoint is never read, because the result exists
  std::filesystem::remove(file, ignored);
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
    if (kind == EntryKind::kTemporary && !is_left_over(entry)) continue;
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
