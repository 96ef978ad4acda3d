// The network of the context method and its loss (docs/methods/context.md). Letters: n rows of a
// batch, H width, d_m width of modality m, C classes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "methods/context/settings.h"
#include "methods/network.h"

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

/// A recurrent layer over the dialogue in both directions.
class ContextNetwork final : public Network {
 public:
  ContextNetwork(const FoldData& data, const ContextSettings& settings, Generator* initial);

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override;

  [[nodiscard]] ContextOutputs run(const BatchPlan& plan, DropoutStream& stream) const;

 private:
  /// One direction of the recurrent layer.
  struct Direction {
    LinearLayer input;  ///< to the gates i, f, g, o
    at::Tensor state;   ///< [4 H/2, H/2]
  };

  Direction direction(const std::string& name, std::int64_t hidden);

  /// Shapes: x [n, H] -> [n, H].
  [[nodiscard]] at::Tensor context(const at::Tensor& x, const BatchPlan& plan) const;

  /// Row of `roles_` by order of appearance in the dialogue; 0 = unknown, the last for all further
  /// ones.
  [[nodiscard]] at::Tensor role_numbers(const BatchPlan& plan) const;

  const FeatureTable& table_;
  ContextSettings settings_;
  std::vector<LinearLayer> embed_;   ///< [M] of [H, d_m]
  std::vector<Normalisation> norm_;  ///< [M]
  std::vector<at::Tensor> absent_;   ///< [M] of [H]
  std::vector<LinearLayer> heads_;   ///< [M] of [C, H]
  at::Tensor roles_;                 ///< [roles + 1, H]
  Direction forward_;
  Direction backward_;
  Normalisation joint_norm_;
  LinearLayer output_;
};

/// Trains the network on the data's training part, one pattern or several, and keeps the epoch with
/// the lowest validation loss.
std::vector<CurvePoint> train_context(const FoldData& data, ContextNetwork& network,
                                      const ContextSettings& settings,
                                      const std::vector<Pattern>& patterns, Selection selection,
                                      const StageServices& services);

}  // namespace hardy
