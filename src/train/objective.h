// What is learned: classes by cross-entropy, or values by squared error.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// Targets of a corpus and the loss that fits them. An utterance of a binary sentiment task whose
/// value is exactly 0 belongs to neither class: it gives context but has no target and no loss.
/// Immutable; safe from several threads.
class Objective {
 public:
  Objective(const Corpus& corpus, at::Device device);

  /// C for classes, 1 for values.
  [[nodiscard]] std::int64_t outputs() const { return outputs_; }

  [[nodiscard]] bool is_classification() const { return is_classification_; }

  /// Targets of some utterances. Shapes: utterances [n] int64 -> [n] int64 (classes; -1 = no
  /// target) or float32.
  [[nodiscard]] at::Tensor targets(const at::Tensor& utterances) const;

  /// sum_i w_i l_i / sum_i w_i with l the cross-entropy on logits or the squared error.
  /// Rows without a target weigh nothing; 0 when no row has one.
  /// Shapes: logits [n, C], targets [n], weights [n] or undefined (all 1) -> [].
  [[nodiscard]] at::Tensor loss(const at::Tensor& logits, const at::Tensor& targets,
                                const at::Tensor& weights) const;

  /// Accuracy of outputs_of() on some utterances, for choosing epochs: weighted (WA) or unweighted
  /// (UA); for values that of the sign on the non-zero ones. Shapes: utterances [n], outputs [n, C]
  /// row-major. Units: share, in [0, 1]; NaN when no utterance counts.
  [[nodiscard]] double accuracy(const Corpus& corpus, const std::vector<std::int64_t>& utterances,
                                const std::vector<float>& outputs, bool is_unweighted) const;

  /// What is stored and reported: class probabilities, or the value itself. Shapes: [n, C] -> [n,
  /// C].
  [[nodiscard]] at::Tensor outputs_of(const at::Tensor& logits) const;

 private:
  bool is_classification_;
  bool has_gaps_;  ///< some utterances have no target
  std::int64_t outputs_;
  at::Tensor targets_;  ///< [N]
};

/// A tensor's values, row-major, on the host.
std::vector<float> to_floats(const at::Tensor& values);

}  // namespace hardy
