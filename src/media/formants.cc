#include "media/formants.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

#include "media/spectrum.h"

namespace hardy {
namespace {

constexpr std::size_t kOrder = 16;
constexpr double kRate = 16000;
using Polynomial = std::array<double, kOrder + 1>;
using Roots = std::array<std::complex<double>, kOrder>;

/// Levinson-Durbin; false when the frame is silent.
bool predict(std::span<const float> frame, Polynomial& a) {
  std::array<double, kFrameSamples> x{};
  for (std::size_t i = 0; i < kFrameSamples; ++i) {
    const double before = i == 0 ? 0 : static_cast<double>(frame[i - 1]);
    const double angle =
        2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(kFrameSamples - 1);
    x[i] = (static_cast<double>(frame[i]) - 0.97 * before) * (0.54 - 0.46 * std::cos(angle));
  }
  std::array<double, kOrder + 1> r{};
  for (std::size_t lag = 0; lag <= kOrder; ++lag) {
    for (std::size_t i = lag; i < kFrameSamples; ++i) r[lag] += x[i] * x[i - lag];
  }
  if (r[0] < 1e-9) return false;
  r[0] *= 1 + 1e-6;  // stabilises the recursion for pure tones
  a = {};
  a[0] = 1;
  double error = r[0];
  for (std::size_t i = 1; i <= kOrder; ++i) {
    double sum = r[i];
    for (std::size_t j = 1; j < i; ++j) sum += a[j] * r[i - j];
    const double k = -sum / error;
    Polynomial next = a;
    for (std::size_t j = 1; j < i; ++j) next[j] = a[j] + k * a[i - j];
    next[i] = k;
    a = next;
    error *= 1 - k * k;
    if (error <= 0) return false;
  }
  return true;
}

/// All roots at once by the method of Durand and Kerner.
Roots find_roots(const Polynomial& a) {
  Roots roots;
  for (std::size_t i = 0; i < kOrder; ++i) {
    const double angle = 2 * std::numbers::pi * (static_cast<double>(i) + 0.25) / kOrder;
    roots[i] = std::polar(0.9, angle);
  }
  for (int step = 0; step < 60; ++step) {
    double largest = 0;
    for (std::size_t i = 0; i < kOrder; ++i) {
      std::complex<double> value = a[0];
      for (std::size_t j = 1; j <= kOrder; ++j) value = value * roots[i] + a[j];
      std::complex<double> others = 1;
      for (std::size_t j = 0; j < kOrder; ++j) {
        if (j != i) others *= roots[i] - roots[j];
      }
      if (std::norm(others) < 1e-60) continue;
      const auto change = value / others;
      roots[i] -= change;
      largest = std::max(largest, std::norm(change));
    }
    if (largest < 1e-18) break;
  }
  return roots;
}

}  // namespace

std::array<Formant, 3> find_formants(std::span<const float> frame) {
  std::array<Formant, 3> formants{};
  Polynomial a{};
  if (!predict(frame, a)) return formants;
  std::vector<Formant> found;
  for (const auto& root : find_roots(a)) {
    if (root.imag() <= 0) continue;
    const double hz = std::arg(root) * kRate / (2 * std::numbers::pi);
    const double bandwidth = -std::log(std::abs(root)) * kRate / std::numbers::pi;
    if (hz > 150 && hz < 5500 && bandwidth > 0 && bandwidth < 1000)
      found.push_back({hz, bandwidth});
  }
  std::sort(found.begin(), found.end(),
            [](const Formant& x, const Formant& y) { return x.hz < y.hz; });
  for (std::size_t i = 0; i < std::min(found.size(), formants.size()); ++i) formants[i] = found[i];
  return formants;
}

}  // namespace hardy
