// Reads the authors' state dicts (names of their PyTorch modules) into our modules.
#pragma once

#include <string>
#include <vector>

#include "hardy/core/tensor_file.h"
#include "hardy/model/backbone.h"

namespace hardy {

/// What the shapes of a published checkpoint say about the module that wrote it.
struct PublishedShape {
  BackboneOptions options;   ///< for our Backbone or HardnessModule
  bool is_hardness = false;  ///< has cross-attention: the teacher
};

/// Modalities a, t, v (the published order) named by `modality_names`. Throws ArtifactError when an
/// array is missing or its shape contradicts the others.
PublishedShape published_shape(const TensorFile& state_dict,
                               const std::vector<std::string>& modality_names);

/// Renames and stacks a published recogniser's or hardness model's arrays into the names of our
/// parameters, ready for ParameterSet::load. The never-used `*_in_mi` stacks are dropped.
TensorFile convert_published(const TensorFile& state_dict,
                             const std::vector<std::string>& modality_names);

/// The same for a published feature-tuning network (fc1..fc5).
TensorFile convert_published_tuning(const TensorFile& state_dict);

}  // namespace hardy
