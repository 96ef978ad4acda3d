// Counters of the service in the text format of Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace hardy {

/// Histogram with fixed bounds.
class Histogram {
 public:
  /// Bounds of durations, in seconds.
  static constexpr std::array<double, 14> kSeconds = {.0001, .00025, .0005, .001, .0025, .005, .01,
                                                      .025,  .05,    .1,    .25,  .5,    1,    2.5};

  void add(double seconds);

  [[nodiscard]] std::string text(const std::string& name, const std::string& labels) const;

 private:
  std::array<std::int64_t, kSeconds.size()> counts_{};
  std::int64_t total_ = 0;
  double sum_ = 0;
};

/// All counters. Thread-safe.
class MetricsRegistry {
 public:
  void count_request(const std::string& route, int status, double seconds);
  void count_batch(std::int64_t requests, std::int64_t utterances);
  void count_reload(bool succeeded);

  /// Values read at the time of a scrape.
  struct Gauges {
    std::int64_t in_flight = 0;
    std::int64_t connections = 0;
    std::int64_t sessions = 0;
    std::int64_t session_bytes = 0;
    std::string fingerprint;
  };

  [[nodiscard]] std::string text(const Gauges& gauges) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::int64_t> requests_;
  std::map<std::string, Histogram> seconds_;
  std::int64_t batches_ = 0;
  std::int64_t batched_requests_ = 0;
  std::int64_t utterances_ = 0;
  std::int64_t reloads_ = 0;
  std::int64_t failed_reloads_ = 0;
};

/// Resident memory of this process in bytes; 0 if unknown.
std::int64_t resident_bytes();

}  // namespace hardy
