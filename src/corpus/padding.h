// Removal of padding from sequences.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "corpus/pickle_samples.h"

namespace hardy {

/// Padding of one modality as stored in a file.
struct Padding {
  std::vector<double> lengths;  ///< [N] real frames; empty = not given
  NumberRows mask;              ///< [N, T], not 0 = a real frame; empty = not given
};

/// The frames of one sequence without padding.
struct PaddedFrames {
  std::span<const float> frames;
  bool is_contradictory = false;  ///< there are values outside the stored length
};

/// Removes the padding of sample `i`. With a mask of T marks: keeps the frames with a mark other
/// than 0 (moved to the front of `frames`). Otherwise with a length n: keeps the first n frames, or
/// the last n if only the frames before them are zero. Otherwise keeps everything between the first
/// and the last frame that is not all zero. Shapes: frames [T, width].
PaddedFrames without_padding(const Padding& padding, std::int64_t i, std::int64_t width,
                             std::vector<float>& frames);

}  // namespace hardy
