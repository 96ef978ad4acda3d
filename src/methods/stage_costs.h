// Cost of computing stages, in this run or in the one that filled the cache.
#pragma once

#include <map>
#include <mutex>
#include <string>

namespace hardy {

/// CPU seconds by cache key: a stage counts once, for any number of fits. Thread-safe.
class StageCosts {
 public:
  void note(const std::string& key, double cpu_s) {
    const std::lock_guard lock(mutex_);
    cpu_s_[key] = cpu_s;
  }

  [[nodiscard]] double total() const {
    const std::lock_guard lock(mutex_);
    double sum = 0;
    for (const auto& [key, cpu_s] : cpu_s_) sum += cpu_s;
    return sum;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, double> cpu_s_;
};

}  // namespace hardy
