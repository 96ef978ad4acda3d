#include "pipeline/folder_owner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/descriptor.h"
#include "base/files.h"
#include "base/shared_files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::size_t kMostBytes = 4096;

std::string first_line(const fs::path& file) {
  std::ifstream input(file);
  std::string line;
  std::getline(input, line);
  return line;
}

/// Start time of a process in the kernel's unit; empty if there is no such process, or only its
/// exit status remains.
std::string process_start(int pid) {
  const std::string line = first_line(fmt::format("/proc/{}/stat", pid));
  const auto name_end = line.rfind(')');  // the process name before it may contain blanks
  if (name_end == std::string::npos) return "";
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return "";
  constexpr int kFieldsToStart = 19;  // from the state, field 3 of proc(5), to field 22
  for (int i = 0; i < kFieldsToStart; ++i) fields >> field;
  return field;
}

OwnerRecord this_process() {
  std::error_code ignored;
  OwnerRecord record;
  record.host = host_name();
  record.pid = ::getpid();
  record.boot = first_line("/proc/sys/kernel/random/boot_id");
  record.pid_namespace = fs::read_symlink("/proc/self/ns/pid", ignored).string();
  record.process_start = process_start(record.pid);
  record.nonce = random_hex();
  return record;
}

std::string record_text(const OwnerRecord& record) {
  const nlohmann::ordered_json json = {{"host", record.host},
                                       {"pid", record.pid},
                                       {"boot", record.boot},
                                       {"pid_namespace", record.pid_namespace},
                                       {"process_start", record.process_start},
                                       {"nonce", record.nonce}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// An owner file and its contents.
struct FoundOwner {
  std::optional<OwnerRecord> record;  ///< empty while its writer has not finished it
  timespec touched{};
};

std::optional<OwnerRecord> parse_record(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    OwnerRecord record;
    json.at("host").get_to(record.host);
    json.at("pid").get_to(record.pid);
    json.at("boot").get_to(record.boot);
    json.at("pid_namespace").get_to(record.pid_namespace);
    json.at("process_start").get_to(record.process_start);
    json.at("nonce").get_to(record.nonce);
    return record;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// Nothing without an owner file. Opening the file makes network file systems ask the server.
std::optional<FoundOwner> read_owner(const fs::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (descriptor.number() < 0) return std::nullopt;

  struct stat status {};

  std::string text(kMostBytes, '\0');
  if (::fstat(descriptor.number(), &status) != 0) return std::nullopt;
  const ssize_t got = ::read(descriptor.number(), text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return FoundOwner{parse_record(text), status.st_mtim};
}

/// The clock of the file system that holds `folder`: clocks of machines differ.
std::optional<timespec> file_system_time(const fs::path& folder) {
  const auto probe = temporary_name(folder / "probe");
  const Descriptor descriptor(::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (descriptor.number() < 0) return std::nullopt;

  struct stat status {};

  const bool is_known = ::fstat(descriptor.number(), &status) == 0;
  ::unlink(probe.c_str());
  return is_known ? std::optional(status.st_mtim) : std::nullopt;
}

milliseconds between(const timespec& from, const timespec& to) {
  return milliseconds((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1'000'000);
}

/// Whether the process is on this machine and has ended.
bool has_ended(const OwnerRecord& owner) {
  const OwnerRecord here = this_process();
  if (owner.boot.empty() || owner.boot != here.boot) return false;
  if (owner.pid_namespace.empty() || owner.pid_namespace != here.pid_namespace) return false;
  return process_start(owner.pid) != owner.process_start;
}

/// Time since the last sign of life of a live owner; nothing when the owner is gone.
std::optional<milliseconds> silence_of(const FoundOwner& found, const fs::path& folder,
                                       OwnerTimes times) {
  if (found.record && has_ended(*found.record)) return std::nullopt;
  const auto now = file_system_time(folder);
  if (!now) return milliseconds(0);
  const auto silence = between(found.touched, *now);
  if (silence > times.stale) return std::nullopt;
  return silence;
}

[[noreturn]] void refuse(const fs::path& folder, const FoundOwner& found, milliseconds silence,
                         OwnerTimes times) {
  const std::string who =
      found.record ? fmt::format("process {} on {}", found.record->pid, found.record->host)
                   : std::string("a process that is just starting");
  throw IoError(fmt::format(
      "{}: {} writes into this folder (last sign of life {:.0f} s ago); wait for it, or choose "
      "another folder with --out; if that process is gone, try again in {:.0f} s",
      folder.string(), who, static_cast<double>(silence.count()) / 1000.0,
      static_cast<double>((times.stale - silence).count()) / 1000.0 + 1));
}

/// Moves the file of a dead owner away; leaves any other file in place.
void remove_owner(const fs::path& file, const FoundOwner& gone) {
  const auto aside = temporary_name(file);
  if (::rename(file.c_str(), aside.c_str()) != 0) return;  // another process was faster
  const auto moved = read_owner(aside);
  const auto nonce = [](const FoundOwner& found) {
    return found.record ? found.record->nonce : std::string();
  };
  // Between reading and renaming, another process may have taken the folder over: its file is
  // restored.
  if (moved && nonce(*moved) != nonce(gone)) {
    [[maybe_unused]] const int result = ::link(aside.c_str(), file.c_str());
  }
  ::unlink(aside.c_str());
}

}  // namespace

FolderOwner::FolderOwner(fs::path folder, OwnerTimes times)
    : folder_(std::move(folder)), times_(times), record_(this_process()) {
  constexpr int kTries = 8;
  for (int i = 0; i < kTries; ++i) {
    if (try_create()) {
      heart_ = std::thread([this] { beat(); });
      return;
    }
    const auto found = read_owner(folder_ / kFile);
    if (!found) continue;  // released meanwhile
    if (const auto silence = silence_of(*found, folder_, times_)) {
      refuse(folder_, *found, *silence, times_);
    }
    remove_owner(folder_ / kFile, *found);
  }
  throw IoError(fmt::format("{}: other processes take the folder in turns; choose another --out",
                            folder_.string()));
}

bool FolderOwner::try_create() {
  const auto file = folder_ / kFile;
  descriptor_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    if (errno == EEXIST) return false;
    throw_write_error(file, errno);
  }
  const std::string text = record_text(record_);
  if (::write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      (::fsync(descriptor_) != 0 && errno != EINVAL)) {
    const int error = errno;
    ::close(std::exchange(descriptor_, -1));
    ::unlink(file.c_str());
    throw_write_error(file, error);
  }
  return true;
}

void FolderOwner::beat() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, times_.beat, [this] { return is_ending_; })) {
    // By descriptor, so that the file of a new owner is never touched.
    ::futimens(descriptor_, nullptr);
  }
}

FolderOwner::~FolderOwner() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wake_.notify_all();
  heart_.join();
  const auto file = folder_ / kFile;
  const auto found = read_owner(file);
  if (found && found->record && found->record->nonce == record_.nonce) ::unlink(file.c_str());
  ::close(descriptor_);
}

void FolderOwner::check() const {
  const auto found = read_owner(folder_ / kFile);
  if (!found) {
    throw IoError(
        fmt::format("{}: the folder, or the {} in it, was removed or moved away while it was "
                    "written; run the same command again",
                    folder_.string(), kFile));
  }
  if (found->record && found->record->nonce == record_.nonce) return;
  throw IoError(fmt::format(
      "{}: {} has taken the folder over, because this process was silent for more than {} s; its "
      "results stand, those of this process are not written",
      folder_.string(),
      found->record ? fmt::format("process {} on {}", found->record->pid, found->record->host)
                    : std::string("another process"),
      times_.stale.count() / 1000));
}

void FolderOwner::refuse_if_owned(const fs::path& folder, OwnerTimes times) {
  const auto found = read_owner(folder / kFile);
  if (!found) return;
  if (const auto silence = silence_of(*found, folder, times)) {
    refuse(folder, *found, *silence, times);
  }
}

}  // namespace hardy
