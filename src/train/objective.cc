#include "train/objective.h"

#include <torch/types.h>

#include <algorithm>

#include "hardy/metrics.h"

namespace hardy {

Objective::Objective(const Corpus& corpus, at::Device device)
    : is_classification_(corpus.label_kind == LabelKind::kClass),
      has_gaps_(std::find(corpus.values.begin(), corpus.values.end(), 0.0F) != corpus.values.end()),
      outputs_(is_classification_ ? corpus.class_count() : 1) {
  auto labels = at::empty({corpus.size()}, at::TensorOptions(at::kFloat));
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    const auto u = static_cast<std::size_t>(i);
    const bool is_neither = !corpus.values.empty() && corpus.values[u] == 0;
    labels.data_ptr<float>()[i] = is_neither ? -1.0F : corpus.utterances[u].label;
  }
  targets_ = (is_classification_ ? labels.to(at::kLong) : labels).to(device);
}

at::Tensor Objective::targets(const at::Tensor& utterances) const {
  return targets_.index_select(0, utterances);
}

at::Tensor Objective::loss(const at::Tensor& logits, const at::Tensor& targets,
                           const at::Tensor& weights) const {
  if (has_gaps_) {
    const auto has_target = (targets >= 0).to(logits.scalar_type());
    const auto counted = weights.defined() ? weights * has_target : has_target;
    const auto known = targets.clamp_min(0).unsqueeze(1);
    const auto each = -at::log_softmax(logits, 1).gather(1, known).squeeze(1);
    // A batch of such utterances alone has nothing to learn from, rather than 0 / 0.
    return (each * counted).sum() / counted.sum().clamp_min(1e-12);
  }
  const auto each = is_classification_
                        ? -at::log_softmax(logits, 1).gather(1, targets.unsqueeze(1)).squeeze(1)
                        : (logits.squeeze(1) - targets).square();
  return weights.defined() ? (each * weights).sum() / weights.sum() : each.mean();
}

double Objective::accuracy(const Corpus& corpus, const std::vector<std::int64_t>& utterances,
                           const std::vector<float>& outputs, bool is_unweighted) const {
  const bool is_binary = !corpus.values.empty();
  std::vector<float> truth;
  for (const auto i : utterances) {
    const auto u = static_cast<std::size_t>(i);
    truth.push_back(is_binary ? corpus.values[u] : corpus.utterances[u].label);
  }
  if (is_binary) return binary_sentiment_metrics(truth, outputs).accuracy;
  if (!is_classification_) return sentiment_metrics(truth, outputs).accuracy;
  const std::vector<std::int64_t> classes(truth.begin(), truth.end());
  const auto metrics = class_metrics(classes, outputs, outputs_);
  return is_unweighted ? metrics.ua : metrics.wa;
}

at::Tensor Objective::outputs_of(const at::Tensor& logits) const {
  return is_classification_ ? at::softmax(logits, 1) : logits;
}

std::vector<float> to_floats(const at::Tensor& values) {
  const auto host = values.detach().to(at::kCPU, at::kFloat).contiguous();
  const auto* first = host.data_ptr<float>();
  return {first, first + host.numel()};
}

}  // namespace hardy
