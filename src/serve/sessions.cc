#include "serve/sessions.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

/// Session ids come from a CSPRNG, so that they cannot be guessed.
std::string random_identifier() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw IoError("the system gives no random numbers");
  }
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

std::int64_t DialogueSession::speaker_number(std::string_view name) {
  if (name.empty()) return -1;
  const auto known = std::find(speakers.begin(), speakers.end(), name);
  const auto number = known - speakers.begin();
  if (known == speakers.end()) speakers.emplace_back(name);
  return number;
}

std::string Sessions::open(const Recogniser& recogniser, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  expire_locked(now);
  const bool is_full = static_cast<std::int64_t>(entries_.size()) >= limits_.max_sessions ||
                       bytes_ >= limits_.max_bytes;
  if (is_full) return {};
  auto id = random_identifier();
  entries_[id] = {std::make_shared<DialogueSession>(recogniser), now, 0};
  return id;
}

std::shared_ptr<DialogueSession> Sessions::find(const std::string& id, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  expire_locked(now);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return nullptr;
  found->second.used = now;
  return found->second.session;
}

bool Sessions::set_bytes(const std::string& id, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return true;  // closed meanwhile
  bytes_ += bytes - found->second.bytes;
  found->second.bytes = bytes;
  return bytes_ <= limits_.max_bytes;
}

bool Sessions::close(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  forget(found);
  return true;
}

void Sessions::expire(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  expire_locked(now);
}

void Sessions::expire_locked(Clock::time_point now) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (now - entry->second.used <= limits_.idle) {
      ++entry;
      continue;
    }
    entry = forget(entry);
  }
}

Sessions::Entries::iterator Sessions::forget(Entries::iterator entry) {
  bytes_ -= entry->second.bytes;
  freed_ += entry->second.bytes;
  return entries_.erase(entry);
}

std::int64_t Sessions::take_freed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(freed_, 0);
}

Sessions::Usage Sessions::usage() const {
  const std::lock_guard lock(mutex_);
  return {static_cast<std::int64_t>(entries_.size()), bytes_};
}

}  // namespace hardy
