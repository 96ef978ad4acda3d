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

/// Statistics over the given utterances that have the modality, with the population standard
/// deviation. The clip range extends beyond the training values on either side by their span: no
/// training value is clipped, and a column that hardly varies in training cannot dominate the
/// prediction of an utterance in which it does. Without such an utterance there is no clip range.
Scaling fit_scaling(const FeatureTable& table, const std::vector<std::int64_t>& utterances);

/// (x - mean) / standard deviation, clipped; rows of absent modalities stay zero.
FeatureTable apply_scaling(const FeatureTable& table, const Scaling& scaling);

}  // namespace hardy
