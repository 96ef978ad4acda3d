// GCNet (docs/methods/gcnet.md): recurrent context, two graph branches, classifier and
// reconstruction.
#pragma once

#include "methods/gcnet/graph.h"
#include "methods/gcnet/recurrent.h"
#include "methods/gcnet/settings.h"
#include "methods/network.h"

namespace hardy {

class GcnetNetwork final : public Network {
 public:
  GcnetNetwork(const FoldData& data, const GcnetSettings& settings, Generator* initial);

  /// The joint representation. Shapes: -> [n, 2 hidden + hidden / 2].
  [[nodiscard]] at::Tensor represent(const BatchPlan& plan, DropoutStream& stream) const;

  [[nodiscard]] at::Tensor classify(const at::Tensor& representation) const;

  /// Reconstructed features of modality m. Shapes: -> [n, d_m].
  [[nodiscard]] at::Tensor reconstruct(const at::Tensor& representation, int m) const;

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override {
    return classify(represent(plan, stream));
  }

 private:
  struct Branch {
    GraphBranch graph;
    RecurrentStack context;
    LinearLayer out;
  };

  Branch make_branch(const std::string& name, std::int64_t relations);
  [[nodiscard]] at::Tensor run(const Branch& branch, const at::Tensor& x,
                               const std::vector<Edges>& edges, const StepOrder& order,
                               DropoutStream& stream) const;

  const FoldData& data_;
  GcnetSettings settings_;
  std::int64_t width_;  ///< D_h
  RecurrentStack context_;
  Branch temporal_;
  Branch speaker_;
  LinearLayer classifier_;
  LinearLayer decoder_;
};

/// CE + reconstruction_weight times the mean over rows of sum_m ||x^_m - x_m||^2 / d_m over the
/// modalities that the row's pattern masks.
at::Tensor gcnet_loss(const FoldData& data, const GcnetNetwork& network,
                      const GcnetSettings& settings, const BatchPlan& plan, DropoutStream& stream);

}  // namespace hardy
