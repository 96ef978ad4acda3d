// From hardness and neighbours to who is practised how often (paper Eq. 18, methods.md 1.7).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "methods/hardymer/neighbours.h"

namespace hardy {

/// Chosen neighbours of each of n training utterances, most similar first.
struct Supports {
  std::vector<std::vector<std::int64_t>> of;  ///< [n] of database rows

  [[nodiscard]] std::size_t longest() const;
};

/// n_i = max(1, ceil(H_i K)) supports for utterance i, the first n_i of its neighbours (fewer when
/// the table is short). Shapes: score [n] in (0, 1].
Supports choose_supports(std::span<const float> score, const NeighbourTable& neighbours);

/// How often each utterance is seen per epoch: once for itself, once per utterance it supports.
/// The sum is n + the number of all supports. Shapes: -> [n].
std::vector<float> count_visits(const Supports& supports);

}  // namespace hardy
