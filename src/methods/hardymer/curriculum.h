// Support counts from hardness scores and neighbours (paper Eq. 18).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "methods/hardymer/neighbours.h"

namespace hardy {

/// Selected neighbours of each of n training utterances, most similar first.
struct Supports {
  std::vector<std::vector<std::int64_t>> of;  ///< [n] of database rows

  [[nodiscard]] std::size_t longest() const;
};

/// n_i = max(1, ceil(H_i K)) supports for utterance i, the first n_i of its neighbours (fewer when
/// the table is short). Shapes: score [n] in (0, 1].
Supports choose_supports(std::span<const float> score, const NeighbourTable& neighbours);

/// Visits of each utterance per epoch: one for itself, one per utterance that it supports. The sum
/// is n + the number of all supports. Shapes: -> [n].
std::vector<float> count_visits(const Supports& supports);

}  // namespace hardy
