// Reads the authors' state dicts (names of their PyTorch modules) into the names of our parameters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/config.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// What the shapes of a published checkpoint say about the module that wrote it.
struct PublishedShape {
  std::vector<std::int64_t> widths;  ///< [M] d_m
  std::int64_t outputs = 0;          ///< C, or 1 for a value
  EncoderConfig encoder;             ///< heads are not visible in it: 2, as published
  bool has_decoder = true;           ///< MoMKE's modules have none
  bool is_hardness = false;          ///< has cross-attention: the teacher
};

/// Modalities a, t, v (the published order) named by `modality_names`. Throws ArtifactError when an
/// array is missing or its shape contradicts the others.
PublishedShape published_shape(const TensorFile& state_dict,
                               const std::vector<std::string>& modality_names);

/// Renames and stacks a published recogniser's or hardness model's arrays into the names of our
/// parameters, ready for ParameterSet::load; MoMKE's too. The never-used `*_in_mi` stacks are
/// dropped.
TensorFile convert_published(const TensorFile& state_dict,
                             const std::vector<std::string>& modality_names);

/// A bundle of a published recogniser: its weights, features taken as they are (the published code
/// scales nothing), labels named `class_names` (empty: one output, a value). Nothing is known of
/// its scores and calibration. Throws ArtifactError when it is no recogniser, ConfigError when the
/// names do not fit its outputs.
TensorFile published_bundle(const TensorFile& state_dict,
                            const std::vector<std::string>& modality_names,
                            const std::vector<std::string>& class_names, std::int64_t heads);

/// The same for a published feature-tuning network (fc1..fc5).
TensorFile convert_published_tuning(const TensorFile& state_dict);

}  // namespace hardy
