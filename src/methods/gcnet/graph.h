// Messages between the utterances of a dialogue, as lists of edges: gathered, weighted, scattered.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/batch.h"
#include "nn/parameters.h"

namespace hardy {

/// The edges of one relation: message from row `sources[e]` to row `targets[e]`.
struct Edges {
  std::vector<std::int64_t> sources;
  std::vector<std::int64_t> targets;
};

/// Edges within dialogues from every row j to the rows j - past .. j + future, itself included.
/// By relation: 0 the target is later, 1 the same row, 2 the target is earlier.
std::vector<Edges> temporal_edges(const BatchPlan& plan, std::int64_t past, std::int64_t future);

/// The same edges by speakers: relation (target's speaker) * speakers + (source's speaker), with
/// speakers of a dialogue numbered by appearance; the last number stands for all later ones.
std::vector<Edges> speaker_edges(const BatchPlan& plan, std::int64_t past, std::int64_t future,
                                 std::int64_t speakers);

/// A relational convolution, then a plain one: h1_i = W_root n_i + b + sum_r mean over r-neighbours
/// j of W_r n_j; h2_i = W_1 sum over all neighbours j of h1_j + b' + W_2 h1_i. No activation.
class GraphBranch {
 public:
  GraphBranch(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t out,
              std::int64_t relations, Generator& generator);

  /// Shapes: x [n, in] -> [n, out].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const std::vector<Edges>& edges) const;

 private:
  LinearLayer root_;
  std::vector<at::Tensor> relations_;  ///< [R] of [out, in]
  LinearLayer neighbours_;
  at::Tensor self_;  ///< [out, out]
};

}  // namespace hardy
