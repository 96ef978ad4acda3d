// CIF-MMIN on utterance-level features (docs/methods/cif_mmin.md).
#pragma once

#include "methods/cif_mmin/settings.h"
#include "methods/mmin/fusion.h"

namespace hardy {

/// Pretraining: specific encoders with a classifier, and invariant encoders whose projections are
/// drawn together across modalities. Later the frozen teacher.
class InvariantNetwork final : public Network {
 public:
  InvariantNetwork(const FoldData& data, const CifMminSettings& settings, Generator* initial);

  /// Logits of the specific encoders. Shapes: -> [n, C].
  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override;

  /// The decoupled contrastive loss over pairs of modalities, weighted by `pair_weights`, on the
  /// rows that have both. Shapes: -> [].
  [[nodiscard]] at::Tensor contrast(const BatchPlan& plan, DropoutStream& stream) const;

  [[nodiscard]] const ModalityEncoders& specific() const { return specific_; }

  [[nodiscard]] const ModalityEncoders& invariant() const { return invariant_; }

 private:
  struct Projector {
    LinearLayer first;
    LinearLayer norm;
    LinearLayer second;
  };

  [[nodiscard]] at::Tensor project(std::size_t m, const at::Tensor& x) const;

  const FoldData& data_;
  double dropout_;
  ModalityEncoders specific_;
  ModalityEncoders invariant_;
  Perceptron classifier_;
  std::vector<Projector> projectors_;
  at::Tensor temperature_;  ///< [1]: ln tau
};

/// l(x -> y) = -mean_i ln( e^{tau x_i y_i} / (sum over j != i of e^{tau x_i y_j} + 1e-10) ),
/// averaged over both directions. Shapes: x, y [n, D] with rows of length 1, tau [1] -> [].
/// A single row has no negatives and gives 0.
at::Tensor decoupled_contrast(const at::Tensor& x, const at::Tensor& y, const at::Tensor& tau);

/// Weight of every pair (x < y) of modalities, sum 1: a pair with a textual modality counts half as
/// much as one without, which for acoustic, textual and visual gives .25, .5, .25.
std::vector<double> pair_weights(const std::vector<std::string>& modality_names);

/// f = specific and k = invariant encoders of the available modalities; g = cascade(f, k); logits =
/// classifier(f + g).
class CifMminNetwork final : public Network {
 public:
  CifMminNetwork(const FoldData& data, const CifMminSettings& settings, Generator* initial);

  struct Pass {
    at::Tensor logits;     ///< [n, C]
    at::Tensor imagined;   ///< g [n, M D]
    at::Tensor invariant;  ///< k [n, M D]
  };

  [[nodiscard]] Pass forward(const BatchPlan& plan, DropoutStream& stream) const;

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override {
    return forward(plan, stream).logits;
  }

 private:
  double dropout_;
  ModalityEncoders specific_;
  ModalityEncoders invariant_;
  ResidualAutoencoder cascade_;
  Perceptron classifier_;
};

/// L = CE + imagination_weight MSE(T, g) + invariance_weight MSE(K, k), T = the teacher's specific
/// encoders on the missing modalities alone, K = its invariant encoders on all modalities of the
/// data.
at::Tensor cif_mmin_loss(const FoldData& data, const CifMminNetwork& network,
                         const InvariantNetwork& teacher, const CifMminSettings& settings,
                         const BatchPlan& plan, DropoutStream& stream);

}  // namespace hardy
