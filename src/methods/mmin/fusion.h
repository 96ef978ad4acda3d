// The early-fusion network of MMIN's pretraining ("utt_fusion" of the published code): encoders of
// single modalities and a classifier on their concatenated outputs.
#pragma once

#include <vector>

#include "methods/mmin/layers.h"
#include "methods/network.h"

namespace hardy {

/// One encoder per modality. An absent modality is encoded as zeros, i.e. as its mean.
class ModalityEncoders {
 public:
  ModalityEncoders(ParameterSet& parameters, const std::string& name, const FoldData& data,
                   std::int64_t width, Generator& generator);

  /// Outputs by modality. Shapes: -> [M] of [n, width].
  [[nodiscard]] std::vector<at::Tensor> encode_each(const BatchPlan& plan, double dropout,
                                                    DropoutStream& stream) const;

  /// The same, concatenated: [n, M width].
  [[nodiscard]] at::Tensor encode(const BatchPlan& plan, double dropout,
                                  DropoutStream& stream) const;

 private:
  const FeatureTable& table_;
  std::vector<Perceptron> encoders_;
};

class FusionNetwork final : public Network {
 public:
  FusionNetwork(const FoldData& data, std::int64_t width, double dropout, Generator* initial);

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override;

  [[nodiscard]] const ModalityEncoders& encoders() const { return encoders_; }

 private:
  double dropout_;
  ModalityEncoders encoders_;
  Perceptron classifier_;
};

/// Mean squared difference; no gradient to `target`. Shapes: [n, D] twice -> [].
at::Tensor imagination_loss(const at::Tensor& imagined, const at::Tensor& target);

}  // namespace hardy
