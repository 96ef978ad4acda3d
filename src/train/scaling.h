// Standardisation with the statistics of a fold's training utterances.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/batch.h"

namespace hardy {

/// Incremented when a change of the code moves scaled values: stored stage results depend on it.
inline constexpr int kScalingVersion = 2;

/// Mean, standard deviation and clip range per modality.
struct Scaling {
  std::vector<at::Tensor> mean;  ///< [M] of [d_m]
  std::vector<at::Tensor>
      deviation;                   ///< [M] of [d_m] standard deviation, > 0; 1 for constant columns
  std::vector<at::Tensor> lowest;  ///< [M] of [d_m] lower end of the clip range, in scaled units
  std::vector<at::Tensor> highest;  ///< [M] of [d_m] upper end, >= lowest
};

/// From which sizes of a modality on memory is saved.
struct ScalingLimits {
  /// With more rows than these, statistics are summed up in the order of the rows. No corpus of the
  /// literature is as large, so that the numbers of none depend on it.
  std::int64_t rows = 131'072;
  std::int64_t numbers = 1 << 22;         ///< beyond, columns are looked at one after another
  std::int64_t copied_numbers = 1 << 20;  ///< beyond, rows are scaled when they are taken
};

/// Statistics over the given utterances that have the modality. Population deviation. The limits
/// lie as far outside of the training values as those reach apart: no training value is touched,
/// and a column that hardly varies there cannot spoil the prediction of an utterance in which it
/// does. Without such an utterance there are no limits.
/// `table` must not be scaled.
Scaling fit_scaling(const FeatureTable& table, const std::vector<std::int64_t>& utterances,
                    const ScalingLimits& limits = {});

/// (x - mean) / deviation between the limits; rows of absent modalities stay zero. What is scaled
/// when rows are taken has the same bits. `table` must not be scaled, and on the CPU its memory
/// must outlive the result.
FeatureTable apply_scaling(const FeatureTable& table, const Scaling& scaling,
                           const ScalingLimits& limits = {});

}  // namespace hardy
