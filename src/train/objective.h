// Training objectives: cross-entropy for a class, binary cross-entropy for several labels, squared
// error for one or several values.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// Targets of a corpus and the matching loss. An unlabelled utterance gives context but has no
/// target and no loss; neither has one of a binary sentiment task whose value is exactly 0, because
/// it belongs to no class. If the corpus has shares of raters (Corpus::shares), they are the
/// target. Immutable; safe from several threads.
class Objective {
 public:
  Objective(const Corpus& corpus, at::Device device);

  /// C for classes, T for several labels or values, 1 for a value.
  [[nodiscard]] std::int64_t outputs() const { return outputs_; }

  /// Whether the outputs are probabilities of classes.
  [[nodiscard]] bool is_classification() const { return kind_ == LabelKind::kClass; }

  /// Targets of some utterances. Shapes: utterances [n] int64 -> [n] int64 (classes; -1 = no
  /// target), [n] float32 (values), or [n, T] and [n, C] float32 (several, and shares); NaN = no
  /// target.
  [[nodiscard]] at::Tensor targets(const at::Tensor& utterances) const;

  /// sum_i w_i l_i / sum_i w_i, where l is the cross-entropy on logits or the squared error,
  /// averaged over several labels or values. Rows without a target have weight 0; the loss is 0 if
  /// no row has one. Shapes: logits [n, C], targets as returned by `targets`, weights [n] or
  /// undefined (all 1) -> [].
  [[nodiscard]] at::Tensor loss(const at::Tensor& logits, const at::Tensor& targets,
                                const at::Tensor& weights) const;

  /// Accuracy of outputs_of() on some utterances, for the selection of epochs: weighted (WA) or
  /// unweighted (UA); for values that of the sign on non-zero ones; for several labels the mean
  /// weighted accuracy, for several values the mean CCC. Unlabelled utterances do not count.
  /// Shapes: utterances [n], outputs [n, C] row-major. Units: share, in [0, 1]; NaN when no
  /// utterance counts.
  [[nodiscard]] double accuracy(const Corpus& corpus, const std::vector<std::int64_t>& utterances,
                                const std::vector<float>& outputs, bool is_unweighted) const;

  /// The stored and reported outputs: class probabilities, or values. Shapes: [n, C] -> [n, C].
  [[nodiscard]] at::Tensor outputs_of(const at::Tensor& logits) const;

 private:
  /// Requires: every row has a target. Shapes: -> [n].
  [[nodiscard]] at::Tensor losses(const at::Tensor& logits, const at::Tensor& targets) const;

  LabelKind kind_;
  bool has_shares_;
  bool has_gaps_ = false;  ///< some utterances have no target
  std::int64_t outputs_;
  at::Tensor targets_;  ///< [N], [N, T] or [N, C]
};

/// A tensor's values, row-major, on the host.
std::vector<float> to_floats(const at::Tensor& values);

}  // namespace hardy
