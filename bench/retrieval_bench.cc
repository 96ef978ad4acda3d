// Exact search against inverted lists on rows in clusters of low dimension, as encoder features
// have: CPU time per query, recall, memory. Usage: hardy_retrieval_bench ROWS WIDTH [K]
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

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
  return 0;
}
