// The transformer stack of one modality: E^m of the paper.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "hardy/config.h"
#include "nn/ops.h"
#include "nn/parameters.h"

namespace hardy {

/// Distances beyond this share one learned bias if EncoderConfig::position is "relative".
inline constexpr std::int64_t kRelativeReach = 8;

/// A stack of `depth` attention units over the utterances of a dialogue.
///
/// Without layer norm a unit is the published one: Z = heads of softmax(q k^T / sqrt(D/heads)) v, X
/// <- X + Z + MLP(Z), MLP = Linear GELU Dropout Linear Dropout; no output projection. `norm =
/// "layer"` is the pre-norm form X <- X + Z(LN X), X <- X + MLP(LN X), with LN at the end.
/// `position = "relative"` adds a learned bias per head and distance to the scores, `speaker =
/// "relation"` one per head and same or other speaker.
class ExpertStack {
 public:
  ExpertStack(ParameterSet& parameters, const std::string& name, const EncoderConfig& config,
              Generator& generator);

  /// Shapes: x [n, D], segments over n rows -> [n, D].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const Segments& segments,
                                   DropoutStream& dropout) const;

  /// Output of the published stack when every key is masked, i.e. for an absent modality: attention
  /// is zero, so X <- X + MLP(0) per unit. For parity tests only; absent modalities are not
  /// computed here.
  [[nodiscard]] at::Tensor forward_without_keys(const at::Tensor& x) const;

 private:
  struct Unit {
    LinearLayer qkv;  ///< q, k and v stacked: [3D, D]
    LinearLayer fc1;
    LinearLayer fc2;
    LinearLayer norm1;  ///< scale and shift; undefined without layer norm
    LinearLayer norm2;
    RelationBias bias;
  };

  [[nodiscard]] at::Tensor run_mlp(const Unit& unit, const at::Tensor& x,
                                   DropoutStream& dropout) const;
  [[nodiscard]] at::Tensor run_unit(const Unit& unit, const at::Tensor& x, const Segments& segments,
                                    DropoutStream& dropout) const;

  EncoderConfig config_;
  std::vector<Unit> units_;
  LinearLayer final_norm_;
};

/// Cross-modal attention CA(x, y) of paper Eq. 5-7: queries from x, keys and values from y; X1 =
/// Dropout(Proj(attention)), result X1 + MLP(X1).
class CrossAttention {
 public:
  /// `drops_attention` is defect H9: in training every attention weight is dropped.
  CrossAttention(ParameterSet& parameters, const std::string& name, const EncoderConfig& config,
                 Generator& generator, bool drops_attention = false);

  /// Shapes: x [n_x, D], y [n_y, D] -> [n_x, D].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const at::Tensor& y,
                                   const Segments& queries, const Segments& keys,
                                   DropoutStream& dropout) const;

 private:
  std::int64_t heads_;
  double dropout_;
  bool drops_attention_;
  LinearLayer q_;
  LinearLayer kv_;  ///< k and v stacked: [2D, D]
  LinearLayer proj_;
  LinearLayer fc1_;
  LinearLayer fc2_;
};

}  // namespace hardy
