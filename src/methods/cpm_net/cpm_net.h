// CPM-Net (docs/methods/cpm_net.md): one latent per utterance, a linear decoder per modality,
// classes by similarity to training latents.
#pragma once

#include <vector>

#include "methods/cpm_net/settings.h"
#include "methods/network.h"

namespace hardy {

/// Linear decoders f_v(h) = W_v h + b_v. Parameters "decoder.<modality>.weight" [d_v, L] and
/// ".bias" [d_v].
class CpmDecoders {
 public:
  CpmDecoders(const FoldData& data, std::int64_t latent, Generator* initial);

  /// sum over rows and their observed modalities of ||f_v(h) - x_v||^2. `observed` [n]: observed
  /// modalities of each row. Shapes: h [n, L], utterances [n] -> [].
  [[nodiscard]] at::Tensor reconstruction_loss(const at::Tensor& h,
                                               const std::vector<std::int64_t>& utterances,
                                               const std::vector<Pattern>& observed) const;

  /// Latents of utterances outside the training part, fitted to the observed modalities of each
  /// utterance by Adam from zero; the gradient 2 (G h - c), G = sum W_v^T W_v, c = sum W_v^T (x_v -
  /// b_v), is that of the reconstruction loss. Shapes: -> [n, L].
  [[nodiscard]] at::Tensor infer(const std::vector<std::int64_t>& utterances,
                                 const std::vector<Pattern>& observed,
                                 const CpmNetSettings& settings) const;

  [[nodiscard]] ParameterSet& parameters() { return parameters_; }

  [[nodiscard]] const ParameterSet& parameters() const { return parameters_; }

 private:
  const FoldData& data_;
  ParameterSet parameters_;
  std::vector<LinearLayer> layers_;
};

/// sum_n relu( max_c G_c(n) - G_{y_n}(n) + 1[argmax_c G_c(n) != y_n] ), G_c(n) = mean of h_n h_m
/// over m != n of class c. Rows with label -1 belong to no class and have weight 0. Shapes: h [n,
/// L], labels [n] -> [].
at::Tensor cpm_class_loss(const at::Tensor& h, const at::Tensor& labels, std::int64_t classes);

}  // namespace hardy
