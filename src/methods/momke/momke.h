// MoMKE's network (docs/methods/momke.md): every modality is encoded by the experts of all
// modalities, weighted by a router.
#pragma once

#include "methods/momke/settings.h"
#include "methods/network.h"
#include "nn/backbone.h"

namespace hardy {

/// P_m = Dropout(W x_m); z_me = E^e(P_m); w_m = softmax(router_m(P_m)); z_m = sum_e w_me z_me; then
/// joint layer and classifier as in Backbone. Absent modalities are not computed.
class MomkeNetwork final : public Network {
 public:
  /// A null `initial` leaves the parameters to be loaded.
  MomkeNetwork(const FeatureTable& table, const BackboneOptions& options, Generator* initial);

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& dropout) const override;

  [[nodiscard]] std::vector<at::Tensor> logits_by_pattern(
      const BatchPlan& plan, const std::vector<Pattern>& patterns) const override;

  /// Stage 1: z_m = E^m(P_m) and modality m's own head, for the rows that have m.
  /// Shapes: -> [n_m, C].
  [[nodiscard]] at::Tensor modality_logits(const Batch& batch, int m, DropoutStream& dropout) const;

 private:
  struct Router {
    LinearLayer fc1;
    LinearLayer fc2;
  };

  [[nodiscard]] Encoded encode(const Batch& batch, DropoutStream& dropout) const;
  [[nodiscard]] at::Tensor mix(int m, const ModalityRows& rows, DropoutStream& dropout) const;

  const FeatureTable& table_;
  Backbone backbone_;
  std::vector<Router> routers_;
};

/// The network's shape for a corpus.
BackboneOptions momke_options(const FoldData& data, const MomkeSettings& settings);

}  // namespace hardy
