// Budget for the bytes of bodies and replies of all connections together.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

namespace hardy {

/// Current use and limit. Thread-safe.
class WorkBudget {
 public:
  /// Bytes of each request or reply that are not counted: small requests pass while large ones use
  /// up the budget; the number of connections bounds them already.
  static constexpr std::int64_t kFree = 64 << 10;

  explicit WorkBudget(std::int64_t limit) : limit_(limit) {}

  [[nodiscard]] bool take(std::int64_t bytes) {
    if (held_.fetch_add(bytes) + bytes <= limit_) return true;
    held_ -= bytes;
    return false;
  }

  void give_back(std::int64_t bytes) { held_ -= bytes; }

  [[nodiscard]] std::int64_t held() const { return held_; }

 private:
  const std::int64_t limit_;
  std::atomic<std::int64_t> held_{0};
};

/// One connection's share of a budget; released by the destructor. Movable.
class WorkLease {
 public:
  WorkLease() = default;

  explicit WorkLease(WorkBudget& budget) : budget_(&budget) {}

  ~WorkLease() { release(); }

  WorkLease(WorkLease&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        counted_(std::exchange(other.counted_, 0)) {}

  WorkLease& operator=(WorkLease&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(counted_, other.counted_);
    return *this;
  }

  /// Sets the held bytes, more or fewer than before. False, and nothing changed, when the budget
  /// does not allow more.
  [[nodiscard]] bool hold(std::int64_t bytes) {
    if (budget_ == nullptr) return true;
    const auto counted = std::max<std::int64_t>(0, bytes - WorkBudget::kFree);
    if (counted > counted_ && !budget_->take(counted - counted_)) return false;
    if (counted < counted_) budget_->give_back(counted_ - counted);
    counted_ = counted;
    return true;
  }

  void release() {
    if (budget_ != nullptr) budget_->give_back(counted_);
    counted_ = 0;
  }

 private:
  WorkBudget* budget_ = nullptr;
  std::int64_t counted_ = 0;
};

}  // namespace hardy
