#include "serve/batcher.h"

#include <algorithm>
#include <utility>

namespace hardy {
namespace {

template <typename Value>
std::vector<Value> part(std::span<const Value> values, std::int64_t first, std::int64_t count,
                        std::int64_t width = 1) {
  const auto begin = values.begin() + first * width;
  return {begin, begin + count * width};
}

OwnedPredictions copy_rows(const Predictions& predictions, std::int64_t first, std::int64_t count) {
  OwnedPredictions owned;
  owned.outputs = predictions.outputs;
  owned.probabilities = part(predictions.probabilities, first, count, predictions.outputs);
  owned.raw_probabilities = part(predictions.raw_probabilities, first, count, predictions.outputs);
  owned.labels = part(predictions.labels, first, count);
  owned.confidence = part(predictions.confidence, first, count);
  owned.calibrated = part(predictions.calibrated, first, count);
  owned.used = part(predictions.used, first, count);
  const auto modalities = static_cast<std::int64_t>(predictions.limited.size()) /
                          std::max<std::int64_t>(1, predictions.count);
  owned.limited = part(predictions.limited, first, count, modalities);
  for (const auto& rebuilt : predictions.reconstruction) {
    const auto width =
        static_cast<std::int64_t>(rebuilt.size()) / std::max<std::int64_t>(1, predictions.count);
    owned.reconstruction.push_back(part(rebuilt, width == 0 ? 0 : first, count, width));
  }
  return owned;
}

bool can_share(const PredictionJob& x, const PredictionJob& y) {
  return &x.recogniser.info() == &y.recogniser.info() &&
         x.options.available == y.options.available &&
         x.options.reconstructs == y.options.reconstructs;
}

}  // namespace

Predictions OwnedPredictions::view() const {
  Predictions view;
  view.count = static_cast<std::int64_t>(labels.size());
  view.outputs = outputs;
  view.probabilities = probabilities;
  view.raw_probabilities = raw_probabilities;
  view.labels = labels;
  view.confidence = confidence;
  view.calibrated = calibrated;
  view.used = used;
  view.limited = limited;
  for (std::size_t m = 0; m < reconstruction.size(); ++m) {
    view.reconstruction[m] = reconstruction[m];
  }
  return view;
}

Batcher::Batcher(const BatcherOptions& options,
                 std::function<void(std::int64_t, std::int64_t)> report)
    : options_(options), report_(std::move(report)) {
  for (int i = 0; i < std::max(1, options.workers); ++i) threads_.emplace_back([this] { work(); });
}

Batcher::~Batcher() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  arrived_.notify_all();
  for (auto& thread : threads_) thread.join();
}

OwnedPredictions Batcher::run(PredictionJob job) {
  auto queued = std::make_unique<Queued>(std::move(job));
  auto answer = queued->promise.get_future();
  {
    const std::lock_guard lock(mutex_);
    queued_utterances_ += static_cast<std::int64_t>(queued->job.utterances.size());
    queue_.push_back(std::move(queued));
  }
  arrived_.notify_one();
  return answer.get();
}

std::vector<std::unique_ptr<Batcher::Queued>> Batcher::take(std::unique_lock<std::mutex>& lock) {
  arrived_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
  if (options_.wait.count() > 0 && !queue_.empty()) {
    const auto deadline = queue_.front()->arrived + options_.wait;
    arrived_.wait_until(lock, deadline, [this] {
      return is_stopping_ || queue_.empty() || queued_utterances_ >= options_.max_utterances ||
             static_cast<std::int64_t>(queue_.size()) >= expected_;
    });
  }
  std::vector<std::unique_ptr<Queued>> batch;
  std::int64_t utterances = 0;
  while (!queue_.empty()) {
    const auto count = static_cast<std::int64_t>(queue_.front()->job.utterances.size());
    const bool fits = batch.empty() || (utterances + count <= options_.max_utterances &&
                                        can_share(batch.front()->job, queue_.front()->job));
    if (!fits) break;
    utterances += count;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_utterances_ -= utterances;
  return batch;
}

void Batcher::work() {
  Workspace workspace;
  while (true) {
    std::unique_lock lock(mutex_);
    auto batch = take(lock);
    const bool is_done = is_stopping_ && batch.empty();
    lock.unlock();
    if (is_done) return;
    if (batch.empty()) continue;
    const auto count = run_batch(batch, workspace);
    // Releases the scratch memory of a large request.
    if (count > options_.max_utterances) workspace = Workspace();
  }
}

std::int64_t Batcher::run_batch(std::span<std::unique_ptr<Queued>> batch, Workspace& workspace) {
  std::vector<UtteranceView> utterances;
  std::vector<std::int64_t> offsets = {0};
  for (const auto& queued : batch) {
    const auto before = static_cast<std::int64_t>(utterances.size());
    const PredictionJob& job = queued->job;
    utterances.insert(utterances.end(), job.utterances.begin(), job.utterances.end());
    for (std::size_t d = 1; d < job.offsets.size(); ++d) offsets.push_back(before + job.offsets[d]);
  }
  report_(static_cast<std::int64_t>(batch.size()), static_cast<std::int64_t>(utterances.size()));
  Predictions predictions;
  try {
    const PredictionJob& first = batch.front()->job;
    predictions = first.recogniser.predict(utterances, offsets, workspace, first.options);
  } catch (...) {
    if (batch.size() == 1) {
      batch.front()->promise.set_exception(std::current_exception());
      return offsets.back();
    }
    // One request of the batch is faulty; running them one by one answers the others.
    for (auto& queued : batch) run_batch({&queued, 1}, workspace);
    return offsets.back();
  }
  std::int64_t row = 0;
  for (const auto& queued : batch) {
    const auto count = static_cast<std::int64_t>(queued->job.utterances.size());
    try {
      queued->promise.set_value(copy_rows(predictions, row, count));
    } catch (const std::bad_alloc&) {
      queued->promise.set_exception(std::current_exception());
    }
    row += count;
  }
  return row;
}

}  // namespace hardy
