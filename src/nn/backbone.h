// Encoders, fusion, classifier and decoder: the module shared by the hardness estimator and the
// recogniser (paper 3.2 and 3.3.3).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "nn/batch.h"
#include "nn/encoder.h"
#include "nn/parameters.h"

namespace hardy {

/// Shape of a backbone.
struct BackboneOptions {
  std::vector<std::string> modality_names;  ///< [M]
  std::vector<std::int64_t> widths;         ///< [M] d_m
  std::int64_t outputs = 0;                 ///< C classes, or 1 for a value
  EncoderConfig encoder;
  /// z_m = sum over all experts e of E^e(P_m) instead of E^m(P_m): MoMKE's mixing with weights 1,
  /// as the published hardness model does in its second stage.
  bool mixes_experts = false;
  /// Defect H9: cross-attention (of the hardness module) loses all its weights in training.
  bool drops_cross_attention = false;
  bool has_decoder = true;  ///< false: reconstruct() must not be called
};

/// Representations of each modality's rows.
struct Encoded {
  std::vector<at::Tensor> z;  ///< [M] of [n_m, D]; undefined where no row has the modality
};

/// The representations that remain under one pattern, of a batch encoded with complete input.
/// Modalities are encoded separately, so one encoding serves every pattern that all rows share.
Encoded limited_to(const Encoded& encoded, Pattern pattern);

/// The joint representation of a batch.
struct Fused {
  at::Tensor stacked;  ///< J [n, M D]: the z_m side by side, zero where absent
  at::Tensor joint;    ///< H [n, M D] = J + Dropout(ReLU(W J + b))
};

/// P_m = Dropout(Linear x_m); z_m = E^m(P_m); J = [z_1;..;z_M]; H = J + Dropout(ReLU(W J + b));
/// logits = Linear H; x^_m = decoder. Absent modalities are not computed, so their stored values
/// cannot reach an output. Const methods are safe from several threads.
class Backbone {
 public:
  Backbone(const BackboneOptions& options, ParameterSet& parameters, Generator& generator);

  [[nodiscard]] Encoded encode(const Batch& batch, DropoutStream& dropout) const;

  [[nodiscard]] Fused fuse(const Batch& batch, const Encoded& encoded,
                           DropoutStream& dropout) const;

  /// Logits (or values) from the joint representation. Shapes: [n, MD] -> [n, C].
  [[nodiscard]] at::Tensor classify(const Fused& fused) const;

  /// Logits, without dropout, under each of some patterns that all rows share, in addition to the
  /// masks of the batch; every modality is encoded once. Shapes: -> [patterns] of [n, C].
  [[nodiscard]] std::vector<at::Tensor> classify_under(const Batch& batch, const Encoded& encoded,
                                                       const std::vector<Pattern>& patterns) const;

  /// Logits of modality m alone, for its rows (the heads of stage 1). Shapes: [n_m, D] -> [n_m, C].
  [[nodiscard]] at::Tensor classify_modality(int m, const at::Tensor& z) const;

  /// x^_m for the rows that `rows[m]` lists (ascending batch rows; empty = none). The decoder's
  /// shared layer runs once over the union. decoder = "linear": W_m J + b_m (Eq. 1); "two-layer":
  /// Linear(ReLU(Linear H)) as published. Shapes: -> [M] of [rows[m], d_m], undefined where none.
  [[nodiscard]] std::vector<at::Tensor> reconstruct(
      const Fused& fused, const std::vector<std::vector<std::int64_t>>& rows) const;

  /// P_m, public for parity tests with the published hardness model.
  [[nodiscard]] at::Tensor embed(int m, const at::Tensor& x, DropoutStream& dropout) const;

  [[nodiscard]] const ExpertStack& expert(int m) const {
    return experts_[static_cast<std::size_t>(m)];
  }

  [[nodiscard]] const BackboneOptions& options() const { return options_; }

 private:
  BackboneOptions options_;
  std::vector<LinearLayer> embeddings_;
  std::vector<ExpertStack> experts_;
  std::vector<LinearLayer> heads_;
  std::vector<LinearLayer> joint_;  ///< [M] blocks of the fusion layer: [MD, D] without bias
  at::Tensor joint_bias_;
  LinearLayer classifier_;
  LinearLayer decoder_hidden_;  ///< undefined for the linear decoder
  std::vector<LinearLayer> decoder_out_;
};

}  // namespace hardy
