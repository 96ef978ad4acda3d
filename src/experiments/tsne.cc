#include "experiments/tsne.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/random.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

using Matrix = std::vector<double>;  // row-major

constexpr double kTiny = 1e-12;

std::int64_t count_of(std::span<const float> rows, std::int64_t width) {
  const auto size = static_cast<std::int64_t>(rows.size());
  if (width < 1 || size % width != 0 || size / width > kMaxTsnePoints) {
    throw ShapeError(
        fmt::format("t-SNE takes at most {} rows of equal width, not {} values of "
                    "width {}",
                    kMaxTsnePoints, size, width));
  }
  if (!std::all_of(rows.begin(), rows.end(), [](float x) { return std::isfinite(x); })) {
    throw ShapeError("t-SNE takes finite numbers only; a feature is not");
  }
  return size / width;
}

/// The rows' order by content.
std::vector<std::size_t> content_order(std::span<const float> rows, std::size_t width,
                                       std::size_t n) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto row = [&](std::size_t i) { return rows.subspan(i * width, width); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
    return std::lexicographical_compare(row(x).begin(), row(x).end(), row(y).begin(), row(y).end());
  });
  return order;
}

/// Inner products of the centred rows. Shapes: -> [n, n].
Matrix centred_gram(std::span<const float> rows, std::size_t width, std::size_t n) {
  Matrix centred(rows.begin(), rows.end());
  for (std::size_t d = 0; d < width; ++d) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += centred[i * width + d];
    for (std::size_t i = 0; i < n; ++i) centred[i * width + d] -= sum / static_cast<double>(n);
  }
  Matrix gram(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) {
      const double* x = &centred[i * width];
      gram[i * n + j] = gram[j * n + i] =
          std::inner_product(x, x + width, &centred[j * width], 0.0);
    }
  }
  return gram;
}

/// Makes `vector` orthogonal to `other` and of length 1; all zero when nothing remains.
void orthonormalise(std::vector<double>& vector, const std::vector<double>* other, double scale) {
  if (other != nullptr) {
    const double along = std::inner_product(vector.begin(), vector.end(), other->begin(), 0.0);
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] -= along * (*other)[i];
  }
  const double length =
      std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
  const bool is_left = length > scale;
  for (double& x : vector) x = is_left ? x / length : 0;
}

/// The first two eigenvectors of a positive matrix by power iteration. `scale`: magnitude below
/// which a value counts as 0.
std::vector<std::vector<double>> leading_vectors(const Matrix& gram, std::size_t n, double scale,
                                                 Generator& generator) {
  constexpr int kIterations = 200;
  std::vector<std::vector<double>> vectors;
  for (int component = 0; component < 2; ++component) {
    const std::vector<double>* other = component == 0 ? nullptr : vectors.data();
    std::vector<double> vector(n);
    for (double& x : vector) x = draw_normal(generator);
    orthonormalise(vector, other, 0);
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      std::vector<double> next(n);
      for (std::size_t i = 0; i < n; ++i) {
        next[i] = std::inner_product(vector.begin(), vector.end(), &gram[i * n], 0.0);
      }
      vector = std::move(next);
      orthonormalise(vector, other, scale);
    }
    const auto largest = std::max_element(
        vector.begin(), vector.end(), [](double x, double y) { return std::abs(x) < std::abs(y); });
    if (*largest < 0) {
      for (double& x : vector) x = -x;
    }
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

/// The plane of rows that are sorted by content.
Matrix plane_of(std::span<const float> rows, std::size_t width, std::size_t n, std::uint64_t seed) {
  Matrix places(2 * n, 0.0);
  if (n < 2) return places;
  const Matrix gram = centred_gram(rows, width, n);
  double trace = 0;
  for (std::size_t i = 0; i < n; ++i) trace += gram[i * n + i];
  Generator generator = Seeds(seed).stream("tsne.start");
  const auto vectors = leading_vectors(gram, n, trace * 1e-9, generator);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < 2; ++c) {
      places[2 * i + c] = vectors[c][i] * std::sqrt(static_cast<double>(n));
    }
  }
  return places;
}

/// Squared Euclidean distances. Shapes: -> [n, n].
Matrix squared_distances(std::span<const float> rows, std::size_t width, std::size_t n) {
  Matrix distances(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      double sum = 0;
      for (std::size_t d = 0; d < width; ++d) {
        const double step =
            static_cast<double>(rows[i * width + d]) - static_cast<double>(rows[j * width + d]);
        sum += step * step;
      }
      distances[i * n + j] = distances[j * n + i] = sum;
    }
  }
  return distances;
}

/// Neighbourhood of point i: probabilities of all others with the requested entropy, by bisection.
void fill_neighbourhood(const Matrix& distances, std::size_t i, std::size_t n, double entropy,
                        Matrix& p) {
  double nearest = HUGE_VAL;
  double farthest = 0;
  for (std::size_t j = 0; j < n; ++j) {
    if (j == i) continue;
    nearest = std::min(nearest, distances[i * n + j]);
    farthest = std::max(farthest, distances[i * n + j]);
  }
  // In units of the spread, so that the same starting value suits all features.
  const double unit = farthest > nearest ? farthest - nearest : 1;
  double beta = 1;
  double low = 0;
  double high = HUGE_VAL;
  constexpr int kHalvings = 100;
  for (int step = 0; step < kHalvings; ++step) {
    double sum = 0;
    double weighted = 0;
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const double distance = (distances[i * n + j] - nearest) / unit;
      p[i * n + j] = std::exp(-beta * distance);
      sum += p[i * n + j];
      weighted += distance * p[i * n + j];
    }
    for (std::size_t j = 0; j < n; ++j) p[i * n + j] /= sum;
    p[i * n + i] = 0;
    const double reached = std::log(sum) + beta * weighted / sum;
    if (std::abs(reached - entropy) < 1e-6) return;
    (reached > entropy ? low : high) = beta;
    beta = std::isinf(high) ? 2 * beta : (low + high) / 2;
    if (!std::isfinite(beta)) return;  // equal points: no width reaches the entropy
  }
}

/// Joint probabilities. Shapes: -> [n, n], sum 1.
Matrix joint_probabilities(const Matrix& distances, std::size_t n, double perplexity) {
  const double most = static_cast<double>(n - 1) / 3;
  const double entropy = std::log(std::max(1.0, std::min(perplexity, most)));
  Matrix p(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) fill_neighbourhood(distances, i, n, entropy, p);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const double joint =
          std::max(kTiny, (p[i * n + j] + p[j * n + i]) / (2 * static_cast<double>(n)));
      p[i * n + j] = p[j * n + i] = joint;
    }
  }
  return p;
}

/// A quarter of the gradient of the Kullback-Leibler divergence. `q`: buffer of [n, n].
void add_gradient(const Matrix& p, const Matrix& places, double exaggeration, std::size_t n,
                  Matrix& q, Matrix& gradient) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const double x = places[2 * i] - places[2 * j];
      const double y = places[2 * i + 1] - places[2 * j + 1];
      q[i * n + j] = 1 / (1 + x * x + y * y);
      sum += 2 * q[i * n + j];
    }
  }
  std::fill(gradient.begin(), gradient.end(), 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const double near = q[i * n + j];
      const double force = (exaggeration * p[i * n + j] - near / sum) * near;
      const double x = force * (places[2 * i] - places[2 * j]);
      const double y = force * (places[2 * i + 1] - places[2 * j + 1]);
      gradient[2 * i] += x;
      gradient[2 * i + 1] += y;
      gradient[2 * j] -= x;
      gradient[2 * j + 1] -= y;
    }
  }
}

/// Gradient descent with momentum and a gain per coordinate, as published.
void descend(const Matrix& p, std::size_t n, const TsneOptions& options, Matrix& places) {
  const double rate = std::max(static_cast<double>(n) / options.exaggeration / 4, 50.0);
  Matrix q(n * n);
  Matrix gradient(2 * n);
  Matrix step(2 * n, 0.0);
  Matrix gain(2 * n, 1.0);
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    const bool is_early = iteration < options.exaggerated_iterations;
    add_gradient(p, places, is_early ? options.exaggeration : 1, n, q, gradient);
    for (std::size_t i = 0; i < 2 * n; ++i) {
      const bool is_turning = gradient[i] * step[i] > 0;
      gain[i] = std::max(0.01, is_turning ? 0.8 * gain[i] : gain[i] + 0.2);
      step[i] = (is_early ? 0.5 : 0.8) * step[i] - rate * gain[i] * 4 * gradient[i];
      places[i] += step[i];
    }
  }
}

}  // namespace

std::vector<double> principal_plane(std::span<const float> rows, std::int64_t width,
                                    std::uint64_t seed) {
  const auto n = static_cast<std::size_t>(count_of(rows, width));
  return plane_of(rows, static_cast<std::size_t>(width), n, seed);
}

std::vector<double> tsne(std::span<const float> rows, std::int64_t width,
                         const TsneOptions& options) {
  const auto n = static_cast<std::size_t>(count_of(rows, width));
  const auto columns = static_cast<std::size_t>(width);
  const auto order = content_order(rows, columns, n);
  std::vector<float> sorted;
  sorted.reserve(rows.size());
  for (const auto i : order) {
    const auto row = rows.subspan(i * columns, columns);
    sorted.insert(sorted.end(), row.begin(), row.end());
  }
  Matrix places = plane_of(sorted, columns, n, options.seed);
  if (static_cast<std::int64_t>(n) >= kMinTsnePoints) {
    constexpr double kStart =
        1e-4;  // as published, so that early forces dominate the starting positions
    for (double& x : places) x *= kStart;
    const auto p =
        joint_probabilities(squared_distances(sorted, columns, n), n, options.perplexity);
    descend(p, n, options, places);
  }
  std::vector<double> result(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    result[2 * order[i]] = places[2 * i];
    result[2 * order[i] + 1] = places[2 * i + 1];
  }
  return result;
}

}  // namespace hardy
