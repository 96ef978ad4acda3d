// The reconstruction loss under a mask in the wrong layout (defect H14).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "hardy/modality.h"
#include "nn/backbone.h"
#include "nn/batch.h"

namespace hardy {

/// What the misread mask of a padded batch counts.
struct SwappedMask {
  std::vector<float> weights;    ///< [n] by row of the plan, 1 = counted, 0 = left out
  std::vector<Pattern> padding;  ///< of every padded place that counts: its dialogue's last pattern
};

SwappedMask swapped_mask(const BatchPlan& plan);

/// The error of counted padding: what the decoder makes of nothing, against zero. Modalities that a
/// pattern hides, or with `everyone` all. Sum over places and modalities of the mean square.
/// Shapes: -> [].
at::Tensor padding_error(const Backbone& backbone, const std::vector<Pattern>& padding,
                         bool everyone, DropoutStream& dropout);

}  // namespace hardy
