// Mixtures of utterances and their supports (`retrieval.supports = "mix"`).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "nn/batch.h"

namespace hardy {

/// Mixup partner and weight per row.
struct MixtureDraw {
  std::vector<std::int64_t> partners;  ///< [n] utterances; the row itself where nothing is mixed in
  std::vector<float> shares;           ///< [n] of the partner, in [0, 1)
};

/// Frequency and strength of mixing.
struct MixtureOptions {
  double rate =
      0;  ///< probability for an utterance with all K supports; proportional to their number
  double share = 0;  ///< largest share of a support
  std::int64_t k = 1;
};

/// Draws the partner of one row. An utterance with n of K supports is mixed with one of them, each
/// equally likely, with probability `rate` n / K; the share of the support is uniform in [0,
/// `share`). Harder utterances have more supports and therefore more variations. A support that
/// lacks one of the utterance's modalities is not mixed in. The number of random draws is constant.
/// `supports`: utterances.
void draw_partner(const FeatureTable& table, std::int64_t utterance,
                  std::span<const std::int64_t> supports, const MixtureOptions& options,
                  Generator& draws, MixtureDraw& draw);

/// Rows of a batch blended with other utterances: features, reconstruction targets and labels in
/// the same shares. A form of mixup (Zhang et al. 2018) with retrieved partners.
class Mixture {
 public:
  /// A mixture without effect.
  Mixture() = default;

  Mixture(const MixtureDraw& draw, at::Device device);

  [[nodiscard]] bool is_used() const { return partners_.defined(); }

  /// Shapes: -> [n] int64, corpus indices.
  [[nodiscard]] const at::Tensor& partners() const { return partners_; }

  /// Shapes: -> [n] float32.
  [[nodiscard]] const at::Tensor& shares() const { return shares_; }

  /// (1 - share) own + share partner for some batch rows. `features` is one modality of the table.
  /// Shapes: features [N, d], own [k, d], rows [k] int64 -> [k, d].
  [[nodiscard]] at::Tensor blend(const FeatureRows& features, const at::Tensor& own,
                                 const at::Tensor& rows) const;

  /// Blends the inputs of the batch.
  void blend_inputs(const FeatureTable& table, Batch& batch) const;

 private:
  at::Tensor partners_;
  at::Tensor shares_;
};

}  // namespace hardy
