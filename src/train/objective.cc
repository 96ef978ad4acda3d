#include "train/objective.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "hardy/errors.h"
#include "hardy/metrics.h"

namespace hardy {

namespace {

/// Class indices, -1 = no target; or values, NaN = none.
at::Tensor single_targets(const Corpus& corpus, bool is_classification) {
  auto labels = at::empty({corpus.size()}, at::TensorOptions(at::kFloat));
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    const auto u = static_cast<std::size_t>(i);
    const bool is_neither = !corpus.values.empty() && corpus.values[u] == 0;
    const bool has_none = is_neither || !corpus.utterances[u].is_labelled();
    labels.data_ptr<float>()[i] =
        is_classification && has_none ? -1.0F : corpus.utterances[u].label;
  }
  return is_classification ? labels.to(at::kLong) : labels;
}

/// Rows of several numbers, all NaN where there is no target.
at::Tensor row_targets(const Corpus& corpus, const std::vector<float>& numbers) {
  const auto width = static_cast<std::int64_t>(numbers.size()) / corpus.size();
  auto rows = at::empty({corpus.size(), width}, at::TensorOptions(at::kFloat));
  std::copy(numbers.begin(), numbers.end(), rows.data_ptr<float>());
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    if (corpus.utterances[static_cast<std::size_t>(i)].is_labelled()) continue;
    rows.select(0, i).fill_(std::numeric_limits<float>::quiet_NaN());
  }
  return rows;
}

/// Mean over several labels of the weighted accuracy, or over several values of the CCC, without
/// those that are undefined on these utterances. NaN when all are.
double mean_agreement(const Corpus& corpus, const std::vector<std::int64_t>& utterances,
                      const std::vector<float>& outputs) {
  const auto width = static_cast<std::size_t>(corpus.target_count());
  double sum = 0;
  int defined = 0;
  for (std::size_t t = 0; t < width; ++t) {
    std::vector<float> truth;
    std::vector<float> predicted;
    for (std::size_t row = 0; row < utterances.size(); ++row) {
      truth.push_back(corpus.targets[static_cast<std::size_t>(utterances[row]) * width + t]);
      predicted.push_back(outputs[row * width + t]);
    }
    const double value = corpus.label_kind == LabelKind::kLabels
                             ? label_metrics(truth, predicted).weighted_accuracy
                             : value_metrics(truth, predicted).ccc;
    if (std::isnan(value)) continue;
    sum += value;
    ++defined;
  }
  return defined == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / defined;
}

bool has_target(const Corpus& corpus, std::int64_t i) {
  const auto u = static_cast<std::size_t>(i);
  const bool is_neither = !corpus.values.empty() && corpus.values[u] == 0;
  return corpus.utterances[u].is_labelled() && !is_neither;
}

}  // namespace

Objective::Objective(const Corpus& corpus, at::Device device)
    : kind_(corpus.label_kind),
      has_shares_(!corpus.shares.empty()),
      outputs_(corpus.target_count() > 0    ? corpus.target_count()
               : kind_ == LabelKind::kClass ? corpus.class_count()
                                            : 1) {
  const auto complete = Pattern::complete(corpus.modality_count());
  for (std::int64_t i = 0; i < corpus.size() && !has_gaps_; ++i) {
    has_gaps_ = !has_target(corpus, i) || corpus.present_pattern(i) != complete;
  }
  const bool has_rows = has_shares_ || corpus.target_count() > 0;
  targets_ = (has_rows ? row_targets(corpus, has_shares_ ? corpus.shares : corpus.targets)
                       : single_targets(corpus, kind_ == LabelKind::kClass))
                 .to(device);
}

at::Tensor Objective::targets(const at::Tensor& utterances) const {
  return targets_.index_select(0, utterances);
}

at::Tensor Objective::known_rows(const at::Tensor& targets) const {
  const auto is_known = targets.scalar_type() == at::kLong ? targets >= 0 : at::isfinite(targets);
  return is_known.dim() == 2 ? is_known.select(1, 0) : is_known;
}

std::int64_t Objective::counted(const at::Tensor& targets) const {
  return has_gaps_ ? known_rows(targets).sum().item<std::int64_t>() : targets.size(0);
}

at::Tensor Objective::without(const at::Tensor& targets, const at::Tensor& rows) const {
  check(has_gaps_, "a row without a target where every utterance has one");
  const bool is_index = targets.scalar_type() == at::kLong;
  return targets.index_fill(
      0, rows, is_index ? at::Scalar(-1) : at::Scalar(std::numeric_limits<double>::quiet_NaN()));
}

at::Tensor Objective::losses(const at::Tensor& logits, const at::Tensor& targets) const {
  if (has_shares_) return -(at::log_softmax(logits, 1) * targets).sum(1);
  if (kind_ == LabelKind::kClass) {
    return -at::log_softmax(logits, 1).gather(1, targets.unsqueeze(1)).squeeze(1);
  }
  if (kind_ == LabelKind::kLabels) {
    return at::binary_cross_entropy_with_logits(logits, targets, {}, {}, at::Reduction::None)
        .mean(1);
  }
  if (kind_ == LabelKind::kValues) return (logits - targets).square().mean(1);
  return (logits.squeeze(1) - targets).square();
}

at::Tensor Objective::loss(const at::Tensor& logits, const at::Tensor& targets,
                           const at::Tensor& weights) const {
  if (has_gaps_) {
    const bool is_index = targets.scalar_type() == at::kLong;
    const auto has_target = known_rows(targets).to(logits.scalar_type());
    const auto counted = weights.defined() ? weights * has_target : has_target;
    const auto known = is_index ? targets.clamp_min(0) : at::nan_to_num(targets);
    const auto each = losses(logits, known);
    // For a batch without targets: loss 0 instead of 0 / 0.
    return (each * counted).sum() / counted.sum().clamp_min(1e-12);
  }
  const auto each = losses(logits, targets);
  return weights.defined() ? (each * weights).sum() / weights.sum() : each.mean();
}

double Objective::accuracy(const Corpus& corpus, const std::vector<std::int64_t>& utterances,
                           const std::vector<float>& outputs, bool is_unweighted) const {
  const bool is_binary = !corpus.values.empty();
  const auto width = static_cast<std::size_t>(outputs_);
  std::vector<float> truth;
  std::vector<float> known;
  std::vector<std::int64_t> labelled;
  for (std::size_t row = 0; row < utterances.size(); ++row) {
    const auto u = static_cast<std::size_t>(utterances[row]);
    if (!corpus.utterances[u].is_labelled()) continue;
    labelled.push_back(utterances[row]);
    truth.push_back(is_binary ? corpus.values[u] : corpus.utterances[u].label);
    const auto first = outputs.begin() + static_cast<std::ptrdiff_t>(row * width);
    known.insert(known.end(), first, first + outputs_);
  }
  if (is_binary) return binary_sentiment_metrics(truth, known).accuracy;
  if (corpus.target_count() > 0) return mean_agreement(corpus, labelled, known);
  if (kind_ == LabelKind::kValue) return sentiment_metrics(truth, known).accuracy;
  const std::vector<std::int64_t> classes(truth.begin(), truth.end());
  const auto metrics = class_metrics(classes, known, outputs_);
  return is_unweighted ? metrics.ua : metrics.wa;
}

at::Tensor Objective::outputs_of(const at::Tensor& logits) const {
  if (kind_ == LabelKind::kLabels) return at::sigmoid(logits);
  return kind_ == LabelKind::kClass ? at::softmax(logits, 1) : logits;
}

std::vector<float> to_floats(const at::Tensor& values) {
  const auto host = values.detach().to(at::kCPU, at::kFloat).contiguous();
  const auto* first = host.data_ptr<float>();
  return {first, first + host.numel()};
}

}  // namespace hardy
