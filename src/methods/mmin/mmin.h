// MMIN on utterance-level features (docs/methods/mmin.md).
#pragma once

#include "methods/mmin/fusion.h"
#include "methods/mmin/settings.h"

namespace hardy {

/// f = encoders of the available modalities; g, l = cascade(f), g' = cascade'(g); logits =
/// classifier(l).
class MminNetwork final : public Network {
 public:
  MminNetwork(const FoldData& data, const MminSettings& settings, Generator* initial);

  struct Pass {
    at::Tensor logits;      ///< [n, C]
    at::Tensor given;       ///< f [n, M D]
    at::Tensor imagined;    ///< g [n, M D]: representation of the missing modalities
    at::Tensor given_back;  ///< g' [n, M D]
  };

  [[nodiscard]] Pass forward(const BatchPlan& plan, DropoutStream& stream) const;

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override;

 private:
  [[nodiscard]] at::Tensor classify(const std::vector<at::Tensor>& latents,
                                    DropoutStream& stream) const;

  double dropout_;
  ModalityEncoders encoders_;
  ResidualAutoencoder forth_;
  ResidualAutoencoder back_;
  Perceptron classifier_;
};

/// L = CE + imagination_weight MSE(T, g) + cycle_weight MSE(f, g'); T = the teacher's encoders on
/// the missing modalities alone. No gradient to T and, in the last term, to f.
at::Tensor mmin_loss(const FoldData& data, const MminNetwork& network, const FusionNetwork& teacher,
                     const MminSettings& settings, const BatchPlan& plan, DropoutStream& stream);

/// Loop options of a published stage.
EpochLoopOptions linear_decay_loop(const std::string& stage, const LinearDecayStage& published,
                                   std::int64_t batch, std::int64_t patience);

}  // namespace hardy
