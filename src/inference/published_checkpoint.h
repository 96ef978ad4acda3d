// Converts the authors' state dicts (names of their PyTorch modules) to hardy's parameter names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/config.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// Shape of the module of a published checkpoint, derived from its arrays.
struct PublishedShape {
  std::vector<std::int64_t> widths;  ///< [M] d_m
  std::int64_t outputs = 0;          ///< C, or 1 for a value
  EncoderConfig encoder;             ///< heads cannot be derived: 2, as published
  bool has_decoder = true;           ///< MoMKE's modules have none
  bool is_hardness = false;          ///< true = the teacher, which has cross-attention
};

/// Modalities a, t, v (the published order) named by `modality_names`. Throws ArtifactError when an
/// array is missing or its shape contradicts the others.
PublishedShape published_shape(const TensorFile& state_dict,
                               const std::vector<std::string>& modality_names);

/// Renames and stacks the arrays of a published recogniser or hardness model, also MoMKE's, for
/// ParameterSet::load. The unused `*_in_mi` stacks are dropped.
TensorFile convert_published(const TensorFile& state_dict,
                             const std::vector<std::string>& modality_names);

/// A bundle of a published recogniser: its weights, no scaling (as in the published code), labels
/// named `class_names` (empty: one output, a value), without scores and calibration. Throws
/// ArtifactError when it is no recogniser, ConfigError when the names do not fit its outputs.
TensorFile published_bundle(const TensorFile& state_dict,
                            const std::vector<std::string>& modality_names,
                            const std::vector<std::string>& class_names, std::int64_t heads);

/// The same for a published feature-tuning network (fc1..fc5).
TensorFile convert_published_tuning(const TensorFile& state_dict);

}  // namespace hardy
