// Exact search against inverted lists on rows in clusters of low dimension, as encoder features
// have: CPU time per query, recall, memory. Usage: hardy_retrieval_bench ROWS WIDTH [K [graph]].
// `graph` adds FAISS's graph search (HNSW) and product quantisation, which hardy does not use.
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/utils/Heap.h>
#include <faiss/utils/distances.h>
#include <fmt/format.h>

#include "methods/hardymer/list_search.h"

namespace {

double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

long peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

/// Rows around centres in a subspace of 24 dimensions, with noise in all.
std::vector<float> clustered(std::int64_t rows, std::int64_t width) {
  constexpr int kRank = 24;
  const std::int64_t clusters = std::max<std::int64_t>(20, rows / 500);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> noise(-0.13F, 0.13F);
  std::vector<float> plane(static_cast<std::size_t>(kRank * width));
  for (auto& x : plane) x = normal(random) / std::sqrt(static_cast<float>(kRank));
  std::vector<float> centres(static_cast<std::size_t>(clusters * kRank));
  for (auto& x : centres) x = normal(random);
  std::vector<float> all(static_cast<std::size_t>(rows * width));
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto cluster = static_cast<std::int64_t>(random() % static_cast<unsigned>(clusters));
    float* row = all.data() + i * width;
    for (int r = 0; r < kRank; ++r) {
      const float z =
          centres[static_cast<std::size_t>(cluster * kRank + r)] + 0.5F * normal(random);
      const float* direction = plane.data() + r * width;
      for (std::int64_t j = 0; j < width; ++j) row[j] += z * direction[j];
    }
    for (std::int64_t j = 0; j < width; ++j) row[j] += noise(random);
  }
  return all;
}

/// Rows to be found, and what an exact search finds for the first of them.
struct Problem {
  const std::vector<float>& rows;
  std::int64_t width;
  std::int64_t k;
  const std::vector<std::int64_t>& exact;  ///< [some, k + 1]; a row finds itself
};

/// Builds an index, searches the first rows and prints time for every row and recall.
void measure(const char* name, faiss::Index& index, const Problem& problem) {
  const auto n = static_cast<std::int64_t>(problem.rows.size()) / problem.width;
  const auto wanted = problem.k + 1;
  const auto some = static_cast<std::int64_t>(problem.exact.size()) / wanted;
  double before = cpu_s();
  index.train(n, problem.rows.data());
  index.add(n, problem.rows.data());
  const double build_ms = (cpu_s() - before) * 1e3 / static_cast<double>(n);
  std::vector<float> distances(problem.exact.size());
  std::vector<std::int64_t> ids(distances.size());
  before = cpu_s();
  index.search(some, problem.rows.data(), wanted, distances.data(), ids.data());
  const double search_ms = (cpu_s() - before) * 1e3 / static_cast<double>(some);
  std::int64_t hits = 0;
  for (std::int64_t i = 0; i < some; ++i) {
    const auto first = problem.exact.begin() + i * wanted;
    const auto found = ids.begin() + i * wanted;
    for (auto id = found; id != found + wanted; ++id) {
      hits += *id != i && std::find(first, first + wanted, *id) != first + wanted ? 1 : 0;
    }
  }
  fmt::print("{}: {:.3f} ms a query, {:.3f} of them building, recall {:.4f}\n", name,
             build_ms + search_ms, build_ms,
             static_cast<double>(hits) / static_cast<double>(some * problem.k));
}

void measure_others(const Problem& problem) {
  for (const int breadth : {64, 256}) {
    faiss::IndexHNSWFlat graph(static_cast<int>(problem.width), 16);
    graph.hnsw.efSearch = breadth;
    measure(fmt::format("HNSW 16, ef {}", breadth).c_str(), graph, problem);
  }
  constexpr std::size_t kLists = 256;
  constexpr std::size_t kCodes = 64;
  faiss::IndexFlatL2 centres(problem.width);
  faiss::IndexIVFPQ quantised(&centres, static_cast<std::size_t>(problem.width), kLists, kCodes, 8);
  quantised.nprobe = 16;
  measure("IVFPQ 64, 16 probes", quantised, problem);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::int64_t rows = std::atoll(argv[1]);
  const std::int64_t width = std::atoll(argv[2]);
  const std::int64_t k = argc > 3 ? std::atoll(argv[3]) : 5;
  omp_set_num_threads(1);
  const auto all = clustered(rows, width);
  const long loaded = peak_mib();
  const std::int64_t some = std::min<std::int64_t>(rows, 1000);
  std::vector<float> distances(static_cast<std::size_t>(some * (k + 1)));
  std::vector<std::int64_t> ids(distances.size());
  faiss::float_maxheap_array_t heap = {static_cast<std::size_t>(some),
                                       static_cast<std::size_t>(k + 1), ids.data(),
                                       distances.data()};
  double before = cpu_s();
  faiss::knn_L2sqr(all.data(), all.data(), static_cast<std::size_t>(width),
                   static_cast<std::size_t>(some), static_cast<std::size_t>(rows), &heap);
  const double exact_ms = (cpu_s() - before) * 1e3 / static_cast<double>(some);
  before = cpu_s();
  const auto found = hardy::search_by_lists(hardy::RowSource(all, width, {}, false), k, 0.99);
  const double lists_ms = (cpu_s() - before) * 1e3 / static_cast<double>(rows);
  fmt::print(
      "rows {} width {}: exact {:.3f} ms a query; lists {:.3f} ms ({} lists, {} probes, building "
      "and measuring included), {:.1f} times faster, recall {:.4f}; {} MiB over the rows' {}\n",
      rows, width, exact_ms, lists_ms, found.report.lists, found.report.probes, exact_ms / lists_ms,
      found.report.recall, peak_mib() - loaded, loaded);
  if (argc > 4 && std::string(argv[4]) == "graph") measure_others({all, width, k, ids});
  return 0;
}
