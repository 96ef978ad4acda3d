#include "serve/metrics_registry.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include <fmt/format.h>

namespace hardy {
namespace {

std::string metric(const char* name, const char* type, const char* help, std::int64_t value) {
  return fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
}

}  // namespace

void Histogram::add(double seconds) {
  for (std::size_t i = 0; i < kSeconds.size(); ++i) {
    if (seconds <= kSeconds[i]) ++counts_[i];
  }
  ++total_;
  sum_ += seconds;
}

std::string Histogram::text(const std::string& name, const std::string& labels) const {
  std::string text;
  for (std::size_t i = 0; i < kSeconds.size(); ++i) {
    text += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, kSeconds[i], counts_[i]);
  }
  text += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, total_);
  text += fmt::format("{}_sum{{{}}} {:.6f}\n", name, labels, sum_);
  return text + fmt::format("{}_count{{{}}} {}\n", name, labels, total_);
}

void MetricsRegistry::count_request(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{route, status}];
  seconds_[route].add(seconds);
}

void MetricsRegistry::count_batch(std::int64_t requests, std::int64_t utterances) {
  const std::lock_guard lock(mutex_);
  ++batches_;
  batched_requests_ += requests;
  utterances_ += utterances;
}

void MetricsRegistry::count_reload(bool succeeded) {
  const std::lock_guard lock(mutex_);
  ++(succeeded ? reloads_ : failed_reloads_);
}

std::string MetricsRegistry::text(const Gauges& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string text =
      "# HELP hardy_requests_total Requests answered.\n# TYPE hardy_requests_total counter\n";
  for (const auto& [key, count] : requests_) {
    text += fmt::format("hardy_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", key.first,
                        key.second, count);
  }
  text +=
      "# HELP hardy_request_seconds From the whole request read to the answer ready.\n"
      "# TYPE hardy_request_seconds histogram\n";
  for (const auto& [route, histogram] : seconds_) {
    text += histogram.text("hardy_request_seconds", fmt::format("route=\"{}\"", route));
  }
  text += metric("hardy_batches_total", "counter", "Passes of the network.", batches_);
  text += metric("hardy_batched_requests_total", "counter", "Requests in those passes.",
                 batched_requests_);
  text += metric("hardy_utterances_total", "counter", "Utterances in those passes.", utterances_);
  text += metric("hardy_reloads_total", "counter", "Models loaded again.", reloads_);
  text += metric("hardy_failed_reloads_total", "counter", "Reloads that kept the old model.",
                 failed_reloads_);
  text += metric("hardy_in_flight", "gauge", "Requests in work.", gauges.in_flight);
  text += metric("hardy_connections", "gauge", "Open connections.", gauges.connections);
  text += metric("hardy_sessions", "gauge", "Open dialogue sessions.", gauges.sessions);
  text += metric("hardy_session_bytes", "gauge", "Memory they hold.", gauges.session_bytes);
  text += metric("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  return text + fmt::format(
                    "# HELP hardy_model_info The loaded model.\n# TYPE hardy_model_info "
                    "gauge\nhardy_model_info{{fingerprint=\"{}\"}} 1\n",
                    gauges.fingerprint);
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return file ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

}  // namespace hardy
