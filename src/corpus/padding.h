// Which frames of a padded sequence are real.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "corpus/pickle_samples.h"

namespace hardy {

/// What a file says of the padding of one modality.
struct Padding {
  std::vector<double> lengths;  ///< [N] real frames; empty = not given
  NumberRows mask;              ///< [N, T], not 0 = a real frame; empty = not given
};

/// The real frames of one sequence.
struct PaddedFrames {
  std::span<const float> frames;
  bool is_contradictory = false;  ///< there are values outside of the stored length
};

/// Takes the padding off sample `i`. With a mask of T marks: the frames whose mark is not 0 (they
/// move to the front of `frames`). Else with a length n: the first n frames, or the last n when
/// only the frames before them are zero. Else all frames between the first and the last that is not
/// zero throughout. Shapes: frames [T, width].
PaddedFrames without_padding(const Padding& padding, std::int64_t i, std::int64_t width,
                             std::vector<float>& frames);

}  // namespace hardy
