#include "methods/gcnet/graph.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "nn/ops.h"

namespace hardy {
namespace {

/// Calls `add(source, target)` for every edge of the window.
template <typename Add>
void for_each_edge(const BatchPlan& plan, std::int64_t past, std::int64_t future, const Add& add) {
  for (std::size_t d = 0; d + 1 < plan.offsets.size(); ++d) {
    const std::int64_t first = plan.offsets[d];
    const std::int64_t last = plan.offsets[d + 1] - 1;
    for (std::int64_t source = first; source <= last; ++source) {
      const auto end = std::min(last, source + future);
      for (std::int64_t target = std::max(first, source - past); target <= end; ++target) {
        add(source, target);
      }
    }
  }
}

/// Speakers numbered by appearance within their dialogue, at most `speakers` numbers.
std::vector<std::int64_t> local_speakers(const BatchPlan& plan, std::int64_t speakers) {
  std::vector<std::int64_t> numbers;
  for (std::size_t d = 0; d + 1 < plan.offsets.size(); ++d) {
    std::vector<std::int64_t> seen;
    for (auto r = plan.offsets[d]; r < plan.offsets[d + 1]; ++r) {
      const auto speaker = plan.rows[static_cast<std::size_t>(r)].speaker;
      auto found = std::find(seen.begin(), seen.end(), speaker);
      if (found == seen.end()) found = seen.insert(seen.end(), speaker);
      numbers.push_back(std::min<std::int64_t>(found - seen.begin(), speakers - 1));
    }
  }
  return numbers;
}

}  // namespace

std::vector<Edges> temporal_edges(const BatchPlan& plan, std::int64_t past, std::int64_t future) {
  std::vector<Edges> edges(3);
  for_each_edge(plan, past, future, [&](std::int64_t source, std::int64_t target) {
    auto& relation = edges[target > source ? 0 : target == source ? 1 : 2];
    relation.sources.push_back(source);
    relation.targets.push_back(target);
  });
  return edges;
}

std::vector<Edges> speaker_edges(const BatchPlan& plan, std::int64_t past, std::int64_t future,
                                 std::int64_t speakers) {
  const auto numbers = local_speakers(plan, speakers);
  std::vector<Edges> edges(static_cast<std::size_t>(speakers * speakers));
  for_each_edge(plan, past, future, [&](std::int64_t source, std::int64_t target) {
    const auto relation = numbers[static_cast<std::size_t>(target)] * speakers +
                          numbers[static_cast<std::size_t>(source)];
    auto& list = edges[static_cast<std::size_t>(relation)];
    list.sources.push_back(source);
    list.targets.push_back(target);
  });
  return edges;
}

GraphBranch::GraphBranch(ParameterSet& parameters, const std::string& name, std::int64_t in,
                         std::int64_t out, std::int64_t relations, Generator& generator) {
  // Glorot: U(-sqrt(6 / (in + out)), ...).
  const double bound = std::sqrt(6.0 / static_cast<double>(in + out));
  root_.weight = parameters.add_uniform(name + ".root.weight", {out, in}, bound, generator);
  root_.bias = parameters.add_constant(name + ".root.bias", {out}, 0.0);
  for (std::int64_t r = 0; r < relations; ++r) {
    relations_.push_back(
        parameters.add_uniform(fmt::format("{}.relation{}", name, r), {out, in}, bound, generator));
  }
  neighbours_ = parameters.add_linear(name + ".neighbours", out, out, generator);
  self_ = parameters.add_linear(name + ".self", out, out, generator, 0, false).weight;
}

at::Tensor GraphBranch::forward(const at::Tensor& x, const std::vector<Edges>& edges) const {
  auto first = linear(x, root_.weight, root_.bias);
  std::vector<std::int64_t> sources;
  std::vector<std::int64_t> targets;
  for (std::size_t r = 0; r < edges.size(); ++r) {
    if (edges[r].sources.empty()) continue;
    const auto from = index_tensor(edges[r].sources, x.device());
    const auto to = index_tensor(edges[r].targets, x.device());
    const auto counts = at::zeros({x.size(0), 1}, x.options())
                            .index_add(0, to, at::ones({to.size(0), 1}, x.options()));
    const auto sums = at::zeros_like(x).index_add(0, to, x.index_select(0, from));
    first = first + linear(sums / counts.clamp_min(1), relations_[r], at::Tensor());
    sources.insert(sources.end(), edges[r].sources.begin(), edges[r].sources.end());
    targets.insert(targets.end(), edges[r].targets.begin(), edges[r].targets.end());
  }
  const auto from = index_tensor(sources, x.device());
  const auto to = index_tensor(targets, x.device());
  const auto sums = at::zeros_like(first).index_add(0, to, first.index_select(0, from));
  return linear(sums, neighbours_.weight, neighbours_.bias) + linear(first, self_, at::Tensor());
}

}  // namespace hardy
