#include "inference/reliability.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy::predict {
namespace {

/// Keeps logarithms of a modality that is zero throughout finite.
constexpr double kNothing = 1e-12;

const std::vector<std::int64_t>& require_shape(const TensorFileView& file, const std::string& name,
                                               bool is_right) {
  if (!is_right) {
    throw ArtifactError(
        fmt::format("array '{}' has another shape than the model's modality; train "
                    "the model again",
                    name));
  }
  return file.shape(name);
}

}  // namespace

ReliabilityView find_reliability(const TensorFileView& file, const BundleModality& modality) {
  const std::string prefix = "reliability." + modality.name;
  ReliabilityView view;
  view.width = modality.width;
  if (!file.has(prefix + ".basis")) return view;
  const auto& basis = file.shape(prefix + ".basis");
  require_shape(file, prefix + ".basis",
                basis.size() == 2 && basis[0] >= 1 && basis[0] <= modality.width &&
                    basis[1] == modality.width);
  view.directions = basis[0];
  view.basis = file.floats(prefix + ".basis").data();
  const auto variance = file.floats(prefix + ".variance");
  const bool is_positive =
      std::all_of(variance.begin(), variance.end(), [](float value) { return value > 0; });
  require_shape(file, prefix + ".variance",
                static_cast<std::int64_t>(variance.size()) == view.directions + 1 && is_positive);
  view.variance = variance.data();
  const auto counts = file.integers(prefix + ".counts");
  require_shape(file, prefix + ".counts", counts.size() == kStrangenessCount);
  for (std::size_t s = 0; s < kStrangenessCount; ++s) {
    const auto name = prefix + "." + kStrangenessNames[s];
    view.largest[s] = file.floats(name);
    view.counts[s] = counts[s];
    const auto stored = static_cast<std::int64_t>(view.largest[s].size());
    require_shape(file, name, stored <= counts[s] && (stored > 0 || counts[s] == 0));
  }
  return view;
}

StrangenessValues strangeness_of(const ReliabilityView& view, const float* z,
                                 const float* previous) {
  double square = 0;
  double step = 0;
  for (std::int64_t j = 0; j < view.width; ++j) {
    const auto value = static_cast<double>(z[j]);
    square += value * value;
    if (previous == nullptr) continue;
    const double change = value - static_cast<double>(previous[j]);
    step += change * change;
  }
  double explained = 0;
  double distance = 0;
  for (std::int64_t k = 0; k < view.directions; ++k) {
    const float* direction = view.basis + k * view.width;
    double score = 0;
    for (std::int64_t j = 0; j < view.width; ++j) {
      score += static_cast<double>(direction[j]) * static_cast<double>(z[j]);
    }
    explained += score * score;
    distance += score * score / static_cast<double>(view.variance[k]);
  }
  const double rest = std::max(square - explained, 0.0);
  if (view.directions < view.width) {
    distance += rest / static_cast<double>(view.variance[view.directions]);
  }
  const double size = std::log(square / static_cast<double>(view.width) + kNothing);
  StrangenessValues values{};
  values[kLoud] = size;
  values[kFaint] = -size;
  values[kShapeless] = std::log(distance / static_cast<double>(view.width) + kNothing) - size;
  values[kRepeated] = previous == nullptr ? -std::numeric_limits<double>::infinity() : -step;
  return values;
}

double reliability_of(const ReliabilityView& view, const StrangenessValues& values) {
  double least = 1;
  double measures = 0;
  for (std::size_t s = 0; s < kStrangenessCount; ++s) {
    if (view.counts[s] == 0) continue;
    ++measures;
    const auto& largest = view.largest[s];
    // Stored as float32, so that a validation utterance is compared with itself.
    const auto value = static_cast<float>(values[s]);
    const auto above =
        std::find_if(largest.begin(), largest.end(), [&](float stored) { return stored < value; });
    if (above == largest.end()) continue;  // an ordinary one
    const auto as_strange = static_cast<double>(above - largest.begin());
    least = std::min(least, (1 + as_strange) / static_cast<double>(view.counts[s] + 1));
  }
  return std::min(1.0, least * measures);
}

double smallest_rate(const ReliabilityView& view) {
  double measures = 0;
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  for (const auto count : view.counts) {
    if (count == 0) continue;
    ++measures;
    fewest = std::min(fewest, count);
  }
  if (measures == 0) return std::numeric_limits<double>::infinity();
  return measures / static_cast<double>(fewest + 1);
}

}  // namespace hardy::predict
