// The network of the multi-view hardness estimator (paper 3.2): a backbone plus cross-modal
// attention for every pair of modalities.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "nn/backbone.h"
#include "nn/encoder.h"

namespace hardy {

/// Pseudo mutual information of one pair of modalities.
struct PairInformation {
  int first = 0;
  int second = 0;
  std::vector<std::int64_t> rows;  ///< batch rows that have both; empty = every row
  at::Tensor information;          ///< [rows], nats; may be negative
};

/// Backbone plus, for each pair x < y, CA_xy and CA_yx. Const methods are safe from several
/// threads.
class HardnessModule {
 public:
  HardnessModule(const BackboneOptions& options, ParameterSet& parameters, Generator& generator);

  [[nodiscard]] const Backbone& backbone() const { return backbone_; }

  /// Hn(z_x) + Hn(z_y) - Hn(CA(x,y) + CA(y,x)) per utterance that has both (Eq. 4-8), where Hn is
  /// the entropy of the softmax over the entries of a feature. It is a *pseudo* mutual information:
  /// no distribution over samples is involved. Pairs without common rows are left out.
  [[nodiscard]] std::vector<PairInformation> pair_information(const Batch& batch,
                                                              const Encoded& encoded,
                                                              DropoutStream& dropout) const;

  /// The same for one pair of given rows. Shapes: x, y [n, D] -> [n].
  [[nodiscard]] at::Tensor information(std::size_t pair, const at::Tensor& x, const at::Tensor& y,
                                       const Segments& queries, const Segments& keys,
                                       DropoutStream& dropout) const;

  /// One side of a pair: query rows, key rows.
  struct Side {
    at::Tensor queries;  ///< [n, D]
    at::Tensor keys;     ///< [n_keys, D]
  };

  /// The same with keys of other rows than the queries, for parity with the published module, which
  /// masks keys in its own way.
  [[nodiscard]] at::Tensor information_with_keys(std::size_t pair, const Side& x, const Side& y,
                                                 const Segments& queries, const Segments& keys,
                                                 DropoutStream& dropout) const;

  [[nodiscard]] const std::vector<std::pair<int, int>>& pairs() const { return pairs_; }

 private:
  Backbone backbone_;
  std::vector<std::pair<int, int>> pairs_;
  std::vector<CrossAttention> forward_;   ///< CA(x, y) by pair
  std::vector<CrossAttention> backward_;  ///< CA(y, x) by pair
};

}  // namespace hardy
