#include "methods/hardymer/curriculum.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {

std::size_t Supports::longest() const {
  std::size_t longest = 0;
  for (const auto& list : of) longest = std::max(longest, list.size());
  return longest;
}

Supports choose_supports(std::span<const float> score, const NeighbourTable& neighbours) {
  if (score.size() != neighbours.counts.size()) {
    throw ShapeError(fmt::format("curriculum: {} scores for {} utterances", score.size(),
                                 neighbours.counts.size()));
  }
  Supports supports;
  for (std::size_t i = 0; i < score.size(); ++i) {
    const auto wanted = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(
               std::ceil(static_cast<double>(score[i]) * static_cast<double>(neighbours.k))));
    const auto count = std::min({wanted, neighbours.k, neighbours.counts[i]});
    const auto first = neighbours.ids.begin() + static_cast<std::int64_t>(i) * neighbours.k;
    supports.of.emplace_back(first, first + count);
  }
  return supports;
}

std::vector<float> count_visits(const Supports& supports) {
  std::vector<float> visits(supports.of.size(), 1.0F);
  for (const auto& list : supports.of) {
    for (const auto id : list) visits[static_cast<std::size_t>(id)] += 1.0F;
  }
  return visits;
}

}  // namespace hardy
