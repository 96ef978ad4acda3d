// Batches concurrent requests into one pass of the network.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "hardy/recogniser.h"

namespace hardy {

/// Predictions that own their memory.
struct OwnedPredictions {
  std::int64_t outputs = 0;
  std::vector<float> probabilities;
  std::vector<float> raw_probabilities;
  std::vector<std::int64_t> labels;
  std::vector<float> confidence;
  std::vector<std::uint8_t> calibrated;
  std::vector<Pattern> used;
  std::vector<std::int64_t> limited;               ///< [n, M]
  std::vector<std::vector<float>> reconstruction;  ///< [M]

  [[nodiscard]] Predictions view() const;
};

/// One request: dialogues and the model to run.
struct PredictionJob {
  Recogniser recogniser;
  std::vector<UtteranceView> utterances;
  std::vector<std::int64_t> offsets;  ///< [B+1]
  PredictOptions options;
};

struct BatcherOptions {
  int workers = 1;
  std::int64_t max_utterances = 64;   ///< utterances of one pass; a larger request runs alone
  std::chrono::microseconds wait{0};  ///< longest wait for further requests
};

/// Worker threads over one queue. A worker takes the queued requests, up to the limit; if more
/// requests are being read (`expected`), it waits for them within the time budget. Thread-safe.
class Batcher {
 public:
  /// `report` is called after each pass with the numbers of requests and utterances.
  Batcher(const BatcherOptions& options,
          std::function<void(std::int64_t requests, std::int64_t utterances)> report);
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Runs the job and returns its predictions; blocks the caller. Rethrows errors of the
  /// prediction. The arrays of the job must live until it returns.
  OwnedPredictions run(PredictionJob job);

  /// Sets the number of requests being read or predicted, which decides whether to wait.
  void set_expected(std::int64_t count) { expected_ = count; }

 private:
  struct Queued {
    explicit Queued(PredictionJob given) : job(std::move(given)) {}

    PredictionJob job;
    std::promise<OwnedPredictions> promise;
    std::chrono::steady_clock::time_point arrived = std::chrono::steady_clock::now();
  };

  void work();
  std::vector<std::unique_ptr<Queued>> take(std::unique_lock<std::mutex>& lock);
  /// Returns its number of utterances.
  std::int64_t run_batch(std::span<std::unique_ptr<Queued>> batch, Workspace& workspace);

  BatcherOptions options_;
  std::function<void(std::int64_t, std::int64_t)> report_;
  std::atomic<std::int64_t> expected_{0};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::unique_ptr<Queued>> queue_;
  std::int64_t queued_utterances_ = 0;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hardy
