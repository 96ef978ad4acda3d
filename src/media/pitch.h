// Fundamental frequency, voicing, harmonicity, and the cycles of the voice.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hardy {

/// Frame by frame, frames as in spectrum.h.
struct PitchTrack {
  std::vector<float> hz;           ///< [frames] 55 to 500; 0 = unvoiced
  std::vector<float> correlation;  ///< [frames] normalised autocorrelation at the period, in [0, 1]

  [[nodiscard]] bool is_voiced(std::size_t frame) const { return hz[frame] > 0; }
};

/// Normalised cross-correlation of 25 ms windows at every lag, its peaks as candidates, and the
/// path through them with the least jumps (Viterbi). Samples in [-1, 1] at 16 kHz.
PitchTrack track_pitch(std::span<const float> samples);

/// Irregularity of the voice's cycles, frame by frame; NaN where no three cycles were found.
struct CycleTrack {
  std::vector<float> jitter;  ///< [frames] mean |difference of successive periods| / mean period
  std::vector<float> shimmer_db;  ///< [frames] mean |20 log10 ratio of successive peak amplitudes|
};

CycleTrack track_cycles(std::span<const float> samples, const PitchTrack& pitch);

}  // namespace hardy
