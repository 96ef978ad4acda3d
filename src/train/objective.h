// What is learned: a class by cross-entropy, several labels by binary cross-entropy, one or several
// values by squared error.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// Targets of a corpus and the loss that fits them. An utterance that is not labelled gives context
/// but has no target and no loss; likewise one of a binary sentiment task whose value is exactly 0,
/// which belongs to neither class. Where raters were counted (Corpus::shares) their shares are the
/// target.
/// Immutable; safe from several threads.
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

  /// sum_i w_i l_i / sum_i w_i with l the cross-entropy on logits or the squared error, of several
  /// labels or values their mean. Rows without a target weigh nothing; 0 when no row has one.
  /// Shapes: logits [n, C], targets as `targets` gives them, weights [n] or undefined (all 1) ->
  /// [].
  [[nodiscard]] at::Tensor loss(const at::Tensor& logits, const at::Tensor& targets,
                                const at::Tensor& weights) const;

  /// Accuracy of outputs_of() on some utterances, for choosing epochs: weighted (WA) or unweighted
  /// (UA); for values that of the sign on the non-zero ones; of several labels the mean weighted
  /// accuracy, of several values the mean CCC. Utterances without a label do not count. Shapes:
  /// utterances [n], outputs [n, C] row-major. Units: share, in [0, 1]; NaN when no utterance
  /// counts.
  [[nodiscard]] double accuracy(const Corpus& corpus, const std::vector<std::int64_t>& utterances,
                                const std::vector<float>& outputs, bool is_unweighted) const;

  /// What is stored and reported: class probabilities, or the value itself. Shapes: [n, C] -> [n,
  /// C].
  [[nodiscard]] at::Tensor outputs_of(const at::Tensor& logits) const;

 private:
  /// Shapes: targets without gaps -> [n].
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
