// The reconstruction loss under a mask in the wrong layout (defect H14).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "hardy/modality.h"
#include "nn/backbone.h"
#include "nn/batch.h"

namespace hardy {

/// Rows and padding that the misread mask of a padded batch selects.
struct SwappedMask {
  std::vector<float> weights;    ///< [n] by row of the plan, 1 = counted, 0 = left out
  std::vector<Pattern> padding;  ///< of every selected padded position: its dialogue's last pattern
};

SwappedMask swapped_mask(const BatchPlan& plan);

/// Error of selected padding: the decoder's output for empty input, against zero, for the
/// modalities that a pattern masks, or with `everyone` for all. Sum over positions and modalities
/// of the mean square. Shapes: -> [].
at::Tensor padding_error(const Backbone& backbone, const std::vector<Pattern>& padding,
                         bool everyone, DropoutStream& dropout);

}  // namespace hardy
