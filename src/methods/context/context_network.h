// The network of the context method (docs/methods/context.md). Letters: n rows of a batch, H width,
// d_m width of modality m, C classes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "methods/context/settings.h"
#include "methods/network.h"
#include "nn/ops.h"

namespace hardy {

/// Scale and shift of a layer normalisation over `width` columns.
struct Normalisation {
  at::Tensor gain;
  at::Tensor offset;

  Normalisation() = default;
  Normalisation(ParameterSet& parameters, const std::string& name, std::int64_t width);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;
};

/// Outputs of one forward pass.
struct ContextOutputs {
  at::Tensor logits;  ///< [n, C]
  /// [M] logits [n_m, C] of the modality's own head, and the rows that have it.
  std::vector<at::Tensor> unimodal;
  std::vector<std::vector<std::int64_t>> rows;
};

class ContextNetwork final : public Network {
 public:
  ContextNetwork(const FoldData& data, const ContextSettings& settings, Generator* initial);

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override {
    return run(plan, stream).logits;
  }

  [[nodiscard]] ContextOutputs run(const BatchPlan& plan, DropoutStream& stream) const;

 private:
  /// One direction of the recurrent layer.
  struct Direction {
    LinearLayer input;  ///< to the gates
    at::Tensor state;   ///< [gates H/2, H/2]
    at::Tensor bias;    ///< [H/2] of the candidate's state part
  };

  Direction direction(const std::string& name, std::int64_t hidden);

  /// Shapes: x [n, H] -> [n, H].
  [[nodiscard]] at::Tensor context(const at::Tensor& x, const BatchPlan& plan) const;

  /// Row of `roles_` by order of appearance in the dialogue; 0 = unknown, the last for all further
  /// ones.
  [[nodiscard]] at::Tensor role_numbers(const BatchPlan& plan) const;

  const FeatureTable& table_;
  const Corpus* corpus_;
  ContextSettings settings_;
  std::vector<LinearLayer> embed_;   ///< [M] of [H, d_m]
  std::vector<Normalisation> norm_;  ///< [M]
  std::vector<at::Tensor> absent_;   ///< [M] of [H]
  std::vector<LinearLayer> heads_;   ///< [M] of [C, H]
  std::vector<at::Tensor> usual_;    ///< [M] of [H, d_m]
  at::Tensor mean_;
  at::Tensor roles_;                 ///< [roles + 1, H]
  Direction forward_;
  Direction backward_;
  Normalisation joint_norm_;
  LinearLayer output_;
};

/// Divergence of an output from another one, mean over rows: KL(given || shown) for classes, the
/// squared difference for values. No gradient to `given`.
at::Tensor divergence(const Objective& objective, const at::Tensor& shown, const at::Tensor& given);

/// Label loss, losses of the heads of single modalities, divergence from complete input. -> []
at::Tensor context_loss(const FoldData& data, const ContextNetwork& network,
                        const ContextSettings& settings, const BatchPlan& plan, bool distils,
                        DropoutStream& stream);

}  // namespace hardy
