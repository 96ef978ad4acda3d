#include "methods/hardymer/neighbours.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <faiss/impl/FaissException.h>
#include <faiss/utils/Heap.h>
#include <faiss/utils/distances.h>
#include <fmt/format.h>

#include "hardy/errors.h"
#include "nn/compat.h"

namespace hardy {
namespace {

/// The rows of `members`, of length 1 where they are compared by cosine.
RowSource rows_of(const DatabaseView& view, const std::vector<std::int64_t>& members) {
  return RowSource(view.features, view.width, members, view.metric == Metric::kCosine)
      .stored_at(view.places, view.scaling);
}

/// The same k nearest others by inverted lists; for rows of length 1 the smallest Euclidean
/// distance is the largest product.
std::vector<std::int64_t> search_lists(const DatabaseView& view,
                                       const std::vector<std::int64_t>& members, std::int64_t n,
                                       std::int64_t k, const StopCheck& check_stop,
                                       ListSearchReport& report) {
  constexpr double kLeastRecall = 0.99;
  std::vector<std::int64_t> nearest(static_cast<std::size_t>(n * k), -1);
  if (members.empty()) return nearest;
  const auto found = search_by_lists(rows_of(view, members), k, kLeastRecall, check_stop);
  report = found.report;
  for (std::size_t i = 0; i < found.nearest.size(); ++i) {
    if (found.nearest[i] < 0) continue;
    const auto row = members[i / static_cast<std::size_t>(k)] * k;
    nearest[static_cast<std::size_t>(row) + i % static_cast<std::size_t>(k)] =
        members[static_cast<std::size_t>(found.nearest[i])];
  }
  return nearest;
}

/// The k nearest others of each row of `members` in one modality, as database rows.
std::vector<std::int64_t> search(const DatabaseView& view, const std::vector<std::int64_t>& members,
                                 std::int64_t n, std::int64_t k, const StopCheck& check_stop) {
  std::vector<std::int64_t> nearest(static_cast<std::size_t>(n * k), -1);
  const auto count = static_cast<std::int64_t>(members.size());
  if (count < 2) return nearest;
  const std::vector<float> rows = rows_of(view, members).block(0, count);
  const std::int64_t wanted = std::min(k + 1, count);  // one more: a row finds itself
  std::vector<float> distances(static_cast<std::size_t>(count * wanted));
  std::vector<FaissId> labels(distances.size());
  // What an IndexFlat does, without a copy of the rows. FAISS takes this many queries at a time,
  // and few of them (the rest at the end) by other sums; so the parts give the bytes of one call.
  constexpr std::size_t kQueries = 4096;
  constexpr std::size_t kFew = 20;
  const auto n_rows = static_cast<std::size_t>(count);
  const auto width = static_cast<std::size_t>(view.width);
  const auto n_wanted = static_cast<std::size_t>(wanted);
  for (std::size_t first = 0, part = 0; first < n_rows; first += part) {
    if (check_stop) check_stop();
    const auto left = n_rows - first;
    part = left < kQueries + kFew ? left : kQueries;
    const float* queries = rows.data() + first * width;
    FaissId* ids = labels.data() + first * n_wanted;
    float* found = distances.data() + first * n_wanted;
    if (view.metric == Metric::kCosine) {
      faiss::float_minheap_array_t best = {part, n_wanted, ids, found};
      faiss::knn_inner_product(queries, rows.data(), width, part, n_rows, &best);
    } else {
      faiss::float_maxheap_array_t best = {part, n_wanted, ids, found};
      faiss::knn_L2sqr(queries, rows.data(), width, part, n_rows, &best);
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t kept = 0;
    for (std::int64_t j = 0; j < wanted && kept < k; ++j) {
      const auto label = labels[static_cast<std::size_t>(i * wanted + j)];
      if (label < 0 || label == i) continue;
      nearest[static_cast<std::size_t>(members[static_cast<std::size_t>(i)] * k + kept++)] =
          members[static_cast<std::size_t>(label)];
    }
  }
  return nearest;
}

}  // namespace

NeighbourSearch::NeighbourSearch(std::vector<DatabaseView> modalities, std::vector<Pattern> present,
                                 std::int64_t k, SearchKind kind, const StopCheck& check_stop)
    : modalities_(std::move(modalities)), present_(std::move(present)), k_(k) {
  const auto n = static_cast<std::int64_t>(present_.size());
  check(k >= 1, "retrieval needs K >= 1");
  for (std::size_t m = 0; m < modalities_.size(); ++m) {
    const DatabaseView& view = modalities_[m];
    const auto held = view.places.empty()
                          ? view.features.size() / static_cast<std::size_t>(view.width)
                          : view.places.size();
    if (static_cast<std::int64_t>(held) != n) {
      throw ShapeError(
          fmt::format("retrieval database of modality {}: {} rows for {} utterances", m, held, n));
    }
    std::vector<std::int64_t> members;
    for (std::int64_t i = 0; i < n; ++i) {
      if (present_[static_cast<std::size_t>(i)].has(static_cast<int>(m))) members.push_back(i);
    }
    try {
      if (kind == SearchKind::kLists) {
        nearest_.push_back(search_lists(view, members, n, k, check_stop, reports_.emplace_back()));
      } else {
        nearest_.push_back(search(view, members, n, k, check_stop));
      }
    } catch (const faiss::FaissException& error) {
      throw InternalError(fmt::format("FAISS failed on modality {}: {}", m, error.what()));
    }
  }
  measure_candidates();
}

std::vector<std::int64_t> NeighbourSearch::candidates(std::int64_t query, Pattern pattern) const {
  const Pattern available = pattern & present_[static_cast<std::size_t>(query)];
  std::vector<std::int64_t> found;
  for (std::size_t m = 0; m < modalities_.size(); ++m) {
    if (!available.has(static_cast<int>(m))) continue;
    const auto first = nearest_[m].begin() + query * k_;
    std::copy_if(first, first + k_, std::back_inserter(found), [](auto id) { return id >= 0; });
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void NeighbourSearch::measure_candidates() {
  const auto everything = Pattern::complete(static_cast<int>(modalities_.size()));
  known_begin_.push_back(0);
  for (std::int64_t query = 0; query < static_cast<std::int64_t>(present_.size()); ++query) {
    const auto found = candidates(query, everything);
    known_.insert(known_.end(), found.begin(), found.end());
    known_begin_.push_back(static_cast<std::int64_t>(known_.size()));
    known_distances_.resize(known_.size() * modalities_.size(), 0);
    for (std::size_t m = 0; m < modalities_.size(); ++m) measure_in(m, query);
  }
}

/// Euclidean distances of the query to its candidates that have the modality, too.
void NeighbourSearch::measure_in(std::size_t modality, std::int64_t query) {
  const auto m = static_cast<int>(modality);
  if (!present_[static_cast<std::size_t>(query)].has(m)) return;
  const DatabaseView& view = modalities_[modality];
  const auto rows =
      RowSource(view.features, view.width, {}, false).stored_at(view.places, view.scaling);
  std::vector<float> left(static_cast<std::size_t>(view.width));
  std::vector<float> right(left.size());
  rows.copy(query, left.data());
  const auto first = static_cast<std::size_t>(known_begin_[static_cast<std::size_t>(query)]);
  for (std::size_t at = first; at < known_.size(); ++at) {
    if (!present_[static_cast<std::size_t>(known_[at])].has(m)) continue;
    rows.copy(known_[at], right.data());
    double squares = 0;
    for (std::size_t j = 0; j < left.size(); ++j) {
      const double difference = static_cast<double>(left[j]) - static_cast<double>(right[j]);
      squares += difference * difference;
    }
    known_distances_[at * modalities_.size() + modality] = std::sqrt(squares);
  }
}

double NeighbourSearch::distance(std::int64_t query, std::int64_t id, Pattern pattern) const {
  const Pattern shared =
      pattern & present_[static_cast<std::size_t>(query)] & present_[static_cast<std::size_t>(id)];
  const auto first = known_.begin() + known_begin_[static_cast<std::size_t>(query)];
  const auto last = known_.begin() + known_begin_[static_cast<std::size_t>(query) + 1];
  const auto row = static_cast<std::size_t>(std::lower_bound(first, last, id) - known_.begin());
  double total = 0;
  for (std::size_t m = 0; m < modalities_.size(); ++m) {
    if (shared.has(static_cast<int>(m))) total += known_distances_[row * modalities_.size() + m];
  }
  return total / std::max(1, shared.count());
}

NeighbourTable NeighbourSearch::neighbours(Pattern pattern) const {
  const auto n = static_cast<std::int64_t>(present_.size());
  NeighbourTable table;
  table.k = k_;
  table.ids.assign(static_cast<std::size_t>(n * k_), -1);
  table.distances.assign(static_cast<std::size_t>(n * k_), 0.0F);
  std::vector<std::pair<double, std::int64_t>> ranked;
  for (std::int64_t query = 0; query < n; ++query) {
    ranked.clear();
    for (const auto id : candidates(query, pattern)) {
      ranked.emplace_back(distance(query, id, pattern), id);
    }
    std::sort(ranked.begin(), ranked.end());
    const auto kept = std::min<std::int64_t>(k_, static_cast<std::int64_t>(ranked.size()));
    for (std::int64_t j = 0; j < kept; ++j) {
      const auto place = static_cast<std::size_t>(query * k_ + j);
      table.ids[place] = ranked[static_cast<std::size_t>(j)].second;
      table.distances[place] = static_cast<float>(ranked[static_cast<std::size_t>(j)].first);
    }
    table.counts.push_back(kept);
  }
  return table;
}

NeighbourTable NeighbourSearch::neighbours_in_first(Pattern pattern,
                                                    const std::vector<int>& order) const {
  NeighbourTable table;
  table.k = k_;
  table.ids.assign(present_.size() * static_cast<std::size_t>(k_), -1);
  table.distances.assign(table.ids.size(), 0.0F);
  for (std::int64_t query = 0; query < static_cast<std::int64_t>(present_.size()); ++query) {
    const Pattern available = pattern & present_[static_cast<std::size_t>(query)];
    const auto first =
        std::find_if(order.begin(), order.end(), [&](const int m) { return available.has(m); });
    std::int64_t kept = 0;
    for (std::int64_t j = 0; first != order.end() && j < k_; ++j) {
      const auto place = static_cast<std::size_t>(query * k_ + j);
      const auto id = nearest_[static_cast<std::size_t>(*first)][place];
      if (id < 0) break;
      table.ids[place] = id;
      table.distances[place] = static_cast<float>(distance(query, id, Pattern::only(*first)));
      ++kept;
    }
    table.counts.push_back(kept);
  }
  return table;
}

}  // namespace hardy
