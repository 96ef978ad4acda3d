// Standardisation with the statistics of a fold's training utterances (methods.md 1.7).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "hardy/model/batch.h"

namespace hardy {

/// Per modality, what is subtracted and what is divided by.
struct Scaling {
  std::vector<at::Tensor> mean;       ///< [M] of [d_m]
  std::vector<at::Tensor> deviation;  ///< [M] of [d_m], > 0; 1 for columns that never vary
};

/// Statistics over the given utterances that have the modality. Population deviation.
Scaling fit_scaling(const FeatureTable& table, const std::vector<std::int64_t>& utterances);

/// (x - mean) / deviation; rows of absent modalities stay zero.
FeatureTable apply_scaling(const FeatureTable& table, const Scaling& scaling);

}  // namespace hardy
