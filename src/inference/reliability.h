// Whether the features of a modality look like those of training: the judgement behind
// PredictOptions::set_aside (docs/damaged_data.md). Internal.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/tensor_file.h"

namespace hardy::predict {

/// What is measured on the standardised and clipped features z of an utterance. The larger a value,
/// the stranger the utterance.
enum Strangeness : std::size_t {
  kLoud,       ///< log of the mean square of z
  kFaint,      ///< the same with the opposite sign
  kShapeless,  ///< log of the Mahalanobis distance, in which directions of little training variance
               ///< weigh most, over the square of z: the shape of z, whatever its size
  kRepeated,   ///< closeness to the previous utterance of the dialogue that has the modality
  kStrangenessCount
};

inline constexpr std::array<const char*, kStrangenessCount> kStrangenessNames = {
    "loud", "faint", "shapeless", "repeated"};

using StrangenessValues = std::array<double, kStrangenessCount>;

/// Principal directions of a modality's training features, and how strange its validation
/// utterances are.
struct ReliabilityView {
  std::int64_t width = 0;           ///< d_m
  std::int64_t directions = 0;      ///< k; 0 = the model has none
  const float* basis = nullptr;     ///< [k, d_m] orthonormal rows
  const float* variance = nullptr;  ///< [k + 1] of each direction, then of each of the others; > 0
  /// The largest values of validation utterances, descending, and the number of all of them.
  std::array<std::span<const float>, kStrangenessCount> largest = {};
  std::array<std::int64_t, kStrangenessCount> counts = {};
};

/// A modality's arrays in a bundle. Throws ArtifactError when one of them is missing or has another
/// shape; without any, `directions` is 0.
ReliabilityView find_reliability(const TensorFileView& file, const BundleModality& modality);

/// Strangeness of z; kRepeated is -infinity without `previous`. Shapes: z, previous [d_m].
StrangenessValues strangeness_of(const ReliabilityView& view, const float* z,
                                 const float* previous);

/// The chance that an utterance like those of validation is at least as strange (a conformal
/// p-value, corrected for the number of measures), at most 1.
double reliability_of(const ReliabilityView& view, const StrangenessValues& values);

/// Smallest rate at which reliability_of can fall to or below it; infinity without validation
/// utterances.
double smallest_rate(const ReliabilityView& view);

}  // namespace hardy::predict
