#include "hardy/training/objective.h"

#include <torch/types.h>

namespace hardy {

Objective::Objective(const Corpus& corpus, at::Device device)
    : is_classification_(corpus.label_kind == LabelKind::kClass),
      outputs_(is_classification_ ? corpus.class_count() : 1) {
  auto labels = at::empty({corpus.size()}, at::TensorOptions(at::kFloat));
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    labels.data_ptr<float>()[i] = corpus.utterances[static_cast<std::size_t>(i)].label;
  }
  targets_ = (is_classification_ ? labels.to(at::kLong) : labels).to(device);
}

at::Tensor Objective::targets(const at::Tensor& utterances) const {
  return targets_.index_select(0, utterances);
}

at::Tensor Objective::loss(const at::Tensor& logits, const at::Tensor& targets,
                           const at::Tensor& weights) const {
  const auto each = is_classification_
                        ? -at::log_softmax(logits, 1).gather(1, targets.unsqueeze(1)).squeeze(1)
                        : (logits.squeeze(1) - targets).square();
  return weights.defined() ? (each * weights).sum() / weights.sum() : each.mean();
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
