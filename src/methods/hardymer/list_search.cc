#include "methods/hardymer/list_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <faiss/utils/Heap.h>
#include <faiss/utils/distances.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::int64_t kRecallQueries = 500;
constexpr std::int64_t kBlock = 16'384;
constexpr float kFar = std::numeric_limits<float>::infinity();

void give_way(const StopCheck& check_stop) {
  if (check_stop) check_stop();
}

std::size_t place(std::int64_t row, std::int64_t width) {
  return static_cast<std::size_t>(row * width);
}

/// The k best of `rows` for each query, by a matrix product.
struct Best {
  std::vector<float> distances;
  std::vector<std::int64_t> ids;
};

Best best_of(std::span<const float> queries, std::span<const float> rows, std::int64_t width,
             std::int64_t k) {
  const auto count = queries.size() / static_cast<std::size_t>(width);
  const auto n = rows.size() / static_cast<std::size_t>(width);
  Best best;
  best.distances.resize(count * static_cast<std::size_t>(k));
  best.ids.resize(best.distances.size());
  faiss::float_maxheap_array_t heap = {count, static_cast<std::size_t>(k), best.ids.data(),
                                       best.distances.data()};
  faiss::knn_L2sqr(queries.data(), rows.data(), static_cast<std::size_t>(width), count, n, &heap);
  return best;
}

/// The k best so far of each query, nearest first, ties by row.
class Shortlists {
 public:
  Shortlists(std::size_t queries, std::int64_t k)
      : k_(static_cast<std::size_t>(k)), distances_(queries * k_, kFar), ids_(queries * k_, -1) {}

  void offer(std::size_t query, std::int64_t id, float distance) {
    float* distances = distances_.data() + query * k_;
    std::int64_t* ids = ids_.data() + query * k_;
    const auto is_before = [&](std::size_t held) {
      return std::tie(distance, id) < std::tie(distances[held], ids[held]) || ids[held] < 0;
    };
    if (!is_before(k_ - 1)) return;
    std::size_t at = k_ - 1;
    for (; at > 0 && is_before(at - 1); --at) {
      distances[at] = distances[at - 1];
      ids[at] = ids[at - 1];
    }
    distances[at] = distance;
    ids[at] = id;
  }

  [[nodiscard]] const std::vector<std::int64_t>& ids() const { return ids_; }

  [[nodiscard]] const std::vector<float>& distances() const { return distances_; }

 private:
  std::size_t k_;
  std::vector<float> distances_;
  std::vector<std::int64_t> ids_;
};

/// Rows divided among lists, stored list by list, so that a list is contiguous.
class InvertedLists {
 public:
  InvertedLists(const RowSource& rows, const StopCheck& check_stop)
      : rows_(rows), check_stop_(check_stop), width_(rows.width()), n_(rows.size()) {
    // Twice the root: choosing lists and looking into them then cost about the same.
    lists_ =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(2 * std::sqrt(static_cast<double>(n_))),
                                 1, std::max<std::int64_t>(1, n_ / 8));
    make_centres();
    divide();
  }

  [[nodiscard]] std::int64_t lists() const { return lists_; }

  [[nodiscard]] std::int64_t size() const { return n_; }

  /// The k nearest of the given rows within their `probes` nearest lists.
  [[nodiscard]] Shortlists search(const std::vector<std::int64_t>& queries, std::int64_t k,
                                  std::int64_t probes) const {
    Shortlists found(queries.size(), k);
    for (std::size_t first = 0; first < queries.size(); first += kQueryBlock) {
      const auto last = std::min(queries.size(), first + kQueryBlock);
      search_block(queries, first, last, k, probes, found);
    }
    return found;
  }

 private:
  static constexpr std::size_t kQueryBlock = 262'144;

  void make_centres() {
    constexpr int kRounds = 5;
    constexpr int kRowsPerCentre = 40;
    faiss::ClusteringParameters settings;
    settings.niter = 1;
    settings.min_points_per_centroid = 1;
    settings.max_points_per_centroid = kRowsPerCentre;
    settings.seed = 1234;
    faiss::IndexFlatL2 centres(width_);
    const auto sample = std::min(n_, lists_ * kRowsPerCentre);
    std::vector<float> spread(place(sample, width_));
    for (std::int64_t i = 0; i < sample; ++i) {
      rows_.copy(i * n_ / sample, spread.data() + place(i, width_));
    }
    // Round by round from the centres so far, which is the same as all rounds in one call.
    for (int round = 0; round < kRounds; ++round) {
      give_way(check_stop_);
      faiss::Clustering clustering(static_cast<int>(width_), static_cast<int>(lists_), settings);
      clustering.centroids = std::move(centres_);
      clustering.train(sample, spread.data(), centres);
      centres_ = std::move(clustering.centroids);
    }
  }

  /// The nearest centres of contiguous rows.
  [[nodiscard]] std::vector<std::int64_t> nearest_lists(std::span<const float> rows,
                                                        std::int64_t probes) const {
    return best_of(rows, centres_, width_, probes).ids;
  }

  void divide() {
    std::vector<std::int64_t> list_of(static_cast<std::size_t>(n_));
    for (std::int64_t first = 0; first < n_; first += kBlock) {
      give_way(check_stop_);
      const auto count = std::min(kBlock, n_ - first);
      const auto lists = nearest_lists(rows_.block(first, count), 1);
      std::copy(lists.begin(), lists.end(), list_of.begin() + static_cast<std::ptrdiff_t>(first));
    }
    begin_.assign(static_cast<std::size_t>(lists_ + 1), 0);
    for (const auto list : list_of) ++begin_[static_cast<std::size_t>(list + 1)];
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    ids_.resize(static_cast<std::size_t>(n_));
    auto next = begin_;
    for (std::int64_t i = 0; i < n_; ++i) {
      const auto list = static_cast<std::size_t>(list_of[static_cast<std::size_t>(i)]);
      ids_[static_cast<std::size_t>(next[list]++)] = i;
    }
  }

  /// Which queries of a block look into each list.
  [[nodiscard]] std::vector<std::vector<std::size_t>> visitors(
      const std::vector<std::int64_t>& queries, std::size_t first, std::size_t last,
      std::int64_t probes) const {
    std::vector<std::vector<std::size_t>> of_list(static_cast<std::size_t>(lists_));
    std::vector<float> rows;
    for (std::size_t at = first; at < last; at += static_cast<std::size_t>(kBlock)) {
      give_way(check_stop_);
      const auto count = std::min(last - at, static_cast<std::size_t>(kBlock));
      rows_.gather(std::span(queries).subspan(at, count), rows);
      const auto lists = nearest_lists(rows, probes);
      for (std::size_t i = 0; i < lists.size(); ++i) {
        if (lists[i] < 0) continue;
        of_list[static_cast<std::size_t>(lists[i])].push_back(at +
                                                              i / static_cast<std::size_t>(probes));
      }
    }
    return of_list;
  }

  void search_block(const std::vector<std::int64_t>& queries, std::size_t first, std::size_t last,
                    std::int64_t k, std::int64_t probes, Shortlists& found) const {
    const auto of_list = visitors(queries, first, last, probes);
    std::vector<float> rows;
    std::vector<float> visiting;
    std::vector<std::int64_t> visiting_ids;
    for (std::size_t list = 0; list < of_list.size(); ++list) {
      const auto begin = static_cast<std::size_t>(begin_[list]);
      const auto count = static_cast<std::size_t>(begin_[list + 1]) - begin;
      const auto& visitors_here = of_list[list];
      if (count == 0 || visitors_here.empty()) continue;
      give_way(check_stop_);
      const auto members = std::span(ids_).subspan(begin, count);
      rows_.gather(members, rows);
      visiting_ids.clear();
      for (const auto query : visitors_here) visiting_ids.push_back(queries[query]);
      rows_.gather(visiting_ids, visiting);
      const auto wanted = std::min(k + 1, static_cast<std::int64_t>(count));  // one is itself
      const Best best = best_of(visiting, rows, width_, wanted);
      for (std::size_t i = 0; i < best.ids.size(); ++i) {
        const auto visitor = i / static_cast<std::size_t>(wanted);
        if (best.ids[i] < 0) continue;
        const auto id = members[static_cast<std::size_t>(best.ids[i])];
        if (id != visiting_ids[visitor]) found.offer(visitors_here[visitor], id, best.distances[i]);
      }
    }
  }

  const RowSource& rows_;
  const StopCheck& check_stop_;
  std::int64_t width_;
  std::int64_t n_;
  std::int64_t lists_ = 1;
  std::vector<float> centres_;
  std::vector<std::int64_t> begin_;  ///< [lists + 1] into ids_
  std::vector<std::int64_t> ids_;    ///< rows, list by list
};

/// The exact k nearest others of some rows, a block of the database after the other.
Shortlists exact_nearest(const RowSource& rows, const std::vector<std::int64_t>& queries,
                         std::int64_t k, const StopCheck& check_stop) {
  std::vector<float> asked;
  rows.gather(queries, asked);
  Shortlists found(queries.size(), k);
  for (std::int64_t first = 0; first < rows.size(); first += kBlock) {
    give_way(check_stop);
    const auto count = std::min(kBlock, rows.size() - first);
    const auto wanted = std::min(k + 1, count);
    const Best best = best_of(asked, rows.block(first, count), rows.width(), wanted);
    for (std::size_t i = 0; i < best.ids.size(); ++i) {
      const auto query = i / static_cast<std::size_t>(wanted);
      const auto id = first + best.ids[i];
      if (best.ids[i] >= 0 && id != queries[query]) found.offer(query, id, best.distances[i]);
    }
  }
  return found;
}

/// The share of the exact neighbours that was found, query by query. A row at the distance of the
/// farthest of them also counts, because equal rows are interchangeable.
double recall_of(const Shortlists& found, const Shortlists& exact, std::int64_t k) {
  constexpr float kTie = 1e-6F;
  std::int64_t hits = 0;
  std::int64_t all = 0;
  for (std::size_t first = 0; first < exact.ids().size(); first += static_cast<std::size_t>(k)) {
    const auto begin = exact.ids().begin() + static_cast<std::ptrdiff_t>(first);
    const auto wanted =
        static_cast<std::size_t>(std::count_if(begin, begin + k, [](auto id) { return id >= 0; }));
    if (wanted == 0) continue;
    const float farthest = exact.distances()[first + wanted - 1];
    const float limit = farthest + kTie * std::max(1.0F, farthest);
    for (std::size_t i = first; i < first + wanted; ++i) {
      const auto id = found.ids()[i];
      const bool is_known = std::find(begin, begin + k, id) != begin + k;
      hits += id >= 0 && (is_known || found.distances()[i] <= limit) ? 1 : 0;
    }
    all += static_cast<std::int64_t>(wanted);
  }
  return all > 0 ? static_cast<double>(hits) / static_cast<double>(all) : 1;
}

}  // namespace

ListSearchResult search_by_lists(const RowSource& rows, std::int64_t k, double least_recall,
                                 const StopCheck& check_stop) {
  check(k >= 1 && rows.width() >= 1, "a search by lists needs K >= 1 and features");
  const auto n = rows.size();
  ListSearchResult result;
  result.nearest.assign(static_cast<std::size_t>(n * k), -1);
  result.report.rows = n;
  if (n < 2) return result;
  const InvertedLists lists(rows, check_stop);
  std::vector<std::int64_t> some;
  const auto queries = std::min(kRecallQueries, n);
  for (std::int64_t i = 0; i < queries; ++i) some.push_back(i * n / queries);
  const auto exact = exact_nearest(rows, some, k, check_stop);
  std::int64_t probes = 1;
  double recall = recall_of(lists.search(some, k, probes), exact, k);
  while (recall < least_recall && probes < lists.lists()) {
    probes = std::min(2 * probes, lists.lists());
    recall = recall_of(lists.search(some, k, probes), exact, k);
  }
  std::vector<std::int64_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  result.nearest = lists.search(all, k, probes).ids();
  result.report = {n, lists.lists(), probes, queries, recall};
  return result;
}

}  // namespace hardy
