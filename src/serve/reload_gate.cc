#include "serve/reload_gate.h"

namespace hardy {

ReloadGate::Turn ReloadGate::enter() {
  std::unique_lock lock(mutex_);
  if (is_busy_ && !is_stopping_) {
    const auto ticket = ++newest_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_stopping_ || newest_ != ticket || !is_busy_; });
    if (!is_stopping_ && newest_ != ticket) return Turn::kReplaced;
  }
  if (is_stopping_) return Turn::kStopping;
  is_busy_ = true;
  return Turn::kGo;
}

void ReloadGate::leave() {
  const std::lock_guard lock(mutex_);
  is_busy_ = false;
  changed_.notify_all();
}

void ReloadGate::stop() {
  const std::lock_guard lock(mutex_);
  is_stopping_ = true;
  changed_.notify_all();
}

}  // namespace hardy
